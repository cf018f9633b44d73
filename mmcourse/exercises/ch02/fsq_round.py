"""Stretch: rounding in place of a codebook."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, calls, close, gradients, holds, raw, tensor
from mmcourse.vqvae import fsq

STUB = '''
@exercise("ch02.fsq_round")
def fsq_round(z, levels):
    """Round each number to one of a few levels, with a gradient straight through the rounding.

    z: (..., D), any real numbers.  levels: (D,) int64, how many values number d may take, 3 or
    more: L = levels[d] for z[..., d].
    Returns (..., D) in the dtype of z. Each number is
    squashed: half * tanh(z + atanh(offset / half)) - offset, with half = 1.001 * (L - 1) / 2,
    and offset = 0.5 where L is even (then no level stands in the middle), else 0,
    rounded to the nearest whole number, of which L can be reached,
    and divided by L // 2, so that it lies in [-1, 1].
    (1.001 lets tanh, which never reaches 1, round to the outermost level; atanh(offset / half)
    makes z = 0 come out as 0.)
    The rounding counts as no rounding in the gradient; squashing and dividing have theirs.
    """
    raise NotImplementedError
'''

LEVELS = (5, 4, 3, 8)


def _levels(*levels: int) -> Tensor:
    return torch.tensor(levels or LEVELS)


def _one(z: float, level: int) -> tuple[float, float]:
    """Value and derivative for one number."""
    half, offset = 1.001 * (level - 1) / 2, 0.0 if level % 2 else 0.5
    t = math.tanh(z + math.atanh(offset / half))
    return round(half * t - offset) / (level // 2), half * (1 - t * t) / (level // 2)


def by_hand(z: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
    """Values and derivatives, number by number."""
    flat = [
        _one(x, level)
        for row in z.reshape(-1, len(levels)).tolist()
        for x, level in zip(row, levels.tolist())
    ]
    values, slopes = (torch.tensor(x, dtype=z.dtype).reshape(z.shape) for x in zip(*flat))
    return values, slopes


@holds("three levels: far below, 0 and far above become -1, 0 and 1")
def three_levels(answer: Any) -> None:
    z = torch.tensor([[-9.0], [0.0], [9.0]], dtype=torch.float64)
    close(answer(z, _levels(3)), torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64))


@holds("L levels are L values: five, and of an even number four")
def so_many(answer: Any) -> None:
    z = torch.linspace(-6, 6, 97, dtype=torch.float64)[:, None]
    for level in (3, 4, 5, 8):
        got = tensor(answer(z, _levels(level)), (97, 1)).detach()
        reached = (got * 1e6).round().unique() / 1e6  # the same number up to rounding is one level
        right = torch.tensor([(k - level // 2) / (level // 2) for k in range(level)]).double()
        if reached.numel() != level:
            raise Broken(f"{level} levels are asked for.", reached, right)
        close(reached, right, f"These are not the values of {level} levels.")


@holds("each number has levels of its own")
def own_levels(answer: Any) -> None:
    z = torch.tensor([[0.4, 0.4, 0.4, 0.4], [9, -9, 9, -9]], dtype=torch.float64)
    close(answer(z, _levels()), by_hand(z, _levels())[0])


def _values(z: Tensor, levels: Tensor) -> Tensor:
    return by_hand(z, levels)[0]


def _cases() -> list[tuple[Any, ...]]:
    shapes = (4,), (1, 4), (2, 3, 2, 4), (6, 4)
    return [(2 * raw(*shape, seed=len(shape)), _levels()) for shape in shapes]


def _ends() -> list[tuple[Any, ...]]:
    far = torch.tensor([[100.0], [-100.0], [1e4], [-1e4], [0.0]])
    return [(far, _levels(3)), (far, _levels(8)), (far.expand(5, 4).clone(), _levels())]


@holds("the gradient is that of squashing and dividing: rounding counts as no rounding")
def slopes(answer: Any) -> None:
    z, told = raw(5, 4, seed=3), raw(5, 4, seed=4)
    expected = told * by_hand(z, _levels())[1]
    got = gradients(lambda x: answer(x, _levels()) * told, (z,))[0]
    if got is None:
        raise Broken("No gradient reaches `z`.", "none", expected)
    close(got, expected, "The gradient to `z` is wrong.")


def _inputs() -> tuple[Any, ...]:
    return raw(3, 4, seed=5), _levels()


def _probes() -> list[tuple[Any, ...]]:
    far = 3 * raw(8, 4, seed=6)
    return [_inputs(), (far, _levels()), (far, _levels(4, 6, 8, 5))]


MISTAKES = """
rounded without a way back: straight_through(squashed, squashed.round()) => squashed.round()
    The values are right, but `round` has the derivative 0 everywhere, so the encoder learns
    nothing. Let the gradient go straight through the rounding.
straight through everything:
        straight_through(squashed, squashed.round()) / (levels // 2) =>
            straight_through(z, squashed.round() / (levels // 2))
    The values are right, but squashing and dividing were skipped in the gradient too. They have
    derivatives, and where tanh is flat little should arrive. Go straight through the rounding
    alone.
not rounded: straight_through(squashed, squashed.round()) => squashed
    The numbers are squashed and divided, but they take any value between. In the value the rounding
    has to be there; it is only the gradient that it is kept out of.
not divided: / (levels // 2) =>
    These are whole numbers. Divided by L // 2 they lie in [-1, 1].
divided by (L - 1) / 2: (levels // 2) => ((levels - 1).to(z.dtype) / 2)
    With an even L the lowest level stands at -L / 2, and divided by (L - 1) / 2 it lies below -1.
    Divide by L // 2.
divided by L / 2: levels // 2 => levels / 2
    With an odd L the outermost levels stand at (L - 1) / 2, and divided by L / 2 they don't reach
    1. Divide by L // 2.
even levels without their offset: (levels % 2 == 0) / 2 => 0 * levels
    Without the offset the range of an even L lies around 0, and its ends are rounded from half
    numbers: of four levels three are in use. Subtract 0.5, and shift z so that 0 stays near 0.
even levels without the shift: (z + (offset / half).atanh()) => z
    The offset is subtracted after tanh, but atanh(offset / half) was not added to z before. Then z
    = 0 is squashed to -0.5, on the edge between two levels, and not to 0.
clamped in place of squashed:
        (z + (offset / half).atanh()).tanh() * half - offset =>
            z.clamp(-half - offset, half - offset)
    Beyond the outermost levels a clamp has no gradient: what lands there stays there. tanh is asked
    for.
rounded towards 0: squashed.round() => squashed.trunc()
    `trunc` and `.int()` cut off what is behind the point, so that 0 takes twice its share and the
    outermost levels hardly any. `round` goes to the nearest.
rounded down: squashed.round() => squashed.floor()
    `floor` and whole-number division round down, so the highest level is hardly ever reached.
    `round` goes to the nearest.
"""

EXERCISE = Task(
    title="Finite scalar quantisation",
    level="stretch",
    difficulty=3,
    minutes=20,
    stub=STUB,
    reference=fsq.fsq_round,
    formula=_values,
    cases=_cases,
    ends=_ends,
    learns=False,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "`(levels - 1).to(z.dtype)` gives numbers to calculate with, and `levels % 2 == 0` says "
        "where the offset is 0.5. Both are (D,), and fit z's last dimension as they are.",
        "Rounding with a straight-through gradient: x plus what leads from x to round(x), as a "
        "constant.",
        "half = 1.001 * (levels - 1).to(z.dtype) / 2; offset = (levels % 2 == 0) / 2; x = half * "
        "(z + (offset / half).atanh()).tanh() - offset; (x + (x.round() - x).detach()) / "
        "(levels // 2).",
    ),
)
