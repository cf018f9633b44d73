"""Building blocks that several chapters share: attention, transformer and convolution blocks."""

from mmcourse.nn.attention import Attention
from mmcourse.nn.conv import Downsample, ResidualBlock
from mmcourse.nn.pooling import masked_mean
from mmcourse.nn.transformer import TransformerBlock

__all__ = ["Attention", "Downsample", "ResidualBlock", "TransformerBlock", "masked_mean"]
