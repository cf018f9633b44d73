"""Contrastive losses: which caption belongs to which picture?"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def check_pairs(text_emb: Tensor, image_emb: Tensor) -> None:
    """Refuse what are no pairs: rows that have no partner, or no rows, whose mean is NaN.

    Raises:
        ValueError: saying what was got.
    """
    if text_emb.shape != image_emb.shape or text_emb.ndim != 2 or len(text_emb) == 0:
        raise ValueError(
            "text_emb and image_emb must both be (B, D) with a pair or more, got "
            f"{tuple(text_emb.shape)} and {tuple(image_emb.shape)}"
        )


def clip_loss(text_emb: Tensor, image_emb: Tensor, logit_scale: Tensor | float) -> Tensor:
    """Symmetric cross-entropy over all pairs of a batch.

    Source: Radford et al., Learning Transferable Visual Models From Natural Language
    Supervision, 2021, figure 3.

    Args:
        text_emb: (B, D), rows of length 1; row i belongs to row i of `image_emb`.
        image_emb: (B, D), rows of length 1.
        logit_scale: 1 / temperature, multiplied onto the cosines.

    Returns:
        A scalar: the mean of the text-to-image and the image-to-text loss, in nats.

    Raises:
        ValueError: no pairs, or rows without a partner.
    """
    check_pairs(text_emb, image_emb)
    logits = logit_scale * text_emb @ image_emb.T  # (B, B), row: text, column: picture
    target = torch.arange(len(logits), device=logits.device)  # (B,)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def masked_clip_loss(
    text_emb: Tensor, image_emb: Tensor, logit_scale: Tensor | float, ignored: Tensor
) -> Tensor:
    """`clip_loss` for batches in which some texts are true of other pictures than their own too.

    Args:
        text_emb: (B, D), rows of length 1; row i belongs to row i of `image_emb`.
        image_emb: (B, D), rows of length 1.
        logit_scale: multiplied onto the cosines.
        ignored: (B, B) bool, False on the diagonal. Where it is True, text i and picture j are no
            negatives of each other: the pair is left out of both softmaxes.

    Returns:
        A scalar, in nats.

    Raises:
        ValueError: as `clip_loss`.
    """
    check_pairs(text_emb, image_emb)
    logits = (logit_scale * text_emb @ image_emb.T).masked_fill(ignored, -torch.inf)  # (B, B)
    target = torch.arange(len(logits), device=logits.device)  # (B,)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def siglip_loss(
    text_emb: Tensor, image_emb: Tensor, logit_scale: Tensor | float, logit_bias: Tensor | float
) -> Tensor:
    """Every pair of a batch on its own: do these two belong together, yes or no?

    Source: Zhai et al., Sigmoid Loss for Language Image Pre-Training, 2023, equation 1 and
    algorithm 1: the sum over all pairs, divided by B, not by B².

    Args:
        text_emb: (B, D), rows of length 1; row i belongs to row i of `image_emb`.
        image_emb: (B, D), rows of length 1.
        logit_scale: multiplied onto the cosines (starts at 10).
        logit_bias: added to them (starts at -10, since almost all pairs are strangers).

    Returns:
        A scalar, in nats per picture.

    Raises:
        ValueError: as `clip_loss`.
    """
    check_pairs(text_emb, image_emb)
    logits = logit_scale * text_emb @ image_emb.T + logit_bias  # (B, B)
    sign = 2 * torch.eye(len(logits), dtype=logits.dtype, device=logits.device) - 1  # +1 or -1
    return -F.logsigmoid(sign * logits).sum() / len(logits)
