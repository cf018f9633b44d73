"""Draw captions with the shipped prior, for `mmcourse sample`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmcourse.storyworld import Tokenizer
from mmcourse.training import pick_device
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import decode_pictures
from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.sample import sample_codes


def draw_captions(
    texts: Sequence[str],
    seeds: Sequence[int],
    weights: str | None = None,
    guidance: float | None = None,
    steps: int | None = None,
) -> Tensor:
    """A picture for each caption, code by code, uint8 (N, 64, 64, 3).

    Args:
        texts: captions in the world's words.
        seeds: one a caption.
        weights: of the prior; None for the shipped one.
        guidance: None for 2.
        steps: a prior has none but its codes.

    Raises:
        ValueError: steps, or a text that is too long.
    """
    if steps is not None:
        raise ValueError("vqvae-prior draws one code after the other: leave steps out")
    device = str(pick_device())
    prior = CodePrior.from_pretrained(weights or "vqvae-prior", device=device)
    model = VQVAE.from_pretrained("vqvae", device=device)
    tokenizer, grids = Tokenizer(), []
    for text, seed in zip(texts, seeds, strict=True):
        ids = tokenizer.encode([text], None)[0]
        if ids.shape[1] > prior.shared.longest:
            raise ValueError(
                f"the text has {ids.shape[1] - 2} words and marks, at most "
                f"{prior.shared.longest - 2} fit: shorten it"
            )
        grids.append(
            sample_codes(
                prior,
                1,
                ids,
                generator=torch.Generator().manual_seed(seed),
                guidance=2.0 if guidance is None else guidance,
                temperature=0.6,
            )
        )
    return decode_pictures(model, torch.cat(grids))
