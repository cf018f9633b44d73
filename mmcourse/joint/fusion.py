"""Three ways to make one vector of a text and a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.joint.cross_attention import CrossModalAttention
from mmcourse.nn import masked_mean


class ConcatFusion(nn.Module):
    """The mean of the words beside the mean of the cells, then a small network.

    Whatever the text says of one part of the picture meets the average of all parts.

    Args:
        dim: width of both modalities' tokens and of the result.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(2 * dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """words (B, T, dim), mask (B, T) bool, cells (B, S, dim) to (B, dim)."""
        return self.mix(torch.cat([masked_mean(words, mask), cells.mean(1)], -1))


class GatedFusion(nn.Module):
    """A learned share of each, number by number.

    Source: Arevalo et al., Gated Multimodal Units for Information Fusion, 2017, equation 1.

    Args:
        dim: width of both modalities' tokens and of the result.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.text = nn.Linear(dim, dim)
        self.image = nn.Linear(dim, dim)
        self.gate = nn.Linear(2 * dim, dim)

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """words (B, T, dim), mask (B, T) bool, cells (B, S, dim) to (B, dim)."""
        text, image = masked_mean(words, mask), cells.mean(1)  # (B, dim) each
        share = self.gate(torch.cat([text, image], -1)).sigmoid()  # (B, dim)
        return share * self.text(text).tanh() + (1 - share) * self.image(image).tanh()


class CrossAttentionFusion(nn.Module):
    """Each word looks at the cells before anything is averaged.

    Args:
        dim: width of both modalities' tokens and of the result.
        heads: number of attention heads.
    """

    def __init__(self, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.look = CrossModalAttention(dim, heads)
        self.mix = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """words (B, T, dim), mask (B, T) bool, cells (B, S, dim) to (B, dim)."""
        return masked_mean(self.mix(self.look(words, cells)), mask)
