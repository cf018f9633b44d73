"""Draw captions with the shipped prior of chapter 3, for `mmcourse sample`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmcourse.storyworld import Tokenizer
from mmcourse.training import pick_device
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.prior_measure import HOW
from mmcourse.vqgan.sample import sample_raster
from mmcourse.vqvae.batches import decode_pictures


def draw_captions(
    texts: Sequence[str],
    seeds: Sequence[int],
    weights: str | None = None,
    guidance: float | None = None,
    steps: int | None = None,
) -> Tensor:
    """A picture for each caption, place by place, uint8 (N, 64, 64, 3).

    Args:
        texts: captions in the world's words.
        seeds: one a caption.
        weights: of the prior; None for the shipped one.
        guidance: None for that of `HOW`.
        steps: a prior has none but its places.

    Raises:
        ValueError: steps, or a text that is too long.
    """
    if steps is not None:
        raise ValueError("prior draws one place after the other: leave steps out")
    device = str(pick_device())
    prior = ResidualPrior.from_pretrained(weights or "prior", device=device)
    model = VQGAN.from_pretrained("vqgan-64", device=device)
    how = HOW if guidance is None else replace(HOW, guidance=guidance)
    tokenizer, grids = Tokenizer(), []
    for text, seed in zip(texts, seeds, strict=True):
        ids = tokenizer.encode([text], None)[0]
        dice = torch.Generator().manual_seed(seed)
        grids.append(sample_raster(prior, ids, how, generator=dice))
    return decode_pictures(model, torch.cat(grids))
