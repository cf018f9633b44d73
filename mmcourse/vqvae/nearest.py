"""Which code is nearest? Searched in tiles, so that memory stays flat in the number of codes."""

from __future__ import annotations

import torch
from torch import Tensor

ROWS, CODES = 1024, 1024
"""Vectors and codes that meet at once: their table of distances fits a processor's cache."""


@torch.no_grad()
def nearest_codes(vectors: Tensor, codebook: Tensor) -> Tensor:
    """The index of the nearest code for each vector, by Euclidean distance.

    As ``|v - c|² = |v|² - 2 (v·c - |c|²/2)``, the nearest code is the one with the largest
    ``v·c - |c|²/2``. Both sides are taken from the codebook's mean first: far from the origin the
    difference of two large numbers would lose its digits.

    Args:
        vectors: (N, D).
        codebook: (K, D).

    Returns:
        (N,) int64; the first of those that are equally near.

    Raises:
        ValueError: widths that differ, or a vector that is not finite, which is near to nothing.
    """
    if vectors.ndim != 2 or codebook.ndim != 2 or vectors.shape[1] != codebook.shape[1]:
        raise ValueError(
            f"vectors (N, D) and a codebook (K, D) are expected, got {tuple(vectors.shape)} and "
            f"{tuple(codebook.shape)}"
        )
    if not vectors.isfinite().all():
        raise ValueError(
            "the encoder's output holds NaN or infinity, which is near to no code; "
            "look for it in the pictures, or lower the learning rate"
        )
    centre = codebook.mean(0)
    best = vectors.new_full((len(vectors),), -torch.inf)
    index = torch.zeros(len(vectors), dtype=torch.int64, device=vectors.device)
    for start in range(0, len(codebook), CODES):
        codes = codebook[start : start + CODES] - centre
        half = codes.square().sum(1) / 2
        for first in range(0, len(vectors), ROWS):
            rows = slice(first, first + ROWS)
            score, at = torch.addmm(-half, vectors[rows] - centre, codes.T).max(1)  # (rows,) each
            nearer = score > best[rows]
            best[rows] = torch.where(nearer, score, best[rows])
            index[rows] = torch.where(nearer, at + start, index[rows])
    return index
