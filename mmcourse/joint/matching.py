"""Image-text matching: does this text fit this picture? Asked of the hardest wrong pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def matching_loss(logits: Tensor, matches: Tensor) -> Tensor:
    """Binary cross-entropy of "does the text fit the picture?".

    Args:
        logits: (B,).
        matches: (B,) bool.

    Returns:
        A scalar, in nats.

    Raises:
        ValueError: no pairs, which have no mean.
    """
    if len(logits) == 0:
        raise ValueError("no pairs, so no mean of their losses: give one or more")
    return F.binary_cross_entropy_with_logits(logits, matches.to(logits.dtype))


def negative_chances(logits: Tensor, excluded: Tensor | None = None) -> Tensor:
    """With what probability each column is drawn as the negative of each row.

    The likelier the model takes a wrong column for the right one, the oftener it is asked about it.

    Source: Li et al., Align before Fuse, 2021, section 3.2.

    Args:
        logits: (B, B), similarity times scale; column i is the right one for row i.
        excluded: (B, B) bool, True where a pair is no negative though it is off the diagonal.

    Returns:
        (B, B), rows sum to 1; 0 on the diagonal and where a pair is excluded.

    Raises:
        ValueError: a row without any negative.
    """
    banned = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    if excluded is not None:
        banned = banned | excluded
    hopeless = banned.all(1)
    if hopeless.any():
        raise ValueError(
            f"row {int(hopeless.nonzero()[0])} of {len(logits)} has no negative to draw; give a "
            "larger batch, or one with fewer pairs excluded"
        )
    return logits.masked_fill(banned, -torch.inf).softmax(1)


@torch.no_grad()
def draw_negatives(
    logits: Tensor, generator: torch.Generator, excluded: Tensor | None = None
) -> Tensor:
    """For each row one wrong column, drawn by `negative_chances`; no gradient flows through it.

    Args:
        logits: (B, B).
        generator: of the draw, on the CPU.
        excluded: (B, B) bool.

    Returns:
        (B,) int64, never the row's own index and never an excluded one.

    Raises:
        ValueError: a row without any negative.
    """
    chance = negative_chances(logits.float(), excluded).cpu()  # (B, B)
    if len(chance) == 0:  # of nothing, torch draws nothing but an error
        return torch.zeros(0, dtype=torch.int64, device=logits.device)
    return torch.multinomial(chance, 1, generator=generator).squeeze(1).to(logits.device)
