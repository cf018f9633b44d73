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
        ValueError: no indices, or one that is none of a codebook of this size.
    """
    _check(indices, num_codes)
    share = torch.bincount(indices.flatten(), minlength=num_codes) / indices.numel()  # (K,)
    return torch.special.entr(share).sum().exp()


def usage(indices: Tensor, num_codes: int) -> float:
    """The share of codes that are chosen at least once, in [0, 1].

    Raises:
        ValueError: no indices, or one that is none of a codebook of this size.
    """
    _check(indices, num_codes)
    return len(indices.unique()) / num_codes


def _check(indices: Tensor, num_codes: int) -> None:
    if indices.numel() == 0:
        raise ValueError("no indices, so nothing was chosen: give those of some pictures")
    lowest, highest = (int(x) for x in indices.aminmax())
    if lowest < 0 or highest >= num_codes:
        raise ValueError(
            f"indices go from {lowest} to {highest}, expected 0 to {num_codes - 1}: are they of "
            f"another codebook than one of {num_codes} codes?"
        )
