"""From a sequence to one vector."""

from __future__ import annotations

from torch import Tensor


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that are there.

    Args:
        tokens: (B, T, D).
        mask: (B, T) bool, True where there is a token. Each row needs at least one.

    Returns:
        (B, D).
    """
    weight = mask[..., None].to(tokens.dtype)  # (B, T, 1)
    return (tokens * weight).sum(1) / weight.sum(1)
