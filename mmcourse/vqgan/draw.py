"""Draw captions with the shipped prior of chapter 3, for `mmcourse sample`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmcourse.training import pick_device
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import TOLD, sample_raster
from mmcourse.vqvae.batches import decode_pictures
from mmcourse.vqvae.draw import in_turn


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
        guidance: None for that of `sample.TOLD`.
        steps: None, as in `in_turn`.

    Raises:
        ValueError: steps, or a text that is too long.
    """
    device = str(pick_device())
    prior = ResidualPrior.from_pretrained(weights or "prior", device=device)
    model = VQGAN.from_pretrained("vqgan-64", device=device)
    how = TOLD if guidance is None else replace(TOLD, guidance=guidance)

    def sample(ids: Tensor, dice: torch.Generator) -> Tensor:
        return sample_raster(prior, ids, how, generator=dice)

    return decode_pictures(model, in_turn(texts, seeds, steps, sample))
