"""Core: a frozen layer and its update."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, close, constants, holds, raw
from mmcourse.lora import formulas

STUB = '''
@exercise("ch06.lora_linear")
def lora_linear(x, weight, bias, A, B, alpha):
    """W x + b + (alpha / r) B A x, for every row x.

    x: (..., in), with any number of axes before the last.
    weight: (out, in).  bias: (out,).  A: (r, in).  B: (out, r).  alpha: a number.
    Returns (..., out), with the gradients of x, A and B; weight and bias are frozen.
    """
    raise NotImplementedError
'''


def by_hand(x: Tensor, weight: Tensor, bias: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """By the merged weight."""
    whole = weight + alpha / A.shape[0] * (B @ A)
    return (x[..., None, :] * whole).sum(-1) + bias


def _of(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@holds("A = (1, 2), B = (0, 10), x = (1, 1): A x = 3, B A x = (0, 30), alpha / r = 3 / 1")
def numbers(answer: Any) -> None:
    bias = torch.tensor([1.0, 0.0], dtype=torch.float64)
    given = _of([1, 1]), _of([1, 0], [0, 1]), bias, _of([1, 2]), _of([0], [10])
    close(answer(*given, 3.0), _of([2, 91]))


@holds("with B = 0 the layer computes what it did")
def start(answer: Any) -> None:
    x, W, b, A, B = _inputs()[:5]
    close(answer(x, W, b, A, 0 * B, 16.0), x @ W.T + b, "B is 0, and the output has changed.")


@holds("any number of axes: one row, rows, batches of rows, none at all")
def axes(answer: Any) -> None:
    for shape in ((5,), (2, 5), (2, 3, 5), (2, 1, 2, 5), (0, 5)):
        given = raw(*shape, seed=9), *_inputs()[1:]
        close(answer(*given), by_hand(*given))


@holds("four times the rank with the same rows: the same update, since alpha / r counts")
def rank(answer: Any) -> None:
    x, W, b, A, B, alpha = _inputs()
    fourfold = answer(x, W, b, A.repeat(4, 1), B.repeat(1, 4), alpha)
    close(fourfold, by_hand(x, W, b, A, B, alpha), "Each row of A was there four times.")


def _inputs() -> tuple[Any, ...]:
    return (
        raw(2, 5, seed=1),
        raw(4, 5, seed=2),
        raw(4, seed=3),
        raw(3, 5, seed=4),
        raw(4, 3, seed=5),
        2.0,
    )


def _square() -> tuple[Any, ...]:
    shapes = (2, 3), (3, 3), (3,), (3, 3), (3, 3)
    return (*(raw(*shape, seed=i) for i, shape in enumerate(shapes)), 6.0)


def _probes() -> list[tuple[Any, ...]]:
    large = (1e4 * raw(2, 3, seed=1), *_square()[1:5], 0.5)
    return [
        (*_inputs()[:5], -42.5),
        large,
        (*_square()[:5], 7.3),
        (*_square()[:5], 256.0),
        _inputs(),
        _square(),
    ]


MISTAKES = """
alpha forgotten: scale * =>
    The update counts by 1. Multiply it by alpha / r.
the rank forgotten: update_scale(alpha, len(A)) => alpha
    The update counts by alpha. Divided by the rank it stays as large when r changes.
the root of the rank: len(A)) => len(A), rs=True)
    alpha / sqrt(r) is rsLoRA. Here the update counts by alpha / r.
divided by the layer's width: len(A) => A.shape[1]
    A is (r, in): its rank is `A.shape[0]`, and `A.shape[1]` is the width of x.
the scale twice: scale * => scale**2 *
    Both factors were scaled, so alpha / r counts squared. Scale their product once.
the whole layer scaled: alpha / len(A) * (x @ weight.T + bias + x @ A.T @ B.T)
    The frozen layer was scaled too. alpha / r belongs to the update alone.
the update alone: F.linear(x, weight, bias) + =>
    The frozen layer is missing: the update is added to W x + b.
the update taken away: + scale => - scale
    The update was subtracted. It learns either sign, but files and merging add it.
the bias lost: , bias) => , 0 * bias)
    The bias is missing. A wrapped layer keeps all that it had.
the bias in the update: , A), B) => , A), B, bias)
    The bias was added a second time, with the update. B A x has none.
matrices as they lie: x @ weight.T + bias + alpha / len(A) * x @ A @ B
    x @ A fits square matrices alone. With rows for x it is x @ A.T @ B.T: A is (r, in) and B is
    (out, r), like the weights of linear layers.
"""

EXERCISE = Task(
    title="A layer and its update",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=formulas.lora_linear,
    formula=by_hand,
    cases=_probes,
    through=constants(1, 2),
    mistakes=MISTAKES,
    hints=(
        "Three parts: the frozen layer, the narrow way through A and B, and its scale.",
        "`F.linear(x, weight, bias)` is the first; `F.linear(F.linear(x, A), B)` the second.",
        "r is `A.shape[0]`. The scale multiplies the second part alone.",
    ),
)
