"""Stretch: what four bits leave of a weight."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, close, holds, raw, tensor, typed, vector
from mmcourse.lora import fourbit

STUB = '''
@exercise("ch06.round_to_levels")
def round_to_levels(weight, levels, block=64):
    """What a four-bit layer computes with: each block scaled by its largest, rounded to a level.

    weight: (N,), N a multiple of block.  levels: (L,) rising numbers from -1 to 1, 0 among them.
    block: how many neighbours share a scale.
    Each block is divided by the largest absolute value in it, each quotient replaced by the nearest
    level (halfway between two, either will do), and multiplied by that value again. A block of
    zeros stays zeros.
    Returns (N,), in the weight's type.
    """
    raise NotImplementedError
'''


def by_hand(weight: Tensor, levels: Tensor, block: int = 64) -> Tensor:
    """Number by number."""
    out = torch.zeros_like(weight)
    for i in range(len(weight)):
        scale = weight[i - i % block : i - i % block + block].abs().max()
        if scale > 0:
            out[i] = levels[(levels - weight[i] / scale).abs().argmin()] * scale
    return out


THREE = vector(-1, 0, 1)
UNEVEN = vector(-1, -0.5, -0.1, 0, 0.2, 0.5, 1)


@holds("levels -1, 0, 1, one block (0.1, -0.9, 2, 1.2): of 2 these are 0.05, -0.45, 1, 0.6")
def numbers(answer: Any) -> None:
    close(answer(vector(0.1, -0.9, 2, 1.2), THREE, 4), vector(0, 0, 2, 2))


@holds("a block's largest number comes back as it was, on either side of 0")
def largest(answer: Any) -> None:
    weight = vector(0.3, -4.0, 0.2, 1.0, 0.1, 0.2, 5.0, -0.1)
    found = answer(weight, UNEVEN, 4)
    close(found[[1, 6]], weight[[1, 6]], "The largest number of a block has changed.")


@holds("each block has its own scale: a large number spoils its own block alone")
def own_scale(answer: Any) -> None:
    weight = torch.cat((vector(0.01, -0.005, 0.002, 0.0), vector(100, 50, 20, 10)))
    close(answer(weight, UNEVEN, 4), by_hand(weight, UNEVEN, 4))


@holds("a block of tiny or huge numbers is rounded as any other is")
def tiny(answer: Any) -> None:
    weight = raw(12, seed=8)
    for size in (1e-9, 1e-20, 1e9, 1e20):
        given = (weight * size).float(), UNEVEN.float(), 4
        close(tensor(answer(*given), (12,)) / size, by_hand(*given) / size)


@holds("sixteen levels of a normal distribution, or 31 even ones; blocks of 64")
def nf4(answer: Any) -> None:
    weight, levels = raw(192, seed=2) * 0.02, fourbit.nf4_levels().double()
    close(answer(weight, levels), by_hand(weight, levels))
    even = torch.linspace(-1, 1, 31, dtype=torch.float64)
    close(answer(weight, even), by_hand(weight, even))
    typed(answer(weight.bfloat16(), levels.float()), torch.bfloat16)


@holds("a block of zeros stays zeros")
def zeros(answer: Any) -> None:
    close(answer(torch.cat((0 * THREE, THREE)), THREE, 3), torch.cat((0 * THREE, THREE)))


@holds("what has been rounded is rounded to itself")
def twice(answer: Any) -> None:
    once = by_hand(raw(12, seed=3), UNEVEN, 4)
    close(answer(once, UNEVEN, 4), once)


def _probes() -> list[tuple[Any, ...]]:
    nothing = torch.cat((0 * THREE, 2 * THREE))
    sizes = torch.arange(1, 129)
    return [
        *((raw(24, seed=1) * sizes[:24], UNEVEN, block) for block in (2, 8, 24)),
        (raw(128, seed=9) * sizes, UNEVEN, 32),
        (raw(12, seed=4), UNEVEN, 4),
        (raw(12, seed=5), UNEVEN, 3),
        (nothing, UNEVEN, 3),
        (raw(8, seed=6), THREE, 4),
    ]


def _fine() -> list[tuple[Any, ...]]:
    return [(raw(64, seed=10).float(), torch.linspace(-1, 1, 2001), 32)]


MISTAKES = """
one scale for all: blocks.abs().amax(1, keepdim=True) => blocks.abs().max()
    All blocks were divided by the largest number of the whole weight. One outlier then takes the
    levels from everybody; with blocks it takes them from its neighbours alone.
the largest, not the largest absolute: .abs().amax(1, keepdim=True) => .amax(1, keepdim=True).abs()
    The largest number of a block was taken as its scale, and a negative one may be further from 0:
    then quotients leave [-1, 1]. Take the largest absolute value.
the level below:
        codes = nearest_levels(blocks, scales, levels) =>
            quotients = blocks / scales.clamp(min=1e-30)
            codes = (torch.searchsorted(levels.to(blocks), quotients + 1e-9) - 1).clamp(min=0)
    Each quotient went to the level below it. The nearest may be above.
even levels:
        codes = nearest_levels(blocks, scales, levels) => steps = (len(levels) - 1) / 2
        levels.to(weight.dtype)[codes] => (blocks / scales.clamp(min=1e-30) * steps).round() / steps
    The levels were taken as evenly spaced. Here they are where they are given, denser near 0.
not scaled back: * scales).view => ).view
    The levels themselves were returned. They count by the scale of their block.
blocks of strangers:
        columns = weight.view(block, -1).T.reshape(-1)
        return fourbit.round_to_levels(columns, levels, block).view(-1, block).T.reshape(-1)
    Numbers that stand far apart share a scale. A block is `block` neighbours: `weight.view(-1,
    block)`, not `view(block, -1)`.
zeros divided by zero: * scales).view => * scales + 0 * (blocks / scales)).view
    A block of zeros was divided by its largest, 0, and is NaN. Keep the divisor above 0.
the mean size as scale: .amax(1, => .mean(1,
    The mean of the absolute values was taken as the scale, so that half of the block lies beyond
    the outermost levels. Take the largest.
"""

EXERCISE = Task(
    title="Four bits",
    level="stretch",
    difficulty=3,
    minutes=25,
    stub=STUB,
    reference=fourbit.round_to_levels,
    formula=by_hand,
    cases=_probes,
    ends=_fine,
    learns=False,
    mistakes=MISTAKES,
    hints=(
        "`weight.view(-1, block)` has a block in each row. What is each row divided by?",
        "Distances to all levels: `(quotients[..., None] - levels).abs()`, (M, block, L); "
        "`argmin(-1)` is the nearest.",
        "`levels[nearest] * scales`, viewed as (N,). Clamp the scales before you divide by them.",
    ),
)
