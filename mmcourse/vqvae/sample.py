"""Draw pictures from a prior, code by code: from nothing, from words, or around what is kept."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.training import evaluating
from mmcourse.vqvae.prior import CodePrior


@torch.no_grad()
def sample_codes(
    prior: CodePrior,
    n: int,
    ids: Tensor | None = None,
    *,
    kept: Tensor | None = None,
    where: Tensor | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Grids (n, h, w) of codes, each code drawn after those before it in raster order.

    Args:
        prior: trained.
        n: how many.
        ids: the tokenizer's ids of one text (1, T), without padding, that all n shall show.
        kept: codes (h, w) of a picture of which a part is to be drawn anew.
        where: (h, w) bool, True where it is. What stands below and to the right of a place cannot
            be known there: the prior reads in one direction.
        temperature: below 1 draws what is likely more often still.
        generator: of the draws.

    Raises:
        ValueError: a temperature of 0 or less; `kept` without `where`; padding in the text; cells
            that are no square, where `kept` does not say the shape.
    """
    shared, device = prior.shared, prior.tokens.weight.device
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    if (kept is None) != (where is None):
        raise ValueError("kept and where belong together: a picture, and what to draw anew of it")
    side = round(shared.cells**0.5)
    shape = (side, side) if kept is None else tuple(kept.shape)
    if shape[0] * shape[1] != shared.cells:
        raise ValueError(f"{shared.cells} cells are no grid of shape {shape}")
    first = torch.full((n, 1), shared.picture, device=device)
    tokens, places = first, torch.zeros_like(first)
    if ids is not None:
        if (ids == 0).any():
            raise ValueError("the text is padded; give the ids of one text alone")
        words, at = shared.of_words(ids.to(device).expand(n, -1))
        tokens, places = torch.cat([words, tokens], 1), torch.cat([at, places], 1)
    drawn = []
    with evaluating(prior):
        logits, cache = prior.step(tokens, places)
        for cell in range(shared.cells):
            if kept is not None and where is not None and not where.flatten()[cell]:
                code = kept.flatten()[cell].to(device).expand(n, 1)
            else:
                chances = (prior.code_logits(logits[:, -1]).float() / temperature).softmax(-1)
                code = torch.multinomial(chances.cpu(), 1, generator=generator).to(device)
            drawn.append(code)
            if cell + 1 < shared.cells:
                logits, cache = prior.step(
                    code + shared.words, torch.full_like(code, cell + 1), cache
                )
    return torch.cat(drawn, 1).unflatten(1, shape)
