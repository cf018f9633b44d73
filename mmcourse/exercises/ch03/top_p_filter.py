"""Core: draw from the nucleus, however wide it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, holds, raw, tensor
from mmcourse.vqgan.filters import top_p_filter

STUB = '''
@exercise("ch03.top_p_filter")
def top_p_filter(logits, p):
    """Keep the likeliest, as few as add up to p, and rule out the rest.

    logits: (..., K), of any number of rows; some may be -inf already.
    p: above 0 and at most 1.
    Returns logits of the same shape and dtype. In each row, take the likeliest first, then the
    next one, and so on until their chances (softmax of the row) add up to p or more: these keep
    their logits, all others become -inf. So the likeliest always stays. The input is left as it
    was.
    """
    raise NotImplementedError
'''


def _chances(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).log()


def by_hand(logits: Tensor, p: float) -> Tensor:
    """Row by row, in a loop."""
    out = torch.full_like(logits, -torch.inf)
    for row, into in zip(logits.reshape(-1, logits.shape[-1]), out.view(-1, logits.shape[-1])):
        chances, total = row.double().softmax(-1), 0.0
        for i in sorted(range(len(row)), key=lambda j: -float(chances[j])):
            if total >= p:
                break
            into[i] = row[i]
            total += float(chances[i])
    return out


def _same(answer: Any, logits: Tensor, p: float, message: str) -> None:
    got, expected = tensor(answer(logits, p), tuple(logits.shape)), by_hand(logits, p)
    if got.isnan().any():
        raise Broken("There is a NaN in it.", got, expected)
    mine, right = got.isinf() & (got < 0), expected.isinf()
    if mine.tolist() != right.tolist():
        raise Broken(message, got, expected)
    near = (got[~right].double() - expected[~right].double()).abs() <= 1e-6 + 1e-5 * abs(
        expected[~right].double()
    )
    if not near.all():
        raise Broken("What stays must keep its logit.", got, expected)


ROW = (0.5, 0.25, 0.15, 0.1)


@holds("of 0.5, 0.25, 0.15, 0.1 the first two stay at p = 0.6, three at 0.8, one at 0.4")
def one_row(answer: Any) -> None:
    for p in (0.6, 0.8, 0.4):
        _same(answer, _chances(ROW), p, f"At p = {p} others should stay.")


@holds("the likeliest stays, however small p is")
def the_first(answer: Any) -> None:
    _same(answer, _chances(ROW), 1e-6, "With a tiny p one is left.")


@holds("the order of the row does not matter")
def any_order(answer: Any) -> None:
    row = (0.1, 0.5, 0.15, 0.25)
    for p in (0.6, 0.8):
        _same(answer, _chances(row), p, "Others stay than in the sorted row.")


@holds("each row has a nucleus of its own")
def rows(answer: Any) -> None:
    both = _chances((0.1, 0.2, 0.3, 0.4), (0.05, 0.9, 0.03, 0.02))
    _same(answer, both, 0.65, "The rows disturb each other.")
    many = raw(1, 5000, seed=8) / 100
    _same(answer, many, 0.95, "Of five thousand nearly alike about 4750 stay.")
    apart = torch.tensor([[0.0, -1, -2], [-300, -301, -302]])
    _same(answer, apart, 0.6, "One row lies far below the other.")


@holds("0.5, 0.25, 0.25 at p = 0.5: the first is p already; of four equal ones two are")
def reached(answer: Any) -> None:
    _same(answer, _chances((0.25, 0.5, 0.25)), 0.5, "The likeliest alone adds up to p.")
    found = tensor(answer(torch.zeros(1, 4), 0.5), (1, 4))
    if int(found.isfinite().sum()) != 2:
        raise Broken("Of four that are equal any two stay.", found, "two logits of 0")


@holds("p = 1 keeps everything, and 0.99 and 0.999 do not")
def everything(answer: Any) -> None:
    _same(answer, raw(2, 5, seed=1), 1.0, "Something is gone.")
    tail = _chances((0.9, 0.075, 0.0195, 0.005, 0.0005))
    for p in (0.96, 0.99, 0.999):
        _same(answer, tail, p, f"At p = {p} others should stay.")


@holds("any number of axes, the last of them K")
def axes(answer: Any) -> None:
    _same(answer, 2 * raw(7, seed=2), 0.7, "One row without a batch:")
    _same(answer, 2 * raw(2, 3, 6, seed=3), 0.7, "With two axes before K:")


@holds("what is ruled out stays ruled out, and logits of a thousand are no problem")
def extremes(answer: Any) -> None:
    some = raw(2, 6, seed=4)
    some[:, 3] = -torch.inf
    _same(answer, some, 0.8, "With a -inf in the row others stay.")
    for large in ([1000.0, 999.0, 0.0, -1000.0], [200.0, 150.0, 100.0, 90.0]):
        _same(answer, torch.tensor([large]), 0.9, "With logits of hundreds others stay.")


def _probes() -> list[tuple[Any, ...]]:
    return [
        (_chances((0.1, 0.5, 0.15, 0.25)), 0.6),
        (2 * raw(3, 6, seed=6), 0.7),
        (2 * raw(2, 4, 5, seed=7), 0.4),
        (_chances(ROW), 1e-6),
    ]


MISTAKES = """
the one that reaches p is gone:
        falling, order = logits.sort(dim=-1, descending=True)
        gone = falling.softmax(-1).cumsum(-1) > p
        return logits.masked_fill(gone.scatter(-1, order, gone), -torch.inf)
    The one with which the sum reaches p was thrown out too, so that what stays adds up to less than
    p, and with a small p nothing stays at all. Ask what those *before* it add up to: `cumsum -
    chances`.
the least likely first: .sort(dim=-1, descending=True) => .sort(dim=-1)
    The sum was taken from the least likely up. Sort with `descending=True`.
a threshold on each chance: logits.masked_fill(logits.softmax(-1) < 1 - p, -torch.inf)
    Each chance was compared with a fixed number. How many stay depends on their sum: in a flat row
    many small ones add up to p.
not put back in order: .scatter(-1, order, before >= p) =>
    What is gone was found in the sorted row and applied to the unsorted one. Scatter it back by the
    order that `sort` returns.
gathered back: .scatter(-1, order, before >= p) => .gather(-1, order)
    `gather` with the order sorts once more. Back from sorted to unsorted goes `scatter(-1, order,
    ...)`.
0 for what is gone: torch.where(top_p_filter(logits, p).isinf(), torch.zeros_like(logits), logits)
    A logit of 0 is no chance of 0: after softmax it counts e^0. Rule it out by -inf.
chances: top_p_filter(logits, p).softmax(-1)
    It returns chances. Logits are asked for: those that stay as they were, -inf else.
all rows in one: top_p_filter(logits.flatten(), p).reshape(logits.shape)
    All rows were sorted together, so that a sure row takes the whole sum. Sort, softmax and cumsum
    along the last axis.
sums of logits:
        falling, order = logits.sort(dim=-1, descending=True)
        gone = falling.cumsum(-1) - falling >= p
        return logits.masked_fill(gone.scatter(-1, order, gone), -torch.inf)
    Logits were added up. Chances add up to 1: take the softmax first.
in place: logits.copy_(top_p_filter(logits, p))
    The caller's logits were overwritten, and with guidance they are needed again. `masked_fill`
    makes new ones, `masked_fill_` does not.
sorted: top_p_filter(logits, p).sort(dim=-1, descending=True).values
    It returns the logits in falling order, so that each stands for another code. Keep them at their
    places.
1 - p: top_p_filter(logits, max(1e-9, 1 - p))
    It keeps what adds up to 1 - p. At p = 0.9 nearly everything should stay.
"""

EXERCISE = Task(
    title="Top-p, the nucleus",
    level="core",
    difficulty=3,
    minutes=20,
    stub=STUB,
    reference=top_p_filter,
    formula=by_hand,
    cases=_probes,
    learns=False,
    mistakes=MISTAKES,
    hints=(
        "`falling, order = logits.sort(dim=-1, descending=True)`; chances of `falling` by softmax.",
        "One is gone if those before it add up to p already. What do those before it add up to?",
        "`before = chances.cumsum(-1) - chances`; `gone = (before >= p).scatter(-1, order, before "
        ">= p)`; `logits.masked_fill(gone, -torch.inf)`.",
    ),
)
