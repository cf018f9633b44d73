"""Core: a codebook that follows the encoder as a running mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, calls, close, column, each, holds, raw, vector
from mmcourse.vqvae import ema

STUB = '''
@exercise("ch02.ema_update")
def ema_update(counts, sums, rows, index, decay, epsilon):
    """One step of a codebook whose codes are running means of the vectors that choose them.

    counts: (K,), the running mean of how many rows of a batch choose each code.
    sums: (K, D), the running mean of what those rows add up to.
    rows: (N, D), this batch.  index: (N,) int64, the code that each row chose.
    decay: share of the old that is kept.  epsilon: of the Laplace smoothing.
    Returns new tensors (counts, sums, codebook), in the inputs' dtype:
    counts: decay times the old, plus 1 - decay times how many rows chose each code.
    sums: decay times the old, plus 1 - decay times the sum of the rows that chose each code.
    codebook: (K, D), new sums divided by new counts, smoothed so that none is 0. With n the sum
    of the new counts, the smoothed ones are (counts + epsilon) / (n + K * epsilon) * n.
    """
    raise NotImplementedError
'''

Three = tuple[Tensor, Tensor, Tensor]
NAMES = ("counts", "sums", "codebook")


def by_hand(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    """Code by code."""
    new = torch.zeros_like(counts), torch.zeros_like(sums), torch.zeros_like(sums)
    for k in range(len(counts)):
        chose = [row for row, i in zip(rows, index.tolist()) if i == k]
        total = sum(chose, torch.zeros_like(sums[k]))
        new[0][k] = decay * counts[k] + (1 - decay) * len(chose)
        new[1][k] = decay * sums[k] + (1 - decay) * total
    n = new[0].sum()
    for k in range(len(counts)):
        smooth = (new[0][k] + epsilon) / (n + len(counts) * epsilon) * n
        new[2][k] = new[1][k] / smooth
    return new


def _same(answer: Any, inputs: tuple[Any, ...], expected: Three) -> None:
    each(answer(*inputs), expected, NAMES, "")


def _inputs(seed: int = 0, epsilon: float = 1e-5, decay: float = 0.9) -> tuple[Any, ...]:
    """Five codes, of which 3 is chosen often and 4 never."""
    index = torch.tensor([3, 0, 3, 1, 3, 2, 0])
    counts = raw(5, seed=seed).abs() + 0.5
    return counts, raw(5, 2, seed=seed + 1), 2 * raw(7, 2, seed=seed + 2), index, decay, epsilon


@holds("one code at 2, one row at 6, decay 0.5: the sum moves halfway, to 4, and so does the code")
def one_code(answer: Any) -> None:
    inputs = vector(1), column(2), column(6), torch.tensor([0]), 0.5, 0.0
    _same(answer, inputs, (vector(1), column(4), column(4)))


@holds("two rows that choose the same code both count: 1 and 5 add 6 to the sum and 2 to the count")
def both_count(answer: Any) -> None:
    inputs = vector(2, 2), column(0, 8), column(1, 5), torch.tensor([0, 0]), 0.5, 0.0
    _same(answer, inputs, (vector(2, 1), column(3, 4), column(1.5, 4)))


@holds("with decay 1 nothing moves, with decay 0 a code is the mean of its rows")
def ends(answer: Any) -> None:
    inputs = vector(2, 1), column(8, 3), column(1, 2, 9), torch.tensor([0, 0, 1])
    _same(answer, (*inputs, 1.0, 0.0), (inputs[0], inputs[1], column(4, 3)))
    _same(answer, (*inputs, 0.0, 0.0), (vector(2, 1), column(3, 9), column(1.5, 9)))


@holds("a code that nobody chooses loses count and sum alike, and stays where it is")
def left_alone(answer: Any) -> None:
    inputs = vector(2, 3), column(8, 3), column(1), torch.tensor([1]), 0.5, 0.0
    counts, sums, codebook = answer(*inputs)
    close(counts[0], 1.0, "`counts` of the code that nobody chose is wrong.")
    close(sums[0], vector(4), "`sums` of the code that nobody chose is wrong.")
    close(codebook[0], vector(4), "The code that nobody chose has moved.")


@holds("a code whose count is 0 stays finite: that is what epsilon is for")
def never_chosen(answer: Any) -> None:
    inputs = vector(0, 4), column(0, 8), column(3), torch.tensor([1]), 0.5, 0.1
    found = answer(*inputs)[2]
    if not bool(torch.isfinite(found).all()):
        raise Broken("The codebook is not finite.", found, by_hand(*inputs)[2])


@holds("smoothing moves counts towards each other and keeps their total: epsilon 1, by hand")
def smoothing(answer: Any) -> None:
    inputs = vector(1, 3), column(6, 6), column(6, 6), torch.tensor([1, 1]), 1.0, 1.0
    # (1 + 1) / 6 * 4 and (3 + 1) / 6 * 4: 4/3 and 8/3, together 4 as before
    _same(answer, inputs, (vector(1, 3), column(6, 6), column(4.5, 2.25)))


def _cases() -> list[tuple[Any, ...]]:
    one = vector(1), raw(1, 3, seed=1), raw(1, 3, seed=2), torch.tensor([0]), 0.9, 1e-5
    return [one, _inputs(10, 0.3, 0.9), _inputs(20, 0.0, 0.5), _inputs(0, 1e-5, 0.99)]


def _ends() -> list[tuple[Any, ...]]:
    """Far from the origin, and counts that are large or all but gone."""
    found = []
    for counts, offset in ((1e-6, 0.0), (1e6, 1000.0), (1.0, -1000.0)):
        _, sums, rows, index, _, _ = _inputs(50)
        many = torch.full((5,), counts)
        found.append(
            (many, (sums + offset).float() * counts, (rows + offset).float(), index, 0.9, 1e-5)
        )
    return found


def _probes() -> list[tuple[Any, ...]]:
    starved = vector(0, 4), column(0, 8), column(3), torch.tensor([1]), 0.5, 0.1
    return [_inputs(30), _inputs(40, 0.5, 0.7), starved]


def _written_out(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    """The one that wrong answers are edits of."""
    here = torch.zeros_like(counts).index_add(0, index, torch.ones_like(rows[:, 0]))
    total = torch.zeros_like(sums).index_add(0, index, rows)
    counts, sums = decay * counts + (1 - decay) * here, decay * sums + (1 - decay) * total
    smooth = (counts + epsilon) / (counts.sum() + len(counts) * epsilon) * counts.sum()
    return counts, sums, sums / smooth[:, None]


MISTAKES = """
no smoothing: / smooth[:, None] => / counts[:, None]
    Counts and sums are right, but the codebook divides by the counts as they are. A code that
    nobody chooses falls to a count of 0, and 0 / 0 is NaN. Divide by the smoothed counts.
clamped in place of smoothed: / smooth[:, None] => / counts.clamp(min=epsilon)[:, None]
    No count is below epsilon now, so nothing is divided by 0, but the other counts were left as
    they are. Smoothing adds epsilon to all K counts and scales them back to the total that they
    had.
decay and 1 - decay swapped: ema.ema_update(counts, sums, rows, index, 1 - decay, epsilon)
    decay is the share of the old that is kept. Swapped, with 0.99 each code jumps to the last batch
    at once, and the running mean remembers nothing.
the mean of the rows in place of their sum: * total => * total / here.clamp(min=1)[:, None]
    `sums` follows the sum of the rows that chose a code. Their mean is divided by the count once
    already, and the codebook divides by it again.
sums that do not decay: decay * sums => sums
    The old sums were kept in full while the old counts were not, so codes grow from step to step.
    Both are multiplied by decay.
the batch at full weight:
        (1 - decay) * here => here
        (1 - decay) * total => total
    The new batch is weighted by 1 - decay, or count and sum grow to 1 / (1 - decay) times what one
    batch holds, and mean no more what restarts compare them with.
the codebook of this batch alone: sums / smooth[:, None] => ema.running_means(here, total, epsilon)
    The running statistics are right, but the codebook was made of this batch's counts and sums:
    codes jump with each batch, and those nobody chose go to 0.
divided by shares: * counts.sum() =>
    (counts + epsilon) / (n + K * epsilon) sums to 1, so the codes come out n times too long. Times
    n, the smoothed counts have the same total as the counts.
epsilon added, and no more: smooth[:, None] => (counts + epsilon)[:, None]
    counts + epsilon is never 0, but it adds up to K * epsilon more than the counts do, which draws
    all codes towards 0. Multiply by n / (n + K * epsilon).
smoothed counts kept:
        counts, sums, codebook = ema.ema_update(counts, sums, rows, index, decay, epsilon)
        n = counts.sum()
        return (counts + epsilon) / (n + len(counts) * epsilon) * n, sums, codebook
    The counts that were returned are the smoothed ones. If they are carried on, they are smoothed
    anew in each step. Smooth for the division alone.
each code counted once:
        counts, sums = =>
            here, total = 0 * here, 0 * total
            here[index] += 1
            total[index] += rows
            counts, sums =
    `x[index] += y` writes each place once, however often it stands in `index`: of the rows that
    chose one code all but one are lost. `index_add` adds them all up.
written into what was given:
        ema.add_batch_(counts, sums, rows, index, decay)
        return counts, sums, ema.running_means(counts, sums, epsilon)
    The numbers are right, but the old counts and sums were overwritten (`mul_`, `lerp_`, `+=`). New
    tensors are asked for.
"""

EXERCISE = Task(
    title="Codes as running means",
    level="core",
    difficulty=3,
    minutes=20,
    stub=STUB,
    reference=ema.ema_update,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    names=NAMES,
    learns=False,
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    edits=_written_out,
    hints=(
        "First how many rows chose each code, (K,), and what they add up to, (K, D). Several rows "
        "may choose the same one.",
        "`torch.bincount(index, minlength=K)` counts (as integers), and "
        "`torch.zeros_like(sums).index_add(0, index, rows)` adds up. Or one-hot rows: "
        "`one_hot = F.one_hot(index, K).to(rows.dtype)`, `one_hot.sum(0)`, `one_hot.T @ rows`.",
        "new = decay * old + (1 - decay) * batch, for both. n = counts.sum(); smooth = (counts + "
        "epsilon) / (n + K * epsilon) * n; codebook = sums / smooth[:, None].",
    ),
)
