"""Finite scalar quantisation: round each number to a few levels, and there is nothing to learn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcourse.vqvae.gradient import straight_through
from mmcourse.vqvae.quantizer import Quantized, check_indices, check_width

EDGE = 1e-3
"""How far the outermost level is kept from where tanh saturates."""


def fsq_round(z: Tensor, levels: Tensor) -> Tensor:
    """Squash each number to its range and round it; the gradient skips the rounding alone.

    Source: Mentzer et al., Finite Scalar Quantization: VQ-VAE Made Simple, 2024.

    Args:
        z: (..., D).
        levels: (D,) int64, how many values each number may take, 3 or more.

    Returns:
        (..., D) in [-1, 1]: whole numbers by `levels // 2`.
    """
    half = (levels - 1).to(z.dtype) * (1 + EDGE) / 2
    offset = (levels % 2 == 0) / 2  # an even number of levels has none at 0
    squashed = (z + (offset / half).atanh()).tanh() * half - offset
    return straight_through(squashed, squashed.round()) / (levels // 2)


class FSQ(nn.Module):
    """A grid in place of a codebook: D numbers, number d rounded to one of `levels[d]` values.

    Each number is squashed to its range by tanh and rounded; the gradient goes straight through the
    rounding. K is the product of the levels. No code can be far from the encoder, so none dies.

    Source: Mentzer et al., Finite Scalar Quantization: VQ-VAE Made Simple, 2024.

    Args:
        levels: of each number, 3 or more.
    """

    width: Tensor
    basis: Tensor
    sizes: Tensor

    def __init__(self, levels: Sequence[int] = (8, 5, 5, 5)) -> None:
        super().__init__()
        if len(levels) == 0 or min(levels) < 3:
            raise ValueError(
                f"each number needs 3 levels or more, got levels={list(levels)}; with 2, tanh is "
                "saturated at the one that starts out nearest, and no gradient leads to the other"
            )
        self.levels, self.dim, self.num_codes = list(levels), len(levels), math.prod(levels)
        sizes = torch.tensor(self.levels)
        steps = torch.cumprod(torch.tensor([1, *self.levels[:-1]]), 0)
        for name, value in {"width": sizes // 2, "basis": steps, "sizes": sizes}.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, z: Tensor) -> Quantized:
        """Round z (B, D, ...); the codes lie in [-1, 1], the loss is 0.

        Raises:
            ValueError: another width, or NaN.
        """
        check_width(z, self.dim)
        if not z.isfinite().all():
            raise ValueError("the encoder's output holds NaN or infinity: it rounds to no level")
        with torch.autocast(z.device.type, enabled=False):
            rows = z.movedim(1, -1).float()  # (B, ..., D)
            codes = fsq_round(rows, self.sizes)  # (B, ..., D)
            digits = (codes.detach() * self.width).round().long() + self.width
        index = (digits * self.basis).sum(-1)  # (B, ...)
        return Quantized(codes.movedim(-1, 1), index, z.new_zeros(()))

    def lookup(self, indices: Tensor) -> Tensor:
        """Indices (B, ...) to their codes (B, D, ...).

        Raises:
            ValueError: an index out of range.
        """
        check_indices(indices, self.num_codes)
        digits = indices[..., None] // self.basis % self.sizes  # (B, ..., D)
        return ((digits - self.width) / self.width).float().movedim(-1, 1)

    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """Nothing to put anywhere."""
