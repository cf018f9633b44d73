"""Core: put an update into the weight, without losing its digits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, close, holds, new, raw, tensor
from mmcourse.lora import formulas

STUB = '''
@exercise("ch06.merged_weight")
def merged_weight(weight, A, B, alpha):
    """The weight with its update in it: W + (alpha / r) B A, a new tensor.

    weight: (out, in), in any floating type; A: (r, in) and B: (out, r), each likewise.
    alpha: a number.
    Sum in float32 or finer whatever the types are, and round once, to the weight's type.
    Returns (out, in), in the weight's type.
    """
    raise NotImplementedError
'''


def by_hand(weight: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """A sum of r outer products."""
    total = weight.double()
    for a, b in zip(A.double(), B.double().T):
        total = total + alpha / A.shape[0] * torch.outer(b, a)
    return total.to(weight.dtype)


@holds("W = 1, A = 2, B = 3, alpha = 5 at rank 1: 1 + 5 * 3 * 2 = 31")
def number(answer: Any) -> None:
    one = torch.ones(1, 1, dtype=torch.float64)
    close(answer(one, 2 * one, 3 * one, 5.0), 31 * one)


@holds("the merged layer computes what the layer with its update did")
def computes(answer: Any) -> None:
    weight, A, B, alpha = _inputs()
    x, bias = raw(5, 4, seed=7), raw(3, seed=8)
    wanted = formulas.lora_linear(x, weight, bias, A, B, alpha)
    close(x @ tensor(answer(weight, A, B, alpha), (3, 4)).T + bias, wanted)


@holds("a new tensor comes back, also where B is 0")
def nothing_learned(answer: Any) -> None:
    weight, A, B, alpha = _inputs()
    new(answer(weight, A, 0 * B, alpha), answer)


@holds("bfloat16 and float16: the sum in float32, rounded once")
def rounded_once(answer: Any) -> None:
    dice = torch.Generator().manual_seed(1)
    drawn, half, full = torch.randn(16, 16, generator=dice), torch.bfloat16, torch.float32
    sizes = ((a, b, size) for a, b in ((half, half), (half, full)) for size in (0.1, 1.0))
    for of, kind, size in (*sizes, (torch.float16, torch.float16, 1.0)):
        weight = drawn.to(of)
        A, B = (torch.randn(s, generator=dice).to(kind) * size for s in ((4, 16), (16, 4)))
        got = tensor(answer(weight, A, B, 2.0), (16, 16))
        if got.dtype != of:
            raise Broken(f"The weight was {of}.", str(got.dtype), str(of))
        right = by_hand(weight, A, B, 2.0)
        off = float((got != right).float().mean())
        if off > 0.02:  # where a sum in float32 lies on an edge, either neighbour will do
            raise Broken(
                "Numbers differ in their last digit: it was rounded on the way.",
                f"{off:.0%} of the numbers differ",
                "the float32 sum, rounded once",
            )


@holds("a product beyond what float16 holds, made small by alpha; a float32 weight, A in bfloat16")
def within_range(answer: Any) -> None:
    one = torch.ones(1, 1, dtype=torch.float16)
    close(answer(one, 300 * one, 300 * one, 0.01), 901 * one)
    weight, A, B, alpha = _inputs()
    given = weight.float(), A.bfloat16(), B.bfloat16(), alpha
    close(answer(*given), by_hand(*given), "The update was rounded before it was added.")


def _inputs() -> tuple[Any, ...]:
    return raw(3, 4, seed=1), raw(2, 4, seed=2), raw(3, 2, seed=3), 3.0


def _square() -> tuple[Any, ...]:
    return raw(3, 3, seed=4), raw(3, 3, seed=5), raw(3, 3, seed=6), 2.0


def _half() -> tuple[Any, ...]:
    return (*(raw(8, 8, seed=k).bfloat16() for k in (7, 8, 9)), 1.0)


def _probes() -> list[tuple[Any, ...]]:
    wide = raw(3, 4, seed=1), raw(40, 4, seed=2), raw(3, 40, seed=3), 3.0
    return [_square(), _half(), (*_square()[:3], -0.7), wide, _inputs()]


MISTAKES = """
the scale forgotten: update_scale(alpha, len(A)) * =>
    B A was added as it is. The layer adds alpha / r times it, so merging must too.
alpha without the rank: update_scale(alpha, len(A)) => alpha
    The update counts by alpha / r, and here by alpha.
transposed: B.to(wide) @ A.to(wide) => A.to(wide).T @ B.to(wide).T
    A.T @ B.T is the update transposed, (in, out), and fits square weights alone. Linear layers keep
    (out, in): B @ A.
A before B: B.to(wide) @ A.to(wide) => A.to(wide) @ B.to(wide)
    x meets A first, so A stands on the right: B @ A. The other way round fits square matrices
    alone.
subtracted: + update => - update
    The update was taken off: that is what unmerging does. Add it.
merged twice: formulas.merged_weight(formulas.merged_weight(weight, A, B, alpha), A, B, alpha)
    The update is in the weight two times: it was added to a weight that had it already.
the update alone: (weight.to(wide) + update) => update
    That is the update. The weight it belongs to is missing.
summed in the weight's type: weight + alpha / len(A) * (B.to(weight.dtype) @ A.to(weight.dtype))
    In bfloat16 every step is rounded to two or three digits, and the errors add up. Go to
    float32 first and come back once.
left in float32: .to(weight.dtype) =>
    The sum is right and its type is not: a bfloat16 layer needs a bfloat16 weight.
written into the weight:
        merged = formulas.merged_weight(weight, A, B, alpha)
        weight.data.copy_(merged)
        return weight
    The weight that was given was overwritten. Then nothing is left to unmerge to, and a second call
    merges twice.
"""

EXERCISE = Task(
    title="Merge",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=formulas.merged_weight,
    formula=by_hand,
    cases=_probes,
    learns=False,
    mistakes=MISTAKES,
    hints=(
        "Which product of A and B has the weight's shape, (out, in)?",
        "`alpha / A.shape[0] * B.float() @ A.float()`, and float64 where the weight is float64: "
        "`torch.promote_types(weight.dtype, torch.float32)`.",
        "`.to(weight.dtype)` comes last, around the whole sum.",
    ),
)
