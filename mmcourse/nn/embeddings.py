"""Numbers as vectors: the time of a diffusion step, and places on a grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def timestep_embedding(t: Tensor, dim: int, longest: float = 10_000.0) -> Tensor:
    """Cosines and sines of a time at dim / 2 frequencies, from 1 down to about 1 / longest.

    A time is in [0, 1000], also in flow matching, whose t in [0, 1] is multiplied by 1000 first:
    unscaled, 0.1 and 0.9 would have nearly the same embedding.

    Source: Vaswani et al., 2017, section 3.5; with cosines first as in Ho et al., Denoising
    Diffusion Probabilistic Models, 2020 (their code), and in DiT.

    Args:
        t: (B,), integer or float32; bfloat16 and float16 cannot tell 999 from 1000.
        dim: even.
        longest: the longest wavelength is 2 pi times this.

    Returns:
        (B, dim), float32.

    Raises:
        ValueError: an odd width, or times of half precision.
    """
    if dim % 2:
        raise ValueError(f"dim is {dim}, expected an even number: cosines and sines")
    if t.dtype in (torch.bfloat16, torch.float16):
        raise ValueError(f"t is {t.dtype}, which rounds 999 to 1000: keep times in float32")
    half = dim // 2
    power = torch.arange(half, dtype=torch.float32, device=t.device) / half
    angle = t.float()[:, None] * torch.exp(-math.log(longest) * power)  # (B, half)
    return torch.cat([angle.cos(), angle.sin()], 1)


class TimestepEmbedding(nn.Module):
    """A time to what the blocks of a denoiser are conditioned on: its waves, then two layers.

    In float32 also under autocast: neighbouring times differ in the fourth digit.

    Source: Peebles & Xie, Scalable Diffusion Models with Transformers, 2023, section 3.2.

    Args:
        dim: width of the result.
        waves: width of `timestep_embedding`.
    """

    def __init__(self, dim: int, waves: int = 256) -> None:
        super().__init__()
        self.waves = waves
        self.mlp = nn.Sequential(nn.Linear(waves, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, t: Tensor) -> Tensor:
        """(B,) in [0, 1000] to (B, dim), float32."""
        with torch.autocast(t.device.type, enabled=False):
            return self.mlp(timestep_embedding(t, self.waves).to(next(self.parameters()).dtype))


def sincos_positions(height: int, width: int, dim: int) -> Tensor:
    """Fixed embeddings of the places of a grid: the first half tells the column, the second the
    row, each by sines and then cosines.

    Source: He et al., Masked Autoencoders Are Scalable Vision Learners, 2022 (their code), and DiT.

    Args:
        height: rows.
        width: columns.
        dim: a multiple of 4.

    Returns:
        (height · width, dim), float32, in raster order.

    Raises:
        ValueError: a width that is no multiple of 4.
    """
    if dim % 4:
        raise ValueError(f"dim is {dim}, expected a multiple of 4: sines and cosines for two axes")
    power = torch.arange(dim // 4, dtype=torch.float64) / (dim // 4)
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    waves = [place.flatten()[:, None] * 10_000.0**-power for place in (columns, rows)]
    return torch.cat([f(angle) for angle in waves for f in (torch.sin, torch.cos)], 1).float()
