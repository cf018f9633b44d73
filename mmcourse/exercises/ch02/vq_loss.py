"""Core: codes move to the encoder, and the encoder keeps to its codes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, close, gradients, holds, raw
from mmcourse.vqvae import losses

STUB = '''
@exercise("ch02.vq_loss")
def vq_loss(z, q, beta=0.25):
    """Pull the codes to what the encoder says, and what the encoder says to its codes.

    z: (N, D), what the encoder said.  q: (N, D), the code that was chosen for each row.
    beta: weight of the second term.
    Returns a scalar tensor in the inputs' dtype, the sum of
    the codebook loss: the mean squared difference of z and q, whose gradient goes to q alone, and
    beta times the commitment loss: the same number, whose gradient goes to z alone.
    The mean is over all N * D numbers.
    """
    raise NotImplementedError
'''


def _one(value: float) -> Tensor:
    return torch.tensor([[value]], dtype=torch.float64)


def _to_z_and_q(answer: Any, z: Tensor, q: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    found = gradients(lambda a, b: answer(a, b, beta), (z, q))
    for name, gradient in zip(("z", "q"), found):
        if gradient is None:
            raise Broken(f"No gradient reaches `{name}`.", "none", "a gradient")
    return found[0], found[1]  # type: ignore[return-value]


@holds("z = 1, q = 3: the codebook loss is 4, and with beta = 0.25 the sum is 5")
def one_number(answer: Any) -> None:
    close(answer(_one(1), _one(3), 0.25), 5.0)
    close(answer(_one(1), _one(3), 2.0), 12.0)


@holds("codes that lie on their vectors cost nothing")
def no_distance(answer: Any) -> None:
    z = raw(3, 2, seed=1)
    close(answer(z, z, 0.25), 0.0)


@holds("the mean is over all numbers: the same rows twice cost as much as once")
def mean(answer: Any) -> None:
    z, q = raw(3, 4, seed=2), raw(3, 4, seed=3)
    expected = 1.25 * sum((a - b) ** 2 for a, b in zip(z.flatten(), q.flatten())) / 12
    close(answer(z, q, 0.25), expected)
    twice = answer(torch.cat((z, z)), torch.cat((q, q)), 0.25)
    close(twice, expected, "With the same rows twice, the loss is another.")


@holds("z = 1, q = 3: the code is pulled down with 2 * (3 - 1) = 4, whatever beta is")
def codes_side(answer: Any) -> None:
    for beta in (0.25, 2.0):
        to_q = _to_z_and_q(answer, _one(1), _one(3), beta)[1]
        close(to_q, _one(4), "The gradient to `q` is wrong.")


@holds("z = 1, q = 3: z is pulled up with beta * 2 * (1 - 3) = -4 beta")
def encoders_side(answer: Any) -> None:
    for beta in (0.25, 2.0):
        to_z = _to_z_and_q(answer, _one(1), _one(3), beta)[0]
        close(to_z, _one(-4 * beta), "The gradient to `z` is wrong.")


def _formula(z: Tensor, q: Tensor, beta: float) -> Tensor:
    codebook, commitment = (z.detach() - q).square(), (z - q.detach()).square()
    return (codebook + beta * commitment).sum() / z.numel()


def _cases() -> list[tuple[Any, ...]]:
    sizes = ((1, 1, 1.0), (4, 3, 2.0), (3, 2, 0.25))
    return [(raw(n, d, seed=n + 4), raw(n, d, seed=n + 5), beta) for n, d, beta in sizes]


MISTAKES = """
the codebook gets no gradient: F.mse_loss(q.detach(), z) + beta * F.mse_loss(z, q.detach())
    Both terms have q detached, so both pull at the encoder, and the codes stay where they were
    drawn. In the codebook loss it is z that is detached.
the encoder gets no gradient: F.mse_loss(q, z.detach()) + beta * F.mse_loss(z.detach(), q)
    Both terms have z detached, so both pull at the codes, and nothing keeps the encoder near them.
    In the commitment loss it is q that is detached.
nothing is detached: F.mse_loss(q, z) + beta * F.mse_loss(z, q)
    The value is right, but each term pulls at both sides, so beta can't weigh one against the
    other: both are pulled with 1 + beta. Detach z in the one, q in the other.
everything is detached: (1 + beta) * F.mse_loss(q.detach(), z.detach())
    The value is right, but nothing can learn from it. Each term detaches one side only.
beta on the codebook's term: beta * F.mse_loss(q, z.detach()) + F.mse_loss(z, q.detach())
    beta weighs the commitment loss, whose gradient goes to z. Here it weighs the codebook's: either
    the two factors or the two detached sides are swapped. At 0.25 the codes would follow too
    slowly, and the encoder would be held too fast.
a sum over everything: losses.vq_loss(z, q, beta) * z.numel()
    The squares were added up, so the loss grows with the batch and the picture, and soon outweighs
    the reconstruction's, which is a mean. Take the mean.
a sum over D: losses.vq_loss(z, q, beta) * z.shape[-1]
    The squares were summed within a row and averaged over rows: D times too much. `F.mse_loss`
    averages over all numbers, and so does this loss.
absolute differences: F.l1_loss(q, z.detach()) + beta * F.l1_loss(z, q.detach())
    These are absolute differences: each pull is as strong as any other, however far the code lies.
    Their squares are asked for, `F.mse_loss`.
lengths: (q - z.detach()).norm() + beta * (z - q.detach()).norm()
    `.norm()` is the root of the sum of squares. The mean of the squares is asked for: no root.
beta unused: losses.vq_loss(z, q, 1.0)
    Both terms weigh the same, whatever beta is. Multiply the commitment loss by it.
beta on both terms: beta * losses.vq_loss(z, q, 1.0)
    beta multiplies the sum of both. Only the commitment loss is weighted.
no commitment loss: F.mse_loss(q, z.detach())
    Only the codes are pulled. Without the second term the encoder's output can grow faster than the
    codes follow. Add beta times the commitment loss.
"""

EXERCISE = Task(
    title="Two losses for one distance",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=losses.vq_loss,
    formula=_formula,
    cases=_cases,
    mistakes=MISTAKES,
    hints=(
        "Both terms have the same value. What tells them apart is which side counts as a "
        "constant, `.detach()`.",
        "The codebook loss moves q: there z is a constant. The commitment loss moves z: there q "
        "is. Which of them does beta weigh?",
        "`F.mse_loss(q, z.detach()) + beta * F.mse_loss(z, q.detach())`.",
    ),
)
