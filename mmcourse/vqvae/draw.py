"""Draw captions with the shipped prior, for `mmcourse sample`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mmcourse.refusals import check_seeds
from mmcourse.storyworld import Tokenizer
from mmcourse.training import pick_device
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import decode_pictures
from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.sample import sample_codes


def in_turn(
    texts: Sequence[str],
    seeds: Sequence[int],
    steps: int | None,
    sample: Callable[[Tensor, torch.Generator], Tensor],
) -> Tensor:
    """The codes of each caption, drawn one caption after the other.

    Args:
        texts: captions in the world's words.
        seeds: one a caption.
        steps: None, or an error: these models have no steps but their codes.
        sample: ids (1, T) and a generator of this caption's own to codes (1, h, w, ...).

    Raises:
        ValueError: steps, no captions, or not as many seeds.
    """
    check_seeds(texts, seeds)
    if steps is not None:
        raise ValueError("a prior draws one code after the other: leave steps out")
    tokenizer, grids = Tokenizer(), []
    for text, seed in zip(texts, seeds, strict=True):
        ids = tokenizer.encode([text], None)[0]
        grids.append(sample(ids, torch.Generator().manual_seed(seed)))
    return torch.cat(grids)


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
        steps: None, as in `in_turn`.

    Raises:
        ValueError: steps, or a text that is too long.
    """
    device = str(pick_device())
    prior = CodePrior.from_pretrained(weights or "vqvae-prior", device=device)
    model = VQVAE.from_pretrained("vqvae", device=device)
    longest = prior.shared.longest

    def sample(ids: Tensor, dice: torch.Generator) -> Tensor:
        if ids.shape[1] > longest:
            raise ValueError(
                f"the text has {ids.shape[1] - 2} words and marks, at most {longest - 2} fit: "
                "shorten it"
            )
        scale = 2.0 if guidance is None else guidance
        return sample_codes(prior, 1, ids, generator=dice, guidance=scale, temperature=0.6)

    return decode_pictures(model, in_turn(texts, seeds, steps, sample))
