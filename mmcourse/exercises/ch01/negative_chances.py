"""Core: which wrong pair is worth a question?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, close, gives, holds, raw, unchanged, zero
from mmcourse.joint import matching

STUB = '''
@exercise("ch01.negative_chances")
def negative_chances(logits, excluded=None):
    """With what probability is each column drawn as the wrong partner of each row?

    logits: (B, B), cosines times scale; row i's own partner is column i.
    excluded: (B, B) bool, True where a pair is right though it is off the diagonal, or None.
    Returns (B, B): in each row the softmax of the logits over all columns that are really wrong,
    and exactly 0 for the row's own partner and for the excluded ones.
    """
    raise NotImplementedError
'''


def by_hand(logits: Tensor, excluded: Tensor | None = None) -> Tensor:
    """Row by row over the wrong columns."""
    out = torch.zeros_like(logits)
    for i, row in enumerate(logits):
        wrong = [
            j
            for j in range(len(logits))
            if j != i and not (excluded is not None and bool(excluded[i, j]))
        ]
        out[i, wrong] = (row[wrong] - row[wrong].max()).softmax(0)
    return out


def _excluded(n: int) -> Tensor:
    """The next one is right as well, for every second row."""
    out = torch.zeros(n, n, dtype=torch.bool)
    for i in range(0, n, 2):
        out[i, (i + 1) % n] = True
    return out


three = gives(
    "three pairs by hand",
    ((torch.tensor([[9.0, math.log(3.0), 0.0], [1.0, 9.0, 1.0], [0.0, math.log(4.0), 9.0]]),),
     torch.tensor([[0, 0.75, 0.25], [0.5, 0, 0.5], [0.2, 0.8, 0]])),
)  # fmt: skip


@holds("nobody is its own wrong partner, however similar: the chance is exactly 0")
def own(answer: Any) -> None:
    for similar in (0.0, 90.0, -90.0):
        logits = raw(5, 5, seed=1) + similar * torch.eye(5, dtype=torch.float64)
        zero(answer(logits).diagonal(), "A row's own partner can be drawn.")


@holds("an excluded pair is never drawn: its chance is exactly 0")
def left_out(answer: Any) -> None:
    chances = answer(3 * raw(6, 6, seed=2), _excluded(6))
    zero(chances[_excluded(6)], "An excluded pair can be drawn.")
    zero(chances.diagonal(), "A row's own partner can be drawn.")


@holds("each row sums to 1")
def sums(answer: Any) -> None:
    for excluded in (None, _excluded(5)):
        rows = answer(raw(5, 5, seed=3), excluded).sum(1)
        close(rows, torch.ones(5, dtype=torch.float64), "The rows do not sum to 1.")


shifted = unchanged(
    "only differences within a row count",
    lambda: (raw(4, 4, seed=4),),
    lambda x: (x + torch.tensor([[0.0], [70.0], [-70.0], [9.0]], dtype=torch.float64),),
    "Raising all logits of a row has changed its chances.",
)


def _cases() -> list[tuple[Any, ...]]:
    return [
        (raw(2, 2, seed=8),),
        (raw(4, 4, seed=6),),
        (3 * raw(6, 6, seed=2), _excluded(6)),
        (raw(4, 4, seed=9), _excluded(4)),
    ]


def _ends() -> list[tuple[Any, ...]]:
    """Logits of a hundred, own partners far above and far below the others, and all far below 0."""
    close_by = [[100.0, 95.0, 90.0], [95.0, 100.0, 90.0], [90.0, 95.0, 100.0]]
    apart = [[100.0, -10.0, -11.0], [-10.0, 100.0, -12.0], [-11.0, -10.0, 100.0]]
    below = [[-700.0, -699.0, -698.0], [0.0, -90.0, -91.0], [800.0, 700.0, -800.0]]
    tables = [torch.tensor(x) for x in (close_by, apart, below)]
    one = torch.tensor([[False, True, False], [False, False, False], [False, False, False]])
    return [*((x,) for x in tables), *((x, one) for x in tables)]


def _probes() -> list[tuple[Any, ...]]:
    return [(raw(4, 4, seed=6),), (2 * raw(6, 6, seed=7), _excluded(6)), (raw(2, 2, seed=8),)]


def _wrong(logits: Tensor, excluded: Tensor | None) -> Tensor:
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return own if excluded is None else own | excluded


MISTAKES = """
the own partner among the wrong ones:
        (logits if excluded is None else logits.masked_fill(excluded, -math.inf)).softmax(1)
    The diagonal has a chance of its own: then the true pair is shown as a wrong one, and mostly
    that, for it scores highest. Exclude the diagonal.
set to zero afterwards: logits.softmax(1).masked_fill(_wrong(logits, excluded), 0.0)
    After the softmax the true partner has already taken its share, nearly all of it, so the rows no
    longer sum to 1. Exclude pairs before the softmax.
excluded logits set to 0: logits.masked_fill(_wrong(logits, excluded), 0.0).softmax(1)
    A logit of 0 is not impossible, its exponential is 1. What must never be drawn has a logit of
    minus infinity.
a small constant added to the softmax:
        chances = logits.softmax(1) + 1e-4
        chances = chances.masked_fill(_wrong(logits, excluded), 0.0)
        return chances / chances.sum(1, keepdim=True)
    1e-4 was added so that no chance vanishes. Once the true pair takes nearly all, the constant is
    larger than what is left of the others, and all are drawn alike.
softmax over the rows: logits.masked_fill(_wrong(logits, excluded), -math.inf).softmax(0)
    The columns sum to 1, not the rows. Each row draws a column: the softmax runs over dimension 1.
the excluded pairs forgotten: logits.masked_fill(_wrong(logits, None), -math.inf).softmax(1)
    `excluded` makes no difference here. A caption that is true of another picture too is no
    negative there; calling it wrong teaches nonsense.
always the hardest:
        hidden = logits.masked_fill(_wrong(logits, excluded), -math.inf)
        return torch.zeros_like(logits).scatter(1, hidden.argmax(1, keepdim=True), 1.0)
    This always takes the largest logit. Drawing by the softmax varies the questions, and is less at
    the mercy of a single mislabelled pair.
all alike:
        open_to_all = (~_wrong(logits, excluded)).to(logits.dtype)
        return open_to_all / open_to_all.sum(1, keepdim=True)
    All wrong partners have the same chance, so most questions are trivial: a beach is no forest.
    The logits say which are hard.
the easiest first: (-logits).masked_fill(_wrong(logits, excluded), -math.inf).softmax(1)
    The sign is turned round: the least similar pairs are drawn most. The hard ones have the largest
    logits.
"""

EXERCISE = Task(
    title="Hard negatives",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=matching.negative_chances,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    learns=False,
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    hints=(
        "What must never be drawn has to be known before the softmax. Which logit has the "
        "exponential 0?",
        "Make a (B, B) bool of all that is no negative: the diagonal, and what is excluded. "
        "torch.eye has a dtype and a device.",
        "banned = torch.eye(B, dtype=torch.bool, device=...) | excluded; then "
        "logits.masked_fill(banned, -inf).softmax(1).",
    ),
)
