"""Core: the picture that a prediction of v means."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import objectives
from mmcourse.exercises.kit import Task, close, holds, raw, row
from mmcourse.exercises.probe import constants

STUB = '''
@exercise("ch04.x0_from_v")
def x0_from_v(x, v, alpha, sigma):
    """The picture, from a noisy state and the predicted v.

    x: (B, ...), a state: alpha x0 + sigma epsilon. x0 has its shape and dtype.
    v: the same shape, what the network predicts of it: alpha epsilon - sigma x0.
    alpha, sigma: numbers, or tensors (B, 1, ..., 1) of x's dtype, with alpha² + sigma² = 1.
    Returns x0, and gradients flow back to x and v. It must work at alpha = 0, pure noise, as well.
    """
    raise NotImplementedError
'''


@holds("alpha = 0.6, sigma = 0.8; x0 = 1 and epsilon = 2 make x = 2.2 and v = 0.4: back to 1")
def one_number(answer: Any) -> None:
    close(answer(row(2.2), row(0.4), 0.6, 0.8), row(1.0))


@holds("without noise the state is the picture, whatever v says")
def clean(answer: Any) -> None:
    close(answer(row(3.0), row(7.0), 1.0, 0.0), row(3.0))


@holds("at pure noise v alone holds the picture: x0 = -v")
def noise_only(answer: Any) -> None:
    close(answer(row(3.0), row(7.0), 0.0, 1.0), row(-7.0))


def _formula(x: Tensor, v: Tensor, alpha: Any, sigma: Any) -> Tensor:
    return alpha * x - sigma * v


def _cases() -> list[tuple[Any, ...]]:
    levels = torch.tensor([0.8, 0.6], dtype=torch.float64).view(2, 1, 1)
    shapes = ((1, 1), 0.96), ((2, 3, 4, 4), 0.28), ((2, 3), 0.28), ((2, 3, 2), 0.6)
    pairs = [(raw(*s, seed=50), raw(*s, seed=51), a, (1 - a**2) ** 0.5) for s, a in shapes]
    return [(*pairs[-1][:2], levels, (1 - levels**2).sqrt()), *pairs]


def _ends() -> list[tuple[Any, ...]]:
    x, levels = 10 * raw(4, 1, seed=1).float(), torch.tensor([[0.0], [1e-6], [1e-4], [1.0]])
    return [(1e5 * x, 1e5 * x.flip(0), 0.6, 0.8), (x, x / 10, levels, (1 - levels**2).sqrt())]


MISTAKES = """
the other sign: alpha * x + sigma * v
    v holds the picture with a minus: alpha epsilon - sigma x0. So sigma v is taken away.
alpha and sigma swapped: sigma * x - alpha * v
    The state counts by alpha, v by sigma. Try the ends: without noise x is the picture.
the noise instead of the picture: sigma * x + alpha * v
    That is epsilon: the other of the two unknowns. Solve for x0.
v taken for epsilon: (x - sigma * v) / alpha
    This turns a predicted epsilon into a picture. v is another thing, and dividing by alpha fails
    at pure noise, which v was made for.
v taken for the flow: x - sigma * v
    x - sigma times the prediction is right for flow matching, where alpha + sigma = 1. Here the
    squares sum to 1: multiply x by alpha.
divided by alpha once more: (alpha * x - sigma * v) / alpha
    alpha x - sigma v is x0 already: alpha times x0's alpha plus sigma times x0's sigma is 1.
    Nothing is left to divide by.
squares for levels: alpha * alpha * x - sigma * sigma * v
    alpha and sigma were squared. They are the roots already, as the state is mixed.
v as it is: -v
    x0 = -v holds at pure noise alone. At other levels the state knows something too.
"""

EXERCISE = Task(
    title="What v knows",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=objectives.x0_from_v,
    formula=_formula,
    through=constants(2, 3),
    ends=_ends,
    cases=_cases,
    mistakes=MISTAKES,
    hints=(
        "Two equations, two unknowns: x = alpha x0 + sigma epsilon, v = alpha epsilon - sigma x0.",
        "Multiply the first by alpha and the second by sigma, and subtract: epsilon cancels.",
        "`alpha * x - sigma * v`, since alpha² + sigma² = 1.",
    ),
)
