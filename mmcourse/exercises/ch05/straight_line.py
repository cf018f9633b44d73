"""Stretch: what a student of few steps learns from, a straight piece of its teacher's way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.dit import perflow
from mmcourse.exercises.kit import Broken, Task, calls, close, constants, holds, raw, vector

STUB = '''
@exercise("ch05.straight_line")
def straight_line(begun, arrived, t, ends):
    """A state on the straight line through a window of times, and the velocity along it.

    begun: (B, ...), the state at the start of each row's window, its noisier end.
    arrived: (B, ...), where the teacher gets to from there, at the window's end.
    t: (B,), a time in each row's window.
    ends: (start, end), (B,) each; start is the larger time: t = 1 is noise and t = 0 data.
    Returns the state at t, (B, ...): begun where t = start, arrived where t = end; and how fast the
    state changes with t, (B, ...). Both have the gradients of begun and arrived; times are
    constants.
    """
    raise NotImplementedError
'''

Ends = tuple[Tensor, Tensor]


def by_hand(begun: Tensor, arrived: Tensor, t: Tensor, ends: Ends) -> tuple[Tensor, Tensor]:
    """Row by row."""
    states, velocities = [], []
    for a, b, now, start, end in zip(begun, arrived, t, *ends):
        share = (now - end) / (start - end)
        states.append(share * a + (1 - share) * b)
        velocities.append((a - b) / (start - end))
    return torch.stack(states), torch.stack(velocities)


def _two(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list | Tensor) or len(got) != 2:
        raise Broken("Two tensors are asked for, the state and the velocity.", got, "two tensors")
    return got[0], got[1]


def _as_columns(begun: Tensor, arrived: Tensor, t: Tensor, ends: Ends) -> tuple[Tensor, Tensor]:
    velocity = (begun - arrived) / (ends[0] - ends[1])[:, None]  # one axis too few
    return arrived + (t - ends[1])[:, None] * velocity, velocity


@holds("from 5 at t = 1 to 3 at t = 0.75: at 0.875 it is at 4, with a velocity of 8")
def one_row(answer: Any) -> None:
    x, v = _two(
        answer(vector(5)[:, None], vector(3)[:, None], vector(0.875), (vector(1), vector(0.75)))
    )
    close(x, vector(4)[:, None], "The state is wrong.")
    close(v, vector(8)[:, None], "The velocity is wrong.")


@holds("at the start it is where it began, at the end where the teacher arrived")
def at_the_ends(answer: Any) -> None:
    begun, arrived, ends = raw(2, 3, seed=1), raw(2, 3, seed=2), (vector(0.5, 1), vector(0.25, 0.5))
    close(_two(answer(begun, arrived, ends[0], ends))[0], begun, "At the start.")
    close(_two(answer(begun, arrived, ends[1], ends))[0], arrived, "At the end.")


@holds("one step of Euler's from the start, over the whole window, ends where the teacher arrived")
def one_step(answer: Any) -> None:
    begun, arrived, ends = raw(2, 3, seed=3), raw(2, 3, seed=4), (vector(0.5, 1), vector(0.25, 0.4))
    v = _two(answer(begun, arrived, ends[0], ends))[1]
    if isinstance(v, Tensor) and v.shape == begun.shape:
        close(begun + (ends[1] - ends[0])[:, None] * v, arrived)
    else:
        close(v, by_hand(begun, arrived, ends[0], ends)[1])


@holds("rows of different windows and times, of any number of axes")
def any_rows(answer: Any) -> None:
    t, ends = vector(0.9, 0.3, 0.05), (vector(1, 0.5, 0.25), vector(0.75, 0.25, 0))
    for shape in ((3, 3), (3, 2, 3, 3), (3,)):
        args = raw(*shape, seed=5), raw(*shape, seed=6), t, ends
        for mine, right, what in zip(_two(answer(*args)), by_hand(*args), ("state", "velocity")):
            close(mine, right, f"The {what} is wrong.")


def _probes() -> list[tuple[Any, ...]]:
    t, ends = vector(0.9, 0.3, 0.05), (vector(1, 0.5, 0.25), vector(0.75, 0.25, 0))
    late = vector(0.5, 0.6), (vector(0.8, 1), vector(0.2, 0.5))
    return [
        (raw(3, 2, 2, seed=7), raw(3, 2, 2, seed=8), t, ends),
        (raw(2, 2, seed=9), raw(2, 2, seed=10), *late),
    ]


def _narrow() -> list[tuple[Any, ...]]:
    """A window that is a twenty-thousandth wide."""
    rows = (5.3, 1.7, 4), (3.1, 2.6, 9), (0.90003, 0.70001, 0.8), (0.90005, 0.70005, 0.80003)
    begun, arrived, t, start = (vector(*x).float() for x in rows)
    return [(begun, arrived, t, (start, vector(0.9, 0.7, 0.79998).float()))]


MISTAKES = """
state and velocity exchanged: perflow.straight_line(begun, arrived, t, ends)[::-1]
    State and velocity are exchanged: the state comes first.
start and end exchanged: perflow.straight_line(begun, arrived, t, ends[::-1])
    `ends` is (start, end), start first, which is the larger time.
times with one axis: _as_columns(begun, arrived, t, ends)
    That works for (B, D) alone. Make t, start and end (B, 1, ..., 1), with as many axes as `begun`.
the way for the velocity: * velocity, velocity => * velocity, begun - arrived
    begun - arrived is how far it is, not how fast. The window is a part of the time: divide by
    start - end.
the velocity towards the data: * velocity, velocity => * velocity, -velocity
    The velocity is the change with t, and t grows towards the noise: (begun - arrived), since start
    is the larger time. A sampler goes backwards by itself.
mixed as over the whole way:
        (like(t, begun) - end) * velocity, => like(t, begun) * (begun - arrived),
    t itself was taken for the share. Within its window the share is (t - end) / (start - end).
the share of the other end: arrived + (like(t, begun) - end) => begun - (like(t, begun) - end)
    At t = start the state is `arrived`: the two ends are exchanged.
from the start on, in steps of t: arrived + (like(t, begun) - end) => begun + like(t, begun)
    t counts from 0, not from the window's start: begun + (t - start) velocity.
forward from the start: arrived + (like(t, begun) - end) => begun + (start - like(t, begun))
    From begun the way leads to smaller times: t - start, which is below 0.
the share forgotten: arrived + (like(t, begun) - end) * velocity, => begun,
    The state stays at the window's start. The student has to be right all along the line, or two
    half steps would go elsewhere than one.
"""

EXERCISE = Task(
    title="A straight piece",
    level="stretch",
    difficulty=3,
    minutes=20,
    stub=STUB,
    reference=perflow.straight_line,
    formula=by_hand,
    cases=_probes,
    names=("state", "velocity"),
    ends=_narrow,
    through=constants(2, 3),
    probe=calls(_probes, through=constants(2, 3)),
    mistakes=MISTAKES,
    hints=(
        "Make t, start and end columns, (B, 1, ..., 1). Which share of the window lies behind t?",
        "velocity = (begun - arrived) / (start - end); from `arrived` it takes t - end.",
        "`arrived + (t - end) * velocity`, and `velocity`.",
    ),
)
