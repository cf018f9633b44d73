"""Core: how much an update counts, whatever its rank."""

from __future__ import annotations

import math
from typing import Any

from mmcourse.exercises.kit import Broken, Task, holds, near
from mmcourse.lora import formulas

STUB = '''
@exercise("ch06.update_scale")
def update_scale(alpha, rank, rs=False):
    """By what the update B A x is multiplied.

    alpha: its strength, a number.  rank: r, a whole number from 1 on.
    rs: False for LoRA's alpha / r, True for rsLoRA's alpha / sqrt(r).
    Returns a number.
    """
    raise NotImplementedError
'''


@holds("alpha 16, rank 4: the update counts by 4")
def plain(answer: Any) -> None:
    near(answer(16.0, 4), 4.0)


@holds("with rs, alpha 16 and rank 4: by 16 / sqrt(4) = 8")
def root(answer: Any) -> None:
    near(answer(16.0, 4, True), 8.0)


@holds("at rank 1 both are alpha")
def rank_one(answer: Any) -> None:
    for rs in (False, True):
        near(answer(3.0, 1, rs), 3.0)


@holds("small strengths, large and odd ranks: fractions stay fractions")
def fractions(answer: Any) -> None:
    for alpha, rank in ((1.0, 8), (1, 3), (5, 64), (0.5, 7)):
        near(answer(alpha, rank), alpha / rank)
        near(answer(alpha, rank, True), alpha / math.sqrt(rank))


@holds("four times the rank: a quarter as much, with rs half as much")
def slower(answer: Any) -> None:
    for rs, factor in ((False, 4.0), (True, 2.0)):
        near(answer(12.0, 3, rs), factor * float(answer(12.0, 12, rs)))


@holds("twice the alpha, twice as much")
def stronger(answer: Any) -> None:
    for rs in (False, True):
        if not math.isclose(float(answer(6.0, 5, rs)), 2 * float(answer(3.0, 5, rs)), rel_tol=1e-6):
            raise Broken("The scale is not proportional to alpha.", answer(6.0, 5, rs), "double")


def _probes() -> list[tuple[Any, ...]]:
    return [(16.0, 4), (16.0, 4, True), (1.0, 8), (5.0, 3, True), (5.0, 3), (7.0, 16, True),
            (640.0, 4), (3.0, 4096), (1e-3, 512, True), (-2.0, 3)]  # fmt: skip


MISTAKES = """
alpha alone: alpha
    The rank was forgotten. Then another rank needs another learning rate: the sum over r columns
    grows with r.
always alpha / r: alpha / rank
    `rs` changes nothing here. rsLoRA divides by the root of the rank.
always the root: alpha / math.sqrt(rank)
    The root is for rs=True. Plain LoRA divides by the rank itself.
the two swapped: if rs => if not rs
    rs=True gives alpha / r and rs=False the root. It is the other way round.
upside down: math.sqrt(rank) / alpha if rs else rank / alpha
    alpha is above the line: a larger alpha must count more.
multiplied by the rank: alpha * math.sqrt(rank) if rs else alpha * rank
    The rank was multiplied where it should divide: a larger rank would count far more.
the root of all: alpha / math.sqrt(rank) => math.sqrt(alpha / rank)
    The root is over the rank alone, not over alpha: alpha / sqrt(r).
whole numbers: alpha // math.sqrt(rank) if rs else alpha // rank
    `//` drops the fraction: alpha 1 and rank 8 give 0, an update that does nothing.
alpha set to 1: 1 / math.sqrt(rank) if rs else 1 / rank
    alpha was forgotten: the scale is the same whatever it is.
"""

EXERCISE = Task(
    title="How much an update counts",
    level="core",
    difficulty=1,
    minutes=5,
    stub=STUB,
    reference=formulas.update_scale,
    formula=lambda alpha, rank, rs=False: alpha * rank ** (-0.5 if rs else -1.0),
    cases=_probes,
    result="number",
    mistakes=MISTAKES,
    hints=(
        "With r columns the update is a sum of r terms. What keeps it as large for every r?",
        "`math.sqrt(rank) if rs else rank` is what alpha is divided by.",
    ),
)
