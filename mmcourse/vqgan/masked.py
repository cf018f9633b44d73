"""Draw many places at once: in a few passes, each of which knows a little more."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mmcourse.refusals import whole
from mmcourse.training import evaluating
from mmcourse.vqgan.filters import Drawing
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import asked, draw_codes

PASSES = 10


def still_masked(total: int, step: int, passes: int) -> int:
    """How many of `total` places are missing after a pass: ⌊cos(π/2 · (step + 1) / passes) total⌋.

    Little is known at first, so the first passes fill few places, and the last one all that are
    left.

    Source: Chang et al., MaskGIT: Masked Generative Image Transformer, 2022, section 3.2.

    Args:
        total: places that are missing at the start.
        step: which pass, counted from 0.
        passes: how many there are.
    """
    if step + 1 >= passes:
        return 0
    return math.floor(math.cos(math.pi / 2 * (step + 1) / passes) * total)


def maskgit_step(
    drawn: Tensor, sureness: Tensor, tokens: Tensor, known: Tensor, left: int
) -> tuple[Tensor, Tensor]:
    """Keep what the model is surest of: of the places that are missing, all but `left` are filled
    with what was drawn there.

    What is known stays, whatever was drawn there. Rows that have no more than `left` missing places
    are left as they are.

    Source: Chang et al., MaskGIT, 2022, section 3.2.

    Args:
        drawn: (B, N, ...) what was drawn at each place.
        sureness: (B, N), the larger the surer.
        tokens: (B, N, ...) what stands there so far.
        known: (B, N) bool, True where that counts.
        left: how many places of each row shall be missing afterwards.

    Returns:
        The new tokens and known.
    """
    order = sureness.masked_fill(known, torch.inf).argsort(dim=-1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(
        -1, order, torch.arange(order.shape[-1], device=order.device).expand_as(order)
    )  # (B, N): known places come first
    now = known | (rank < order.shape[-1] - left)
    new = now & ~known
    shape = new.reshape(*new.shape, *[1] * (tokens.ndim - 2))
    return torch.where(shape, drawn, tokens), now


def halton(index: int, base: int) -> float:
    """The digits of index + 1 in this base, mirrored at the point: a number in (0, 1).

    Source: Halton, On the efficiency of certain quasi-random sequences of points, 1960.
    """
    value, share, index = 0.0, 1.0, index + 1
    while index:
        share /= base
        index, digit = divmod(index, base)
        value += digit * share
    return value


def halton_order(rows: int, columns: int) -> Tensor:
    """An order of the places of a grid in which any first few are spread evenly: (rows columns,).

    Points of Halton's sequence (bases 2 and 3), each at the place that it falls on, repetitions
    left out. Places that are filled in one pass know nothing of one another, so they should lie far
    apart.

    Source: Besnier et al., Halton Scheduler for Masked Generative Image Transformer, 2025.
    """
    order: dict[int, None] = {}
    index = 0
    while len(order) < rows * columns:
        row, column = int(halton(index, 3) * rows), int(halton(index, 2) * columns)
        order.setdefault(row * columns + column)
        index += 1
    return torch.tensor(list(order))


@torch.no_grad()
def sample_masked(
    prior: ResidualPrior,
    ids: Tensor,
    how: Drawing | None = None,
    *,
    passes: int = PASSES,
    order: str = "halton",
    kept: tuple[Tensor, Tensor] | None = None,
    source: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Grids (B, h, w, L) of codes in `passes` passes, each over all places at once.

    Args:
        prior: trained with places missing.
        ids: the tokenizer's ids of B texts (B, T), 0 pads; `no_text(n)` for pictures of anything.
        how: temperature, top-k, top-p, guidance.
        passes: at least 1; more are slower and better, up to one for each place.
        order: "halton", or "confidence" as in MaskGIT: what is surest, plus noise that fades.
        kept: codes (B, h, w, L) of pictures of which a part stays, and where (h, w) bool it does:
            inpainting.
        source: codes (B, h, w, L) of pictures to be drawn anew as the texts say.
        generator: of the draws.

    Raises:
        ValueError: an unknown order, no passes, a mask of another size, or with nothing to draw.
    """
    if order not in ("halton", "confidence"):
        raise ValueError(f"order {order!r} does not exist; choose halton or confidence")
    passes = whole("passes", passes)
    how = how or Drawing()
    device, cells = prior.vectors.device, prior.cells
    ids = ids.to(device)
    codes = torch.zeros(len(ids), cells, prior.levels, dtype=torch.int64, device=device)
    if len(ids) == 0:
        return codes.unflatten(1, prior.grid)
    known = torch.zeros(len(ids), cells, dtype=torch.bool, device=device)
    if kept is not None:
        codes, where = prior.check(kept[0].to(device)).clone(), kept[1].to(device)
        if where.shape != prior.grid or where.dtype != torch.bool or len(codes) != len(ids):
            raise ValueError(
                f"what is kept must be {len(ids)} grids of codes and a bool mask {prior.grid}, got "
                f"{tuple(kept[0].shape)} and {where.dtype} {tuple(where.shape)}"
            )
        if where.all():
            raise ValueError("the mask keeps every place, so there is nothing to draw")
        known = where.flatten().repeat(len(ids), 1)
    missing = int((~known[0]).sum())
    turns = [i for i in halton_order(*prior.grid).tolist() if not known[0, i]]
    with evaluating(prior):
        flat = None if source is None else prior.check(source.to(device))
        ids, flat = asked(ids, how, flat)
        copies, prefix = len(ids) // len(codes), prior.read(ids, flat)
        for step in range(min(passes, missing)):
            left = still_masked(missing, step, min(passes, missing))
            shown = prior.shown(codes, known).repeat(copies, 1, 1)
            hidden = prior.go_on(prefix, shown, keep=False)
            if order == "halton":
                now, turns = turns[: len(turns) - left], turns[len(turns) - left :]
                if now:  # with many passes, the first ones fill nothing
                    codes[:, now] = draw_codes(prior, hidden[:, now], how, generator)[0]
                    known[:, now] = True
                continue
            drawn, sure = draw_codes(prior, hidden, how, generator)
            noise = -torch.empty(sure.shape).exponential_(generator=generator).log().to(device)
            sureness = sure + prior.levels * (left / missing) * noise
            codes, known = maskgit_step(drawn, sureness, codes, known, left)
    return codes.unflatten(1, prior.grid)
