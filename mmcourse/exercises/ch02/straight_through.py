"""Core: a gradient through a choice that has none."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, close, gradients, holds, raw, row
from mmcourse.vqvae import gradient

STUB = '''
@exercise("ch02.straight_through")
def straight_through(z, q):
    """The value of q with the gradient of z, as if nothing had been chosen.

    z: (N, D), what the encoder said.  q: (N, D), the codes that were chosen for it.
    Returns (N, D) in the inputs' dtype: the numbers of q. Going back, whatever gradient arrives
    at the result arrives at z unchanged, and none arrives at q.
    """
    raise NotImplementedError
'''


@holds("the value is q: z = (1, 2) and q = (3, 5) give (3, 5)")
def value(answer: Any) -> None:
    close(answer(row(1, 2), row(3, 5)), row(3, 5))
    z, q = raw(4, 3, seed=1), raw(4, 3, seed=2)
    close(answer(z, q), q)


def _weighted(answer: Any) -> tuple[list[Tensor | None], Tensor]:
    """Gradients to z and q where a different gradient arrives at each number."""
    told = raw(4, 3, seed=3)
    return gradients(lambda z, q: answer(z, q) * told, (raw(4, 3, seed=4), raw(4, 3, seed=5))), told


@holds("where (10, 20) arrives at the result, z gets (10, 20) and q nothing")
def by_hand(answer: Any) -> None:
    told = row(10, 20)
    to_z, to_q = gradients(lambda z, q: answer(z, q) * told, (row(1, 2), row(3, 5)))
    if to_z is None:
        raise Broken("No gradient reaches `z`.", "none", told)
    close(to_z, told, "(10, 20) arrived; the gradient to `z` is another.")
    if to_q is not None:
        close(to_q, row(0, 0), "(10, 20) arrived, and part of it reaches `q`.")


@holds("no gradient arrives at q: the codebook is moved by its own loss")
def spares_q(answer: Any) -> None:
    (_, to_q), told = _weighted(answer)
    if to_q is not None:
        close(to_q, torch.zeros_like(told), "A gradient reaches `q`.")


@holds("gradients pass where z and q are the same or 0, too")
def corners(answer: Any) -> None:
    z, q = row(0, 2, 3), row(4, 2, 0)
    close(answer(z, q), q)
    (to_z, _) = gradients(lambda a, b: 3 * answer(a, b), (z, q))
    close(to_z, row(3, 3, 3), "The gradient to `z` is not the one that arrived.")


MISTAKES = """
the code as it is: q
    The value is right, but all of the gradient goes to q and none to z, so the encoder would never
    hear of the reconstruction. That is so for q itself, and for z + (q - z) with nothing detached:
    the two z cancel. z must keep its own gradient.
what the encoder said: z
    The gradient is right, but nothing was quantised: the decoder would be trained on z, and see
    codes for the first time when pictures are decoded from their indices.
z and q in each other's place: q + (z - q).detach()
    This has the value of z and the gradient of q. It is the other way round: start from what shall
    have the gradient, and add a difference that counts as a constant.
the codebook gets the gradient too: z + (q - z.detach())
    Only z within the difference is a constant here, so q gets the decoder's gradient as well, and
    the codebook is pulled by two losses. Detach the whole difference.
the wrong half detached: z.detach() + (q - z)
    Here the z that stands alone is the constant, and the difference has the gradients: z gets what
    arrived with its sign turned, and q gets it too. Detach the difference.
no gradient to z: (z + (q - z)).detach()
    The value is right, but nothing arrives at z or q: everything was detached, or of z + q - z only
    q, in which + z and - z cancel. Write z plus what leads from z to q, and detach what is added
    alone.
the difference the wrong way round: z + (z - q).detach()
    z + (z - q) is 2 z - q: a step away from the code. What leads from z to q is q - z.
a factor in place of a sum: z * (q / z).detach()
    z times q / z has the value of q, but the gradient is multiplied by q / z too, which has any
    size and sign, and is NaN where z is 0. What is added changes no gradient.
"""

EXERCISE = Task(
    title="Straight through",
    level="core",
    difficulty=1,
    minutes=10,
    stub=STUB,
    reference=gradient.straight_through,
    formula=lambda z, q: q.detach() + z - z.detach(),
    cases=lambda: [(raw(n, d, seed=n), raw(n, d, seed=n + 1)) for n, d in ((1, 1), (5, 4), (3, 2))],
    mistakes=MISTAKES,
    hints=(
        "Write q as z plus something. For the value, that something matters; for the gradient it "
        "shall be a constant.",
        "`.detach()` gives the same numbers with no way back. What leads from z to q is q - z.",
        "`z + (q - z).detach()`.",
    ),
)
