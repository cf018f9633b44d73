"""Draw pictures from a prior, code by code: from nothing, from words, or around what is kept."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.training import evaluating
from mmcourse.vqvae.prior import Cache, CodePrior


class Reading:
    """A prior that has read so many tokens and is asked for the next code, again and again."""

    def __init__(self, prior: CodePrior, tokens: Tensor, places: Tensor) -> None:
        self.prior = prior
        self.cache: Cache | None = None
        self.read(tokens, places)

    def read(self, tokens: Tensor, places: Tensor) -> None:
        """Go on by tokens (n, T) at places (n, T); T is 1 after the first time."""
        logits, self.cache = self.prior.step(tokens, places, self.cache)
        self.logits = self.prior.code_logits(logits[:, -1]).float()  # (n, codes)


@torch.no_grad()
def sample_codes(
    prior: CodePrior,
    n: int,
    ids: Tensor | None = None,
    *,
    kept: Tensor | None = None,
    where: Tensor | None = None,
    temperature: float = 1.0,
    guidance: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Grids (n, h, w) of codes, each code drawn after those before it in raster order.

    Source of the guidance: Ho and Salimans, Classifier-Free Diffusion Guidance, 2022; of codes,
    Gafni et al., Make-A-Scene, 2022.

    Args:
        prior: trained.
        n: how many.
        ids: the tokenizer's ids of one text (1, T), without padding, that all n shall show.
        kept: codes (h, w) of a picture of which a part is to be drawn anew.
        where: (h, w) bool, True where it is. What stands below and to the right of a place cannot
            be known there: the prior reads in one direction.
        temperature: below 1 draws what is likely more often still.
        guidance: how far to go from the logits without the text to those with it. 1 draws as was
            learnt, above 1 asks for the text more than that, 0 forgets it. Any but 1 takes twice
            as long.
        generator: of the draws.

    Raises:
        ValueError: n below 0; a temperature of 0 or less; a guidance below 0, or without a text;
            `kept` without `where`; padding in the text; cells that are no square, where `kept`
            does not say the shape.
    """
    shared, device = prior.shared, prior.tokens.weight.device
    if n < 0:
        raise ValueError(f"n must be at least 0, got {n}")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    if not guidance >= 0 or (guidance != 1 and ids is None):
        raise ValueError(
            f"guidance must be at least 0, and 1 where no text guides; got {guidance} "
            f"{'without' if ids is None else 'with'} a text"
        )
    if (kept is None) != (where is None):
        raise ValueError("kept and where belong together: a picture, and what to draw anew of it")
    side = round(shared.cells**0.5)
    shape = (side, side) if kept is None else tuple(kept.shape)
    if shape[0] * shape[1] != shared.cells:
        raise ValueError(f"{shared.cells} cells are no grid of shape {shape}")
    first = torch.full((n, 1), shared.picture, device=device)
    drawn = []
    with evaluating(prior):
        told = free = Reading(prior, *with_words(prior, ids, first))
        if guidance != 1:
            free = Reading(prior, first, torch.zeros_like(first))
        for cell in range(shared.cells):
            if kept is not None and where is not None and not where.flatten()[cell]:
                code = kept.flatten()[cell].to(device).expand(n, 1)
            else:
                logits = free.logits + guidance * (told.logits - free.logits)
                chances = (logits / temperature).softmax(-1)
                code = torch.multinomial(chances.cpu(), 1, generator=generator).to(device)
            drawn.append(code)
            if cell + 1 < shared.cells:
                for reading in {told, free}:
                    reading.read(code + shared.words, torch.full_like(code, cell + 1))
    return torch.cat(drawn, 1).unflatten(1, shape)


def with_words(prior: CodePrior, ids: Tensor | None, first: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens and places (n, T) of a text (1, T - 1), and the picture's first token (n, 1) after it.

    Raises:
        ValueError: padding in the text.
    """
    place = torch.zeros_like(first)
    if ids is None:
        return first, place
    if (ids == 0).any():
        raise ValueError("the text is padded; give the ids of one text alone")
    words, at = prior.shared.of_words(ids.to(first.device).expand(len(first), -1))
    return torch.cat([words, first], 1), torch.cat([at, place], 1)
