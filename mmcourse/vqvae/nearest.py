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
    codes = codebook - centre  # (K, D)
    half = codes.square().sum(1) / 2  # (K,)
    found = [_search(part - centre, codes, half) for part in vectors.split(ROWS)]
    return torch.cat(found) if found else vectors.new_zeros(0, dtype=torch.int64)


def _search(vectors: Tensor, codes: Tensor, half: Tensor) -> Tensor:
    best, index = None, None
    for start in range(0, len(codes), CODES):
        part = slice(start, start + CODES)
        score, at = torch.addmm(-half[part], vectors, codes[part].T).max(1)  # (rows,) each
        if best is None or index is None:
            best, index = score, at
        else:
            index = torch.where(score > best, at + start, index)
            best = torch.maximum(score, best)
    assert index is not None
    return index
