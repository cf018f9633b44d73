"""Stretch: a gradient that is turned as the vector was."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, calls, close, gradients, holds, raw, row
from mmcourse.vqvae import gradient

STUB = '''
@exercise("ch02.rotation_trick")
def rotation_trick(z, q):
    """The value of q, as the rotation and stretching of z that takes it there.

    z: (N, D), what the encoder said.  q: (N, D), the codes that were chosen for it.
    No row is 0, and no row of z points exactly away from its code.
    Returns (N, D) in the inputs' dtype: for each row s R z, where s = |q| / |z| is the stretch and
    R = I - 2 h hT + 2 w uT the rotation (hT and uT are rows), with u = z / |z|, w = q / |q| and
    h = (u + w) / |u + w|. As numbers that is q. For a row, R z is z - 2 h (h.z) + 2 w (u.z): two
    dot products, and no matrix.
    s and R count as constants in the gradient: it reaches z through the last factor alone, so z
    gets s RT g of a gradient g, and q gets none.
    """
    raise NotImplementedError
'''


def _rotation(z: Tensor, q: Tensor) -> Tensor:
    """The rotation of one row as a matrix, another way: turn within the plane of both."""
    u, w = z / z.norm(), q / q.norm()
    turn = torch.outer(w, u) - torch.outer(u, w)
    return torch.eye(len(z), dtype=z.dtype) + turn + turn @ turn / (1 + u @ w)


def by_hand(z: Tensor, q: Tensor, told: Tensor) -> Tensor:
    """What z receives, row by row, where the gradient `told` arrives."""
    rows = [b.norm() / a.norm() * (_rotation(a, b).T @ g) for a, b, g in zip(z, q, told)]
    return torch.stack(rows)


def _received(answer: Any, z: Tensor, q: Tensor, told: Tensor) -> Tensor:
    """What the answer lets z receive."""
    got = gradients(lambda a, b: answer(a, b) * told, (z, q))[0]
    if got is None:
        raise Broken("No gradient reaches `z`.", "none", by_hand(z, q, told))
    return got


@holds("the value is q: z = (1, 0) and q = (0, 2) give (0, 2)")
def value(answer: Any) -> None:
    close(answer(row(1, 0), row(0, 2)), row(0, 2))
    z, q = raw(5, 4, seed=1), 3 * raw(5, 4, seed=2)
    close(answer(z, q), q)


@holds("z = (1, 0), q = (0, 2): a gradient (0, 1), along q, arrives as (2, 0), along z")
def along(answer: Any) -> None:
    got = _received(answer, row(1, 0), row(0, 2), row(0, 1))
    close(got, row(2, 0), "The gradient to `z` is wrong.")


@holds("and a gradient (1, 0) arrives as (0, -2): turned, not mirrored")
def across(answer: Any) -> None:
    got = _received(answer, row(1, 0), row(0, 2), row(1, 0))
    close(got, row(0, -2), "The gradient to `z` is wrong.")


@holds("what stands at a right angle to z and q is stretched and not turned")
def upright(answer: Any) -> None:
    got = _received(answer, row(1, 0, 0), row(0, 2, 0), row(0, 0, 1))
    close(got, row(0, 0, 2), "The gradient to `z` is wrong.")


@holds("where q is 3 z the gradient is 3 times what arrived")
def same_direction(answer: Any) -> None:
    z, told = raw(2, 3, seed=3), raw(2, 3, seed=4)
    close(_received(answer, z, 3 * z, told), 3 * told, "The gradient to `z` is wrong.")


@holds("each row's gradient keeps its angle: to z it is what it was to q")
def angles(answer: Any) -> None:
    z, q, told = raw(4, 3, seed=5), raw(4, 3, seed=6), raw(4, 3, seed=7)
    got = _received(answer, z, q, told)
    expected = F.cosine_similarity(told, q)
    close(F.cosine_similarity(got, z), expected, "The angle is another.")


def _by_matrix(z: Tensor, q: Tensor) -> Tensor:
    """s R z, row by row, with s R as a constant matrix."""
    constant = [(b.norm() / a.norm() * _rotation(a, b)).detach() for a, b in zip(z, q)]
    return torch.stack([matrix @ row for matrix, row in zip(constant, z)])


def _cases() -> list[tuple[Any, ...]]:
    sizes = ((1, 1), (1, 2), (3, 6), (4, 3))
    return [(raw(n, d, seed=n).abs(), 2 * raw(n, d, seed=n + 10).abs()) if d == 1 else
            (raw(n, d, seed=n), 2 * raw(n, d, seed=n + 10)) for n, d in sizes]  # fmt: skip


def _ends() -> list[tuple[Any, ...]]:
    """Vectors that are very short and very long."""
    z, q = raw(3, 4, seed=8).float(), raw(3, 4, seed=9).float()
    return [(1e-5 * z, 1e5 * q), (1e5 * z, 1e-3 * q)]


def _inputs() -> tuple[Any, ...]:
    return raw(3, 4, seed=8), raw(3, 4, seed=9)


MISTAKES = """
straight through: z + (q - z).detach()
    This is the straight-through gradient: it arrives as it is, however far the code lies. Here it
    has to be turned and stretched as z was.
turned and not stretched: turned * stretch => turned
    z was turned to where q points, but has kept its own length. Multiply by |q| / |z|.
nothing held fixed:
        F.normalize(z, dim=1).detach() => F.normalize(z, dim=1)
        F.normalize(q, dim=1).detach() => F.normalize(q, dim=1)
        tiny)).detach() => tiny))
    The value is right, but R and s depend on z and q, and their gradients make up for what z's own
    does: in sum the result is q, and z gets none. Detach u, w and s.
the rotation not held fixed:
        F.normalize(z, dim=1).detach() => F.normalize(z, dim=1)
        F.normalize(q, dim=1).detach() => F.normalize(q, dim=1)
    The value is right and the stretch is a constant, but gradients flow through u and w as well.
    Take them from z.detach() and q.detach().
the stretch not held fixed: tiny)).detach() => tiny))
    The value is right and the rotation is a constant, but a gradient flows through the lengths as
    well, to q too. Detach |q| / |z|.
mirrored in place of turned:
        turned = z - 2 * h * (h * z).sum(1, keepdim=True) + 2 * w * (u * z).sum(1, keepdim=True) =>
            v = F.normalize(u - w, dim=1)
            turned = z - 2 * v * (v * z).sum(1, keepdim=True)
    I - 2 v vT with v along u - w takes u to w too, but it is a reflection: what points across is
    turned round. A rotation is two reflections.
one length for the whole batch:
        z.norm(dim=1, keepdim=True), q.norm(dim=1, keepdim=True) => z.norm(), q.norm()
        F.normalize(z, dim=1).detach() => (z / z.norm()).detach()
        F.normalize(q, dim=1).detach() => (q / q.norm()).detach()
    `.norm()` without a dim is the length of all rows together. Each row has its own:
    `.norm(dim=1, keepdim=True)`.
stretched and not turned: turned * stretch => z * stretch
    z has got the length of q but not its direction. The rotation is missing.
turned the other way: h = F => u, w = w, u; h = F
    This is the rotation from q to z: u and w are swapped. It takes z away from q.
h not of length 1: F.normalize(u + w, dim=1) => u + w
    I - 2 h hT is a reflection only if h has length 1. Divide u + w by its length.
"""

EXERCISE = Task(
    title="The rotation trick",
    level="stretch",
    difficulty=4,
    minutes=25,
    stub=STUB,
    reference=gradient.rotation_trick,
    formula=_by_matrix,
    cases=_cases,
    ends=_ends,
    probe=calls(lambda: [_inputs(), (raw(5, 3, seed=11), 2 * raw(5, 3, seed=12))]),
    mistakes=MISTAKES,
    hints=(
        "No matrix is needed: R z is z - 2 h (h·z) + 2 w (u·z), with the dot products row by row.",
        "What is a constant? u, w and s: compute them from z.detach() and q.detach(). The z that "
        "is turned keeps its gradient.",
        "u = F.normalize(z.detach(), dim=1), w = F.normalize(q.detach(), dim=1), h = "
        "F.normalize(u + w, dim=1). `(h * z).sum(1, keepdim=True)` is h·z. At last multiply by "
        "the lengths' quotient, detached.",
    ),
)
