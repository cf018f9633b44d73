"""Small inputs for checks: the same each time, and no rounding worth speaking of."""

from __future__ import annotations

import random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def raw(*shape: int, seed: int) -> Tensor:
    """Random numbers of this shape, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape: int, seed: int) -> Tensor:
    """Random vectors of length 1 along the last dimension, float64."""
    return F.normalize(raw(*shape, seed=seed), dim=-1)


def vector(*values: float) -> Tensor:
    """(N,), float64."""
    return torch.tensor(values, dtype=torch.float64)


def row(*values: float) -> Tensor:
    """(1, N), float64."""
    return vector(*values)[None]


def column(*values: float) -> Tensor:
    """(N, 1), float64."""
    return vector(*values)[:, None]


def normalised(text_emb: Tensor, image_emb: Tensor, *rest: Any) -> tuple[Any, ...]:
    """Two batches of vectors brought to length 1, as a loss expects them."""
    return F.normalize(text_emb, dim=-1), F.normalize(image_emb, dim=-1), *rest


def dice(seed: int) -> random.Random:
    """Random choices of plain Python values, the same each time."""
    return random.Random(seed)
