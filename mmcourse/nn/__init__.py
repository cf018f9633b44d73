"""Building blocks that several chapters share: attention, transformer and convolution blocks."""

from mmcourse.nn.attention import Attention, attend, attention_maps
from mmcourse.nn.conv import Downsample, ResidualBlock, residual_stack, zeroed
from mmcourse.nn.embeddings import TimestepEmbedding, sincos_positions, timestep_embedding
from mmcourse.nn.muon import split_for_muon
from mmcourse.nn.norm import RMSNorm
from mmcourse.nn.pooling import masked_mean
from mmcourse.nn.rotary import grid_positions, rotary_angles, rotate
from mmcourse.nn.transformer import TransformerBlock
from mmcourse.nn.word_attention import WordAttention

__all__ = [
    "Attention",
    "Downsample",
    "RMSNorm",
    "ResidualBlock",
    "TimestepEmbedding",
    "TransformerBlock",
    "WordAttention",
    "attend",
    "attention_maps",
    "grid_positions",
    "masked_mean",
    "residual_stack",
    "rotary_angles",
    "rotate",
    "sincos_positions",
    "split_for_muon",
    "timestep_embedding",
    "zeroed",
]
