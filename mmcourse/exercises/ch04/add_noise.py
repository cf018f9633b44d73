"""Core: jump from a picture to any amount of noise at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import schedule
from mmcourse.exercises.kit import Broken, Task, calls, close, constants, holds, raw, tensor, typed

STUB = '''
@exercise("ch04.add_noise")
def add_noise(x0, noise, t, alpha_bar):
    """Mix each picture with its noise, as much as its step says.

    x0: (B, ...), pictures or latents, with any number of axes after the first.
    noise: the same shape.
    t: (B,) int64, the step of each row, 0 to T - 1.
    alpha_bar: (T,), at each step the share of the variance that is still the picture's.
    Returns the shape and dtype of x0: sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) noise, with the
    gradients of x0 and noise. alpha_bar is a constant, and may be of another dtype.
    """
    raise NotImplementedError
'''


def _shares() -> Tensor:
    return torch.tensor([0.99, 0.81, 0.36, 0.04], dtype=torch.float64)


def by_hand(x0: Tensor, noise: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
    """Row by row."""
    rows = zip(x0, noise, t.tolist())
    return torch.stack(
        [alpha_bar[i] ** 0.5 * a + (1 - alpha_bar[i]) ** 0.5 * b for a, b, i in rows]
    )


def _of(value: float, *shape: int) -> Tensor:
    return torch.full(shape or (1, 1), value, dtype=torch.float64)


@holds("alpha_bar = 0.36, a picture of 1, noise of 2: 0.6 * 1 + 0.8 * 2 = 2.2")
def one_number(answer: Any) -> None:
    close(answer(_of(1), _of(2), torch.tensor([2]), _shares()), _of(2.2))


@holds("where the noise's share is 0.0001, its factor is 0.01")
def hardly_any(answer: Any) -> None:
    shares = torch.tensor([1 - 1e-4, 1 - 1e-8], dtype=torch.float64)
    found = answer(_of(0, 2, 1), _of(1, 2, 1), torch.arange(2), shares)
    close(found * 1e4, (1 - shares).sqrt()[:, None] * 1e4, "Ten thousand times the noise is wrong.")


@holds("a share of 1 is the picture and 0 the noise, of any numbers and of any number of steps")
def both_ends(answer: Any) -> None:
    shares = torch.linspace(1, 0, 1501, dtype=torch.float64)
    t = torch.tensor([0, 1500, 1200])
    found = answer(_of(3e6, 3, 1), _of(4e3, 3, 1), t, shares)
    right = [[3e6], [4e3], [3e6 * 0.2**0.5 + 4e3 * 0.8**0.5]]
    close(found, torch.tensor(right, dtype=torch.float64))


@holds("alpha_bar in float64, as schedules are computed, leaves the pictures in float32")
def finer_shares(answer: Any) -> None:
    x0 = _of(1, 3, 1).float()
    typed(answer(x0, 0 * x0, torch.arange(3), _shares()), torch.float32)


def _ends() -> list[tuple[Any, ...]]:
    """Where hardly any noise is."""
    shares = 1 - torch.tensor([1e-6, 1e-5, 1e-4])
    return [(_of(0, 3, 1).float(), _of(1e4, 3, 1).float(), torch.arange(3), shares)]


@holds("each row has its own step")
def own_step(answer: Any) -> None:
    t = torch.tensor([3, 0, 2])
    found = answer(_of(1, 3, 1), _of(0, 3, 1), t, _shares())
    close(found, _shares()[t].sqrt()[:, None], "Of pictures of 1 without noise this is left.")


def _cases() -> list[tuple[Any, ...]]:
    """Vectors, films, four pictures that are four wide, pictures."""
    shapes = (1,), (2, 3), (2, 3, 2, 4, 4), (4, 3, 2, 4), (3, 2, 2, 2)
    steps = torch.tensor([2, 0, 3, 1])
    return [(raw(*s, seed=3), raw(*s, seed=4), steps[: s[0]], _shares()) for s in shapes]


@holds("data and noise of variance 1 stay at variance 1, at every step")
def variance(answer: Any) -> None:
    x0, noise = raw(4, 4000, seed=5), raw(4, 4000, seed=6)
    found = tensor(answer(x0, noise, torch.arange(4), _shares()), (4, 4000)).var(1)
    if not ((found - 1).abs() < 0.15).all():
        raise Broken("The variance changes with the step.", found, "about 1 everywhere")


def _probes() -> list[tuple[Any, ...]]:
    wide = raw(3, 5, seed=13), raw(3, 5, seed=14), torch.tensor([2, 1, 3]), _shares()
    same = raw(3, 3, seed=11), raw(3, 3, seed=12), torch.tensor([1, 3, 0]), _shares()
    return [_cases()[-1], same, wide]


MISTAKES = """
alpha_bar without its root:
        kept.sqrt() * x0 => kept * x0
        (1 - kept).sqrt() => (1 - kept)
    Shares of the variance were used as factors of the values. A share of 0.36 of the variance is a
    factor of 0.6: take the roots of both.
the noise's root forgotten: (1 - kept).sqrt() => (1 - kept)
    The picture has its root, the noise has not: its factor is sqrt(1 - alpha_bar).
the picture's root forgotten: kept.sqrt() * x0 => kept * x0
    The noise has its root, the picture has not: its factor is sqrt(alpha_bar).
1 minus the root: (1 - kept).sqrt() => (1 - kept.sqrt())
    The factors sum to 1, but it is their squares that do: variances add up, deviations don't. The
    noise's factor is sqrt(1 - alpha_bar).
picture and noise swapped:
        kept.sqrt() * x0 + (1 - kept).sqrt() => (1 - kept).sqrt() * x0 + kept.sqrt()
    alpha_bar is what is left of the picture: near 1 at step 0. Here the noise gets it.
noise added, nothing taken away: kept.sqrt() * x0 => x0
    The picture stays whole under the noise, so the variance grows. It fades by sqrt(alpha_bar).
steps along the last axis: .view(-1, *[1] * (x0.ndim - 1)) =>
    A factor of shape (B,) meets the last axis, not the first: columns get the steps of rows, or the
    shapes clash. Reshape it to (B, 1, ..., 1), as many ones as x0 needs.
one step for all rows: .to(x0.device)[t] => .to(x0.device)[t[:1].expand_as(t)]
    All rows were mixed with the first row's step. t holds a step for each.
one step early: [t] => [t - 1]
    alpha_bar was looked up at t - 1, and at t = 0 that is the last entry of all. Steps count from 0
    here: alpha_bar[t].
the product taken again: alpha_bar.to => alpha_bar.cumprod(0).to
    alpha_bar is the running product already: what all steps so far have left. Multiplied up once
    more, the picture fades much too soon.
noise of its own: * noise => * torch.randn_like(x0)
    The noise that was given was not used. The loss compares with it, so it has to be the very same.
"""

EXERCISE = Task(
    title="Noise at once",
    level="core",
    difficulty=1,
    minutes=10,
    stub=STUB,
    reference=schedule.add_noise,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    through=constants(3),
    probe=calls(_probes, through=constants(3)),
    mistakes=MISTAKES,
    hints=(
        "`alpha_bar[t]` is (B,). How must it be shaped to multiply the rows of x0?",
        "`.view(-1, *[1] * (x0.ndim - 1))` makes it (B, 1, ..., 1). Both factors are roots.",
        "With `a = alpha_bar[t].view(-1, *[1] * (x0.ndim - 1))`: "
        "`a.sqrt() * x0 + (1 - a).sqrt() * noise`.",
    ),
)
