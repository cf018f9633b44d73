"""Building blocks that several chapters share: attention, transformer and convolution blocks."""

from mmcourse.nn.attention import Attention, attention_maps
from mmcourse.nn.conv import Downsample, ResidualBlock
from mmcourse.nn.pooling import masked_mean
from mmcourse.nn.transformer import TransformerBlock

__all__ = [
    "Attention",
    "Downsample",
    "ResidualBlock",
    "TransformerBlock",
    "attention_maps",
    "masked_mean",
]
