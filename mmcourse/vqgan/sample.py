"""Draw codes in raster order, one place a step, each place read once."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.training import evaluating
from mmcourse.vqgan.filters import Drawing, guided
from mmcourse.vqgan.prior import ResidualPrior

START, END = 1, 2
"""The tokenizer's ids that stand around a text; alone they are no text."""
TOLD = Drawing(temperature=0.5, top_p=0.9, guidance=3.0)
"""How the shipped prior draws a caption."""
FREELY = Drawing(temperature=0.9, top_p=0.95)
"""How it draws without one."""


def no_text(n: int, like: Tensor | None = None) -> Tensor:
    """Ids (n, 2) of n empty texts.

    Raises:
        ValueError: n below 0.
    """
    if n < 0:
        raise ValueError(f"n must be at least 0, got {n}")
    device = None if like is None else like.device
    return torch.tensor([[START, END]], device=device).repeat(n, 1)


def with_and_without(ids: Tensor) -> Tensor:
    """Texts (B, T) and, below them, as many empty ones: (2 B, T), for guidance."""
    empty = torch.zeros_like(ids)
    empty[:, :2] = no_text(1, ids)
    return torch.cat([ids, empty])


def asked(ids: Tensor, how: Drawing, source: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """The texts (B, T) and sources (B, cells, L), and those of no text where guidance needs
    them."""
    if how.guidance == 1:
        return ids, source
    return with_and_without(ids), None if source is None else source.repeat(2, 1, 1)


def draw_codes(
    prior: ResidualPrior, hidden: Tensor, how: Drawing, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """The codes of some places, level by level.

    Args:
        prior: whose head is asked.
        hidden: (B, T, width), or (2 B, T, width) with guidance, the empty texts' half below.
        how: to draw them.
        generator: of the draws.

    Returns:
        Codes (B, T, L), and the logarithm of the chance (B, T) that the model gave to all of them.
    """
    two = how.guidance != 1
    n = len(hidden) // (2 if two else 1)
    codes = torch.zeros(n, hidden.shape[1], 0, dtype=torch.int64, device=hidden.device)
    sure = hidden.new_zeros(codes.shape[:2], dtype=torch.float32)
    for _ in range(prior.levels):
        vectors = prior.look_up(codes)  # (B, T, l, D)
        logits = prior.head.level(hidden, torch.cat([vectors] * 2) if two else vectors).float()
        if two:
            told, free = logits.chunk(2)
            logits = guided(told, free, how.guidance)
        code = how.draw(logits, generator)  # (B, T)
        sure += logits.log_softmax(-1).gather(-1, code[..., None])[..., 0]
        codes = torch.cat([codes, code[..., None]], -1)
    return codes, sure


@torch.no_grad()
def sample_raster(
    prior: ResidualPrior,
    ids: Tensor,
    how: Drawing | None = None,
    *,
    source: Tensor | None = None,
    generator: torch.Generator | None = None,
    cached: bool = True,
) -> Tensor:
    """Grids (B, h, w, L) of codes, place after place, row after row.

    Args:
        prior: trained.
        ids: the tokenizer's ids of B texts (B, T), 0 pads; `no_text(n)` for pictures of anything.
        how: temperature, top-k, top-p, guidance.
        source: codes (B, h, w, L) of pictures to be drawn anew as the texts say.
        generator: of the draws; one for each picture makes each reproducible by itself.
        cached: whether what was read is remembered. Without, each step reads everything again, for
            the same logits.

    Raises:
        ValueError: texts that are too long, or a source of another grid.
    """
    how = how or Drawing()
    device = prior.vectors.device
    ids, flat = ids.to(device), None if source is None else prior.check(source.to(device))
    codes = torch.zeros(len(ids), prior.cells, prior.levels, dtype=torch.int64, device=device)
    if len(ids) == 0:
        return codes.unflatten(1, prior.grid)
    with evaluating(prior):
        ids, flat = asked(ids, how, flat)
        copies = len(ids) // len(codes)
        prefix = prior.read(ids, flat) if cached else None
        for cell in range(prior.cells):
            if prefix is not None:
                shown = prior.next_shown(codes, cell).repeat(copies, 1, 1)
                hidden = prior.go_on(prefix, shown, keep=True)
            else:
                shown = prior.shown(codes, None)[:, : cell + 1].repeat(copies, 1, 1)
                hidden = prior.states(ids, shown, True, flat)[:, -1:]
            codes[:, cell] = draw_codes(prior, hidden, how, generator)[0][:, 0]
    return codes.unflatten(1, prior.grid)
