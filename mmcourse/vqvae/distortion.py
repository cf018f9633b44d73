"""How far a reconstruction is from its picture."""

from __future__ import annotations

import torch
from torch import Tensor


def psnr(pictures: Tensor, others: Tensor, peak: float = 2.0) -> Tensor:
    """Peak signal to noise ratio of each picture, in decibels; infinite where both are the same.

    Args:
        pictures: (B, C, H, W).
        others: the same shape.
        peak: the largest difference that can be: 2 for pictures in [-1, 1].

    Returns:
        (B,).

    Raises:
        ValueError: shapes that differ, or pictures without a pixel.
    """
    if pictures.shape != others.shape or 0 in pictures.shape[1:]:
        raise ValueError(
            f"both must have one shape, with pixels in it, got {tuple(pictures.shape)} and "
            f"{tuple(others.shape)}"
        )
    error = (pictures - others).square().flatten(1).mean(1)
    return 10 * torch.log10(peak**2 / error)
