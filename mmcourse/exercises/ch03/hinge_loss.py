"""Core: what a critic wants, and when it is content."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, calls, close, gradients, holds, raw, vector
from mmcourse.vqgan.losses import hinge_discriminator_loss

STUB = '''
@exercise("ch03.hinge_loss")
def hinge_loss(real, fake):
    """The critic's hinge loss: real patches above 1, drawn ones below -1, and no more than that.

    real: logits of pictures of the data, any shape, such as (B, 1, h, w).
    fake: logits of drawn pictures, any shape.
    Returns a scalar tensor in the inputs' dtype, the sum of two means: over the real patches, of
    how far each lies below 1, and over the drawn ones, of how far each lies above -1. A patch on
    its right side of that margin costs nothing, however far beyond it lies.
    """
    raise NotImplementedError
'''


@holds("real at 2 and drawn at -2 cost nothing; both at 0 cost 1 and 1")
def content(answer: Any) -> None:
    close(answer(vector(2), vector(-2)), 0.0)
    close(
        answer(vector(1e9), vector(-1e9)), 0.0, "However far beyond the margin, it costs nothing."
    )
    close(answer(vector(0), vector(0)), 2.0)


@holds("real at 0.25 costs 0.75, drawn at 0.5 costs 1.5")
def each_side(answer: Any) -> None:
    close(answer(vector(0.25), vector(-9)), 0.75, "The cost of a real patch is wrong.")
    close(answer(vector(9), vector(0.5)), 1.5, "The cost of a drawn patch is wrong.")


@holds("each patch has a margin of its own: 3 does not make up for -1")
def by_patch(answer: Any) -> None:
    close(answer(vector(3, -1), vector(-9)), 1.0)
    close(answer(vector(9), vector(-3, 1)), 1.0)


@holds("each kind has a mean of its own, whatever their numbers")
def two_means(answer: Any) -> None:
    close(answer(vector(0, 0, 0), vector(1)), 1 + 2.0)
    close(answer(vector(0), vector(1, 1, 1, 1, -3)), 1 + 1.6)


@holds("on the wrong side it grows by as much as the logit: 1,000 off costs 1,001")
def linear(answer: Any) -> None:
    close(answer(vector(-1000), vector(-9)), 1001.0)
    close(answer(vector(9).float(), vector(1000).float()), 1001.0)


@holds("within the margin each patch is pulled equally, beyond it not at all")
def pulls(answer: Any) -> None:
    found = gradients(lambda *x: answer(*x), (vector(2, 0.5, -4, 3), vector(-3, 0.25)))
    expected = (vector(0, -0.25, -0.25, 0), vector(0, 0.5))
    for name, got, right in zip(("real", "fake"), found, expected):
        if got is None:
            raise Broken(f"No gradient reaches `{name}`.", "none", right)
        close(got, right, f"The gradient to `{name}` is wrong.")


def _formula(real: Tensor, fake: Tensor) -> Tensor:
    return (1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()


def _cases() -> list[tuple[Any, ...]]:
    shapes = (((1,), (1,)), ((2, 1, 3, 4), (3, 1, 2, 2)), ((2, 1, 3, 3), (2, 1, 3, 3)))
    return [(raw(*a, seed=len(a)), raw(*b, seed=len(b) + 1)) for a, b in shapes]


def _probes() -> list[tuple[Any, ...]]:
    return [
        (raw(2, 1, 3, 3, seed=5), raw(2, 1, 3, 3, seed=6)),
        (3 * raw(5, seed=7), 3 * raw(2, seed=8)),
        (vector(3, -1), vector(-3, 1)),
    ]


MISTAKES = """
no hinge: fake.mean() - real.mean()
    This has no floor: the critic gains without end by making its logits larger, and patches that it
    already tells apart pull as hard as the others. Cut each patch off at 0 with `F.relu`.
signs swapped: F.relu(1 + real).mean() + F.relu(1 - fake).mean()
    The critic is asked to put real patches below -1 and drawn ones above 1. Real: 1 - logit. Drawn:
    1 + logit.
the mean within the hinge: F.relu(1 - real.mean()) + F.relu(1 + fake.mean())
    The mean was taken first, so that one patch far on the right side pays for another on the wrong
    one. Each patch has a hinge of its own; the mean comes last.
halved: hinge_discriminator_loss(real, fake) / 2
    This is half of it. Some code halves the sum, and so halves the critic's learning rate; here the
    sum of both means is asked for.
no margin: F.relu(-real).mean() + F.relu(fake).mean()
    The critic is content as soon as the sign is right, at logits of 0.001. The margin is 1: a real
    patch below 1 still costs, a drawn one above -1 too.
sums: F.relu(1 - real).sum() + F.relu(1 + fake).sum()
    The patches were added up, so the loss grows with the picture and the batch. Take the mean of
    each kind.
one mean over both kinds: torch.cat([F.relu(1 - real).flatten(), F.relu(1 + fake).flatten()]).mean()
    Both kinds went into one mean: it is half of the sum where there are as many of each, and leans
    to the more numerous kind where not. Take two means, and add them.
cross-entropy: F.softplus(-real).mean() + F.softplus(fake).mean()
    This is the loss of the original GAN, which goes on pulling however sure the critic is. The
    hinge is 0 beyond the margin, and straight before it.
squared: F.relu(1 - real).square().mean() + F.relu(1 + fake).square().mean()
    The hinge was squared, so that patches far off pull hardest. Each patch within the margin should
    be pulled equally.
the minus too much: -hinge_discriminator_loss(real, fake)
    The sign is turned: minimising this makes the critic worse. (With torch.minimum(0, -1 + real) as
    in the paper, the minus belongs in front of the mean.)
the drawn logits detached: hinge_discriminator_loss(real, fake.detach())
    It is the pictures that are detached before the critic sees them. Detach its logits, and it
    learns nothing from drawn pictures.
the loss of whoever draws: -fake.mean()
    That is what the generator minimises in its own turn. The critic's loss compares both kinds.
"""

EXERCISE = Task(
    title="The critic's hinge loss",
    level="core",
    difficulty=1,
    minutes=10,
    stub=STUB,
    reference=hinge_discriminator_loss,
    formula=_formula,
    cases=_cases,
    ends=lambda: [(a * vector(-1, 2, 0.5).float(), a * vector(1, -3).float()) for a in (3e6, 1e30)],
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "For a single real logit: 0 if it is 1 or more, else how much is missing to 1.",
        "`F.relu(1 - real)` is that, for all of them at once. For drawn ones the margin lies at "
        "-1.",
        "`F.relu(1 - real).mean() + F.relu(1 + fake).mean()`.",
    ),
)
