"""How a codebook is used: the numbers that tell a collapse from a healthy one."""

from __future__ import annotations

import torch
from torch import Tensor


def perplexity(indices: Tensor, num_codes: int) -> Tensor:
    """e to the entropy of how often each code is chosen: 1 (always the same) to K (all alike).

    Args:
        indices: any shape, int64.
        num_codes: K.

    Raises:
        ValueError: no indices.
    """
    if indices.numel() == 0:
        raise ValueError("no indices, so nothing was chosen: give those of some pictures")
    share = torch.bincount(indices.flatten(), minlength=num_codes) / indices.numel()  # (K,)
    return torch.special.entr(share).sum().exp()


def usage(indices: Tensor, num_codes: int) -> float:
    """The share of codes that are chosen at least once, in [0, 1]."""
    return len(indices.unique()) / num_codes
