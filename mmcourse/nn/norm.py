"""Normalisation: by the root mean square, and by groups of channels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / rms(x), times a learned weight: LayerNorm without its mean and its bias.

    The statistics are computed in float32 whatever comes in, and the result has the type of what
    came in, so that a model in bfloat16 stays in bfloat16 and under float16 no square overflows.

    Source: Zhang & Sennrich, Root Mean Square Layer Normalization, 2019, equation 4.

    Args:
        dim: width of the last axis.
        eps: added to the mean square, so that a row of zeros stays one.
    """

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) to (..., dim), of the same type."""
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        h = h * (h.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        return (h * self.weight).to(x.dtype)


class GroupNorm(nn.GroupNorm):
    """`torch.nn.GroupNorm` in float32 whatever comes in, returned in the type of what came in.

    In bfloat16 and channels_last PyTorch's takes on a CPU up to three times as long as in float32,
    and its sums lose digits.

    Source: Wu & He, Group Normalization, 2018, equation 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) to the same shape and type."""
        if x.dtype not in (torch.bfloat16, torch.float16):
            return super().forward(x)
        weight, bias = (None if p is None else p.float() for p in (self.weight, self.bias))
        with torch.autocast(x.device.type, enabled=False):
            return F.group_norm(x.float(), self.num_groups, weight, bias, self.eps).to(x.dtype)
