"""Core: one step of DDIM, as random as eta says."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import steps
from mmcourse.exercises.kit import Broken, Task, calls, close, holds, raw, row

STUB = '''
@exercise("ch04.ddim_step")
def ddim_step(x0, epsilon, alpha, sigma, next_alpha, next_sigma, eta=0.0, noise=None):
    """Rebuild the state at a level with less noise from what the denoiser saw at this one.

    x0, epsilon: (B, ...), the picture and the noise as predicted.
    alpha, sigma: of this level; next_alpha, next_sigma: of the next. Numbers; at both levels
    alpha² + sigma² = 1.
    eta: 0 to 1, how much of the noise is fresh.  noise: (B, ...), the fresh noise; None if eta = 0.
    Returns next_alpha x0 + old epsilon + fresh noise, where
    fresh = eta (next_sigma / sigma) sqrt(1 - alpha² / next_alpha²), and old is such that
    old² + fresh² = next_sigma².
    """
    raise NotImplementedError
'''

LEVELS = 0.6, 0.8, 0.8, 0.6
"""alpha and sigma here and there: with eta = 1, fresh = 0.75 sqrt(1 - 0.5625) = 0.4961."""


def _factors(answer: Any, levels: tuple[float, ...], eta: float) -> tuple[float, float, float]:
    """By how much an answer multiplies x0, epsilon and noise."""
    found = []
    for which in range(3):
        parts = [row(float(which == k)) for k in range(3)]
        out = answer(parts[0], parts[1], *levels, eta, parts[2])
        close(out, out.detach().clone() if isinstance(out, Tensor) else row(0.0))
        found.append(float(out))
    return found[0], found[1], found[2]


@holds("eta = 0: 0.8 of the picture and 0.6 of the old noise, x0 = 1 and epsilon = 2 give 2")
def deterministic(answer: Any) -> None:
    close(answer(row(1.0), row(2.0), *LEVELS), row(2.0))


@holds("eta = 0 takes no fresh noise, even if there is some")
def no_noise(answer: Any) -> None:
    a = answer(row(1.0), row(2.0), *LEVELS, 0.0, row(50.0))
    close(a, row(2.0), "With eta = 0 the fresh noise shows.")


@holds("without noise ahead the picture itself is reached, whatever eta is")
def clean(answer: Any) -> None:
    for eta in (0.0, 0.5, 1.0):
        close(answer(row(3.0), row(9.0), 0.6, 0.8, 1.0, 0.0, eta, row(7.0)), row(3.0))


@holds("eta = 1: the fresh noise counts by 0.75 sqrt(1 - 0.5625) = 0.4961")
def fresh(answer: Any) -> None:
    found = _factors(answer, LEVELS, 1.0)[2]
    close(row(found), row(0.75 * math.sqrt(1 - 0.5625)), "The factor of the fresh noise is wrong.")


@holds("eta = 0.5 takes half of that fresh noise")
def half(answer: Any) -> None:
    whole, some = (_factors(answer, LEVELS, eta)[2] for eta in (1.0, 0.5))
    close(row(some), row(whole / 2), "Twice the eta is not twice the fresh noise.")


@holds("old and fresh noise together are as much as the next level holds")
def together(answer: Any) -> None:
    for eta in (0.0, 0.4, 1.0):
        for levels in (LEVELS, (0.28, 0.96, 0.6, 0.8)):
            _, old, new = _factors(answer, levels, eta)
            got = math.sqrt(old**2 + new**2)
            if abs(got - levels[3]) > 1e-5:
                raise Broken(
                    f"With eta = {eta} the state holds another amount of noise than its level.",
                    got,
                    levels[3],
                )


@holds("from pure noise, alpha = 0, too")
def pure(answer: Any) -> None:
    found = _factors(answer, (0.0, 1.0, 0.6, 0.8), 0.5)
    close(torch.tensor(found), torch.tensor([0.6, math.sqrt(0.64 - 0.16), 0.4]))


def by_hand(x0: Tensor, epsilon: Tensor, *numbers: Any) -> Tensor:
    alpha, sigma, next_alpha, next_sigma, eta, noise = (*numbers, 0.0, None)[:6]
    fresh = eta * next_sigma / sigma * math.sqrt(1 - (alpha / next_alpha) ** 2)
    x = next_alpha * x0 + math.sqrt(next_sigma**2 - fresh**2) * epsilon
    return x if noise is None else x + fresh * noise


def _cases() -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = [(raw(2, 3, seed=7), raw(2, 3, seed=8), *LEVELS)]
    shapes = (
        ((1, 1), LEVELS, 0.3),
        ((2, 3, 4, 4), (0.28, 0.96, 0.6, 0.8), 1.0),
        ((2, 3, 2), LEVELS, 0.5),
    )
    for shape, levels, eta in shapes:
        found.append((*(raw(*shape, seed=k) for k in (1, 2)), *levels, eta, raw(*shape, seed=3)))
    return found


def _neighbours() -> list[tuple[Any, ...]]:
    """Levels so near each other that float32 does not tell them apart."""
    levels = 0.999**0.5, 0.001**0.5, 0.9990001**0.5, 0.0009999**0.5
    return [(1e3 * row(1).float(), row(1).float(), *levels, 1.0, 1e7 * row(1).float())]


def _probes() -> list[tuple[Any, ...]]:
    a, b, c = (raw(2, 3, seed=k) for k in (4, 5, 6))
    return [
        _cases()[-1],
        (a, b, 0.28, 0.96, 0.6, 0.8, 1.0, c),
        (a, b, 0.28, 0.96, 0.6, 0.8, 0.0, c),
    ]


MISTAKES = """
the old noise left whole: math.sqrt(max(next_sigma**2 - fresh**2, 0.0)) => next_sigma
    Fresh noise was added and none of the old taken away, so the state is noisier than its level
    says. old = sqrt(next_sigma² - fresh²).
the picture as strong as before: next_alpha * x0 => alpha * x0
    The picture was multiplied by this level's alpha. It is rebuilt at the next level, where there
    is more of it: next_alpha.
a subtraction of deviations: math.sqrt(max(next_sigma**2 - fresh**2, 0.0)) => next_sigma - fresh
    old + fresh = next_sigma, but it is variances that add up: old² + fresh².
the variance for the deviation: old = math => fresh = fresh**2; old = math
    fresh was squared: noise is multiplied by its deviation, not by its variance.
the ratio upside down: next_sigma / sigma => (sigma / next_sigma if next_sigma else 0.0)
    next_sigma / sigma, not sigma / next_sigma: the nearer the picture, the less fresh noise.
DDPM's larger variance: next_sigma / sigma * =>
    The factor next_sigma / sigma is missing. What is left is sqrt(beta), DDPM's other choice, and
    too much where little noise is left: at the last step some would stay.
always as random as DDPM: fresh = eta * => fresh =
    eta was not used: the step is as random as with eta = 1, even where 0 was asked for.
never random: fresh = eta * => fresh = 0 *
    The fresh noise was ignored: right for eta = 0 alone.
no step at all: next_alpha * x0 + old => alpha * x0 + math.sqrt(max(sigma**2 - fresh**2, 0.0))
    Picture and noise were mixed as at this level. Use those of the next one.
squares for levels:
        math.sqrt(max(next_sigma**2 - fresh**2, 0.0)) => next_sigma**2 - fresh**2
        next_alpha * x0 => next_alpha**2 * x0
    next_alpha and next_sigma were squared, or a root was forgotten. They are the roots of alpha_bar
    and 1 - alpha_bar already.
all noise fresh: fresh = eta * next_sigma / sigma * math.sqrt(max(added, 0.0)) => fresh = next_sigma
    The predicted noise was thrown away and new noise put in its place. DDIM keeps the old one,
    which is why the same start gives the same picture.
"""

EXERCISE = Task(
    title="One step of DDIM",
    level="core",
    difficulty=3,
    minutes=20,
    stub=STUB,
    reference=steps.ddim_step,
    formula=by_hand,
    cases=_cases,
    ends=_neighbours,
    learns=False,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "First with eta = 0: mix picture and noise again, with the next level's factors.",
        "fresh is given. How much may be left of the old noise, so that the variances sum to "
        "next_sigma²?",
        "`next_alpha * x0 + math.sqrt(next_sigma**2 - fresh**2) * epsilon`, and `+ fresh * noise` "
        "if there is noise.",
    ),
)
