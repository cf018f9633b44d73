"""Core: RoPE, turn a query or a key by where it stands."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, close, constants, holds, raw, tensor, typed
from mmcourse.nn import rotary

STUB = '''
@exercise("ch05.rotate")
def rotate(x, angles):
    """Turn each pair of numbers of a token by the angle of its place.

    x: (..., T, D), such as queries (B, heads, T, D); D is even.
    angles: (T, D / 2), in radians, or with leading axes that broadcast.
    The pairs are (x[i], x[i + D / 2]), i = 0, ..., D / 2 - 1. (a, b) turned by an angle is
    (a cos - b sin, a sin + b cos).
    Returns the shape and dtype of x, the pairs where they were; sines and cosines are taken of the
    angles as they are, also where their dtype is finer than that of x. Angles are constants; the
    gradient goes to x.
    """
    raise NotImplementedError
'''


def by_hand(x: Tensor, angles: Tensor) -> Tensor:
    """Pair by pair."""
    half = x.shape[-1] // 2
    out = torch.zeros_like(x) + x
    columns = []
    for i in range(2 * half):
        angle = angles[..., i % half]
        a, b = out[..., i % half], out[..., i % half + half]
        columns.append(
            a * angle.cos() - b * angle.sin() if i < half else a * angle.sin() + b * angle.cos()
        )
    return torch.stack(columns, -1)


def _quarter(*turns: float) -> Tensor:
    return math.pi / 2 * torch.tensor([turns], dtype=torch.float64)


@holds("(1, 0) by a quarter of a turn: (0, 1)")
def quarter(answer: Any) -> None:
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    close(answer(x, _quarter(1)), torch.tensor([[0.0, 1.0]]))


@holds("(1, 2, 3, 4): the pairs are (1, 3) and (2, 4)")
def pairs(answer: Any) -> None:
    x = torch.tensor([[1.0, 2, 3, 4]], dtype=torch.float64)
    close(answer(x, _quarter(0, 1)), torch.tensor([[1.0, -4, 3, 2]]))


@holds("an angle of 0 changes nothing, a whole turn neither")
def nothing(answer: Any) -> None:
    x = raw(2, 3, 8, seed=1)
    for angle in (0.0, 2 * math.pi):
        close(answer(x, torch.full((3, 4), angle, dtype=torch.float64)), x)


@holds("no token gets longer or shorter")
def length(answer: Any) -> None:
    x, angles = raw(2, 4, 6, seed=2), 5 * raw(4, 3, seed=3)
    close(tensor(answer(x, angles), (2, 4, 6)).norm(dim=-1), x.norm(dim=-1))


@holds("the product of a query and a key depends on how far apart they stand")
def relative(answer: Any) -> None:
    q, k, w = raw(1, 8, seed=4), raw(1, 8, seed=5), raw(1, 4, seed=6)

    def product(i: float, j: float) -> Tensor:
        return (tensor(answer(q, i * w)) * tensor(answer(k, j * w))).sum()

    close(product(7.0, 4.0), product(3.0, 0.0), "Both moved by 4, the product changed.")


@holds("float32 x, float64 angles: turned by those very angles, and float32 in the end")
def finer_angles(answer: Any) -> None:
    x, angles = raw(2, 3, 8, seed=9).float(), 3e6 + 1e6 * raw(3, 4, seed=10)
    typed(found := answer(x, angles), torch.float32)
    close(found, by_hand(x.double(), angles).float(), "Were the angles rounded before their use?")


def _probes() -> list[tuple[Any, ...]]:
    """Tokens, heads, pictures; angles for all of them, and for each picture its own."""
    shapes = (
        ((3, 2), (3, 1)), ((4, 4), (4, 2)), ((1, 2, 8), (2, 4)), ((3, 3, 3, 4), (3, 2)),
        ((2, 3, 4, 6), (2, 1, 4, 3)), ((2, 3, 4), (2, 3, 2)), ((2, 3, 4, 6), (4, 3)),
    )  # fmt: skip
    return [(raw(*x, seed=7), 5 * raw(*a, seed=8)) for x, a in shapes]


MISTAKES = """
neighbours as pairs:
        x.chunk(2, -1) => x[..., ::2], x[..., 1::2]
        torch.cat([ => torch.stack([
        ], -1).to => ], -1).flatten(-2).to
    The pairs were (x[0], x[1]), (x[2], x[3]), ... as RoFormer has them. Here, as in Llama, a
    number's partner is half of the width away. Mixing the two in one model turns wrong pairs.
neighbours in, halves out: x.chunk(2, -1) => x[..., ::2], x[..., 1::2]
    The pairs were taken as neighbours and put back as halves: the numbers end up in another order.
turned the other way: a * cos - b * sin, a * sin + b * cos => a * cos + b * sin, b * cos - a * sin
    Both sines have the other sign. Queries and keys that are both turned backwards would still
    work, but not with weights trained the other way.
a minus lost: a * cos - b * sin => a * cos + b * sin
    a cos + b sin beside a sin + b cos is no rotation: lengths change. The first has a minus.
a minus too many: a * sin + b * cos => a * sin - b * cos
    The second number's b cos lost its sign: that is a reflection, and an angle of 0 already turns b
    around.
both halves alike: a * sin + b * cos => a * cos - b * sin
    Both halves were given a cos - b sin. The second is a sin + b cos.
sine and cosine exchanged: cos, sin = => sin, cos =
    cos and sin are exchanged: at an angle of 0 nothing may change.
only stretched: a * cos - b * sin, a * sin + b * cos => a * cos, b * cos
    Each number was multiplied by its cosine, and none of its partner was added.
overwritten too early: a * sin + b * cos => (a * cos - b * sin) * sin + b * cos
    The second half was computed from the new a. Keep the old one until both are done.
all by the first token's angles: rotary.rotate(x, angles[..., :1, :])
    All tokens were turned alike, so that places make no difference.
"""

EXERCISE = Task(
    title="Turned by its place",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=rotary.rotate,
    formula=by_hand,
    cases=_probes,
    through=constants(1),
    mistakes=MISTAKES,
    hints=(
        "`a, b = x.chunk(2, -1)` are the first and the second numbers of all pairs.",
        "angles is (T, D / 2), as are a's last two axes: it broadcasts by itself.",
        "`torch.cat([a * cos - b * sin, a * sin + b * cos], -1).to(x.dtype)`.",
    ),
)
