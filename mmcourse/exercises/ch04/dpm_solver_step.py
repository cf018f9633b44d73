"""Stretch: a step that remembers the one before."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from mmcourse.diffusion import steps
from mmcourse.diffusion.schedule import Level
from mmcourse.exercises.kit import Task, calls, close, holds, raw

STUB = '''
@exercise("ch04.dpm_solver_step")
def dpm_solver_step(x, x0, levels, before=None):
    """DPM-Solver++(2M): a step with a picture that is extrapolated from the last two.

    x: (B, ...), the state at the last but one of the levels.
    x0: the picture that the denoiser saw there.
    levels: (here, there) or (earlier, here, there), each with .t, .alpha and .sigma.
    before: the picture that it saw at `earlier`; None at the first step.
    With lam = ln(alpha / sigma), h = lam(there) - lam(here) and g = lam(here) - lam(earlier):
    D = x0 without `before`, and x0 + h / (2 g) (x0 - before) with it.
    Returns sigma(there) / sigma(here) x - alpha(there) (exp(-h) - 1) D, and alpha(there) x0 where
    sigma(there) is 0, since there h is infinite.
    """
    raise NotImplementedError
'''

EARLIER, HERE, THERE = Level(800.0, 0.28, 0.96), Level(500.0, 0.6, 0.8), Level(300.0, 0.8, 0.6)
CLEAN = Level(0.0, 1.0, 0.0)


def by_hand(x: Tensor, x0: Tensor, levels: tuple[Level, ...], before: Tensor | None) -> Tensor:
    """The same in alphas and sigmas: exp(-h) is a ratio of both."""
    here, there = levels[-2:]
    if there.sigma == 0:
        return there.alpha * x0
    shrink = here.alpha * there.sigma / (here.sigma * there.alpha)  # exp(-h)
    guess = x0
    if before is not None:
        earlier = levels[-3]
        grown = here.alpha * earlier.sigma / (here.sigma * earlier.alpha)  # exp(g)
        guess = x0 - 0.5 * math.log(shrink) / math.log(grown) * (x0 - before)
    return there.sigma / here.sigma * x + there.alpha * (1 - shrink) * guess


@holds("the first step is DDIM's: the new mixture of the same picture and noise")
def first(answer: Any) -> None:
    x0, epsilon = raw(2, 3, seed=1), raw(2, 3, seed=2)
    x = HERE.alpha * x0 + HERE.sigma * epsilon
    expected = THERE.alpha * x0 + THERE.sigma * epsilon
    close(answer(x, x0, (HERE, THERE), None), expected, "The first step is not DDIM's.")


@holds("where no noise is left ahead, it is the picture")
def clean(answer: Any) -> None:
    x, x0, before = (raw(2, 3, seed=k) for k in (3, 4, 5))
    close(answer(x, x0, (HERE, CLEAN), None), x0)
    close(answer(x, x0, (EARLIER, HERE, CLEAN), before), x0)


@holds("a picture that did not change since is not extrapolated")
def still(answer: Any) -> None:
    x, x0 = raw(2, 3, seed=6), raw(2, 3, seed=7)
    found = answer(x, x0, (EARLIER, HERE, THERE), x0.clone())
    close(found, by_hand(x, x0, (HERE, THERE), None), "Both pictures agree, and yet they differ.")


def _cases() -> list[tuple[Any, ...]]:
    """The first step, two with a picture before, the last one, and one that is nearly the last."""
    later, nearly = (HERE, THERE, Level(9.0, 0.96, 0.28)), Level(0.0, (1 - 4e-8) ** 0.5, 2e-4)
    all_levels: Any = (HERE, THERE), later, (EARLIER, HERE, CLEAN), (EARLIER, HERE, nearly)
    all_levels += (EARLIER, HERE, THERE), (EARLIER, HERE, THERE)
    shapes = (1, 1), (2, 3, 2), (2, 3, 4, 4), (2, 2), (3, 1), (2, 3)
    found = []
    for n, (shape, levels) in enumerate(zip(shapes, all_levels)):
        x, x0, before = (raw(*shape, seed=10 + 3 * n + k) for k in range(3))
        found.append((x, x0, levels, before if len(levels) == 3 and n != 4 else None))
    return found


def _neighbours() -> list[tuple[Any, ...]]:
    """The last step was so small that float32 does not tell its levels apart."""
    levels = *(Level(500.0, a**0.5, (1 - a) ** 0.5) for a in (0.36, 0.360001)), THERE
    return [(*(raw(2, 3, seed=k).float() for k in (40, 41)), levels, raw(2, 3, seed=42).float())]


def _probes() -> list[tuple[Any, ...]]:
    later = HERE, THERE, Level(9.0, 0.96, 0.28)
    return [_cases()[-1], (raw(2, 3, seed=23), raw(2, 3, seed=24), later, raw(2, 3, seed=25)),
            (raw(2, 3, seed=26), raw(2, 3, seed=27), (HERE, THERE), None)]  # fmt: skip


MISTAKES = """
no memory: step / (2 * last) => 0
    `before` was not used, so every step is DDIM's: first order, with twice the error.
all of the way, not half: (2 * last) => last
    The picture was extrapolated to the end of the step. What is wanted is its mean over the step,
    half way: h / (2 g).
the ratio upside down: step / (2 * last) => last / (2 * step)
    g / (2 h): the longer the step ahead, the less it would reach. It is h / (2 g).
backwards: x0 + step => x0 - step
    The picture was moved back to where it was. It goes on: x0 + h / (2 g) (x0 - before).
the mean of both pictures: step / (2 * last) => -0.5
    The mean of the last two pictures lies behind, not ahead.
steps of one length taken for granted: step / (2 * last) => 0.5
    1/2 is right where h = g. Steps that are equal in time are not equal in ln(alpha / sigma).
the logarithm of the squares: -step => -2 * step
    lam is ln(alpha / sigma), half of the logarithm of the signal-to-noise ratio. Here h is twice
    what it should be, and exp(-h) its square.
exp(h): -step => step
    The sign of h is lost: exp(-h) - 1 lies between -1 and 0, so that D counts by a share. exp(h) -
    1 belongs to the solver of epsilon.
the minus lost: - there.alpha => + there.alpha
    -alpha (exp(-h) - 1) is more than 0: the picture is added, not taken away.
"""

EXERCISE = Task(
    title="A step that remembers",
    level="stretch",
    difficulty=4,
    minutes=30,
    stub=STUB,
    reference=steps.dpm_solver_step,
    formula=by_hand,
    cases=_cases,
    ends=_neighbours,
    learns=False,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "First without `before`: that is DDIM in other letters. Check it with x = alpha x0 + "
        "sigma epsilon.",
        "How fast did the picture change, per unit of lam, over the last step? Half of the coming "
        "step goes on at that pace.",
        "`D = x0 + h / (2 * g) * (x0 - before)`, then "
        "`there.sigma / here.sigma * x - there.alpha * math.expm1(-h) * D`.",
    ),
)
