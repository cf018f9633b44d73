"""Fill a part of a picture as a text says, and leave the rest alone."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.filters import Drawing
from mmcourse.vqgan.masked import PASSES, sample_masked
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqvae.edit import cells_of

TOUCHED = 1e-6
"""A place of which so little lies in the hole is drawn anew: its code describes the whole tile."""


def inpaint(
    models: tuple[ResidualPrior, VQGAN],
    pictures: Tensor,
    hole: Tensor,
    ids: Tensor,
    how: Drawing | None = None,
    *,
    passes: int = PASSES,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Pictures (B, 3, H, W) in [-1, 1] with what lies in the hole drawn anew.

    The codes of all tiles that the hole touches are forgotten and drawn by the prior, which sees
    those that are left. The decoder's norms look at the whole picture, so the kept tiles would come
    back a little changed; outside the hole the given pixels are put back as they were.

    Args:
        models: the prior, and the autoencoder whose codes it knows.
        pictures: of the size that the prior was trained on.
        hole: (H, W) bool, True where to draw anew.
        ids: the tokenizer's ids of B texts (B, T), 0 pads.
        how: temperature, top-k, top-p, guidance.
        passes: of the masked sampler.
        generator: of the draws.

    Raises:
        ValueError: a hole of another size than the pictures, of another type, or empty.
    """
    prior, model = models
    if hole.shape != pictures.shape[2:] or hole.dtype != torch.bool:
        raise ValueError(
            f"the hole must be bool {tuple(pictures.shape[2:])}, as the pictures are, got "
            f"{hole.dtype} {tuple(hole.shape)}"
        )
    if not hole.any():
        raise ValueError("the hole is empty, so there is nothing to draw: mark pixels with True")
    kept = ~cells_of(hole.cpu(), model.factor, TOUCHED)
    codes = sample_masked(
        prior, ids, how, passes=passes, kept=(model.encode(pictures), kept), generator=generator
    )
    drawn = model.decode(codes)
    return torch.where(hole.to(pictures.device), drawn, pictures)
