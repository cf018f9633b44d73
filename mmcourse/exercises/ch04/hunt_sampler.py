"""Bug hunt: a test that tells a right sampler from wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import samplers
from mmcourse.diffusion.samplers import Step
from mmcourse.diffusion.schedule import Level
from mmcourse.exercises.kit import Hunt

STUB = '''
@exercise("ch04.hunt_sampler")
def test_sampler(sampler):
    """Assert what is true of a right deterministic sampler (DDIM), and false of a broken one.

    sampler(predict, x, levels): the sampler on trial, a generator.
    predict: called as predict(state, level), it returns a picture and a noise in the shape of the
    state. You write it: it may keep what it is told.
    x: (B, ...), the state at the first level.
    levels: `Level(t, alpha, sigma)` each, of mmcourse.diffusion, from much noise to none.
    From each level but the last, a right one asks predict about the state there, and goes to the
    next level: alpha x0 + sigma epsilon, with the alpha and sigma of that next level. It yields an
    object with the new state .x, the picture .x0 that predict saw, and its .level.
    Pass on every right one, and fail with an AssertionError on each broken one. The book's `ddim`
    is replaced by the one on trial in here.
    """
    raise NotImplementedError
'''

Sampler = Callable[..., Iterator[Any]]
Predict = Callable[[Tensor, Level], tuple[Tensor, Tensor]]
Walk = Iterator[Step]


def reference_test(sampler: Sampler) -> None:
    """Follow it step by step with a denoiser that looks at its state."""
    told = []

    def predict(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        told.append(level)
        return 2 * torch.sin(3 * x + level[0] / 500), torch.cos(2 * x)

    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    found = list(sampler(predict, x.clone(), LEVELS))
    assert [tuple(level) for level in told] == [tuple(level) for level in LEVELS[:-1]]
    assert len(found) == 3
    for step, (here, there) in zip(found, pairwise(LEVELS)):
        x0, epsilon = predict(x, here)
        x = there.alpha * x0 + there.sigma * epsilon
        assert torch.allclose(step.x, x, atol=1e-4)
        assert torch.allclose(step.x0, x0, atol=1e-4)
        assert tuple(step.level) == tuple(there)


def _taken(x: Tensor, x0: Tensor, level: Level) -> Any:
    """Show a step, and go on from what is sent back, as the book's samplers do."""
    sent = yield Step(x, x0, level)
    return x if sent is None else sent


def _in_pairs(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    """The one that the broken ones are edits of."""
    for here, there in pairwise(levels):
        x0, epsilon = predict(x, here)
        x = yield from _taken(there.alpha * x0 + there.sigma * epsilon, x0, there)


def _by_ratio(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    """By indices, with alpha outside, as those write it who think in sigma / alpha."""
    for i in range(len(levels) - 1):
        picture, noise = predict(x, levels[i])
        _, alpha, sigma = levels[i + 1]
        x = yield from _taken(alpha * (picture + sigma / alpha * noise), picture, levels[i + 1])


LEVELS = [Level(900.0, 0.28, 0.96), Level(500.0, 0.6, 0.8), Level(200.0, 0.8, 0.6), Level(0, 1, 0)]


def still(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
    """Always the same picture and noise."""
    return torch.full_like(x, 2.0), torch.full_like(x, -1.0)


def start() -> Tensor:
    return torch.randn(2, 3, generator=torch.Generator().manual_seed(1))


BUGS = """
the first level is skipped: pairwise(levels) => pairwise(levels[1:])
    - Missed: something about where it begins.
    - Let predict keep the levels that it is asked about. Which is the first?
    - predict must be asked at levels[0] first. The broken one begins at levels[1].
it stops a step early: pairwise(levels) => pairwise(levels[:-1])
    - Missed: something about where it ends.
    - How many steps are there between n levels? What does the last one reach?
    - There must be len(levels) - 1 steps, and the last state is the picture. The broken one leaves
      noise in it.
predict is told the next level: predict(x, here) => predict(x, there)
    - Missed: something about what the denoiser is told.
    - Is predict asked about the level that its state is at?
    - predict(x, level) must get the level of x. The broken one tells where it is going, off by one.
squares for levels: there.alpha * x0 + there.sigma => there.alpha**2 * x0 + (1 - there.alpha**2)
    - Missed: something about how picture and noise are mixed.
    - Compare a state half way with alpha x0 + sigma epsilon.
    - The factors must be alpha and sigma. The broken one takes alpha² and 1 - alpha².
mixed as at this level:
        x0, epsilon => at = here if there.sigma > 0 else there; x0, epsilon
        there.alpha * x0 + there.sigma => at.alpha * x0 + at.sigma
    - Missed: something about the level of the states on the way.
    - How much noise does a state hold after one step?
    - The factors must be those of the next level. The broken one takes this level's, but for the
      last step.
it never moves: x = yield from => yield from
    - Missed: something about what predict is given.
    - Does predict see the state of the step before, or always the same one?
    - Each prediction must be of the newest state. The broken one asks about the first state again
      and again.
new noise at each step: * epsilon => * torch.randn_like(x0)
    - Missed: something that is different each time.
    - Run it twice from the same state. Or compare a state half way.
    - The noise must be the one that predict returned. The broken one draws its own.
a tenth of the noise is lost: there.sigma => 0.9 * there.sigma
    - Missed: something small at every step but the last.
    - Compare every state on the way, not the last one only.
    - sigma epsilon must count whole. The broken one takes nine tenths of it.
pictures are clipped: there.alpha * x0 => there.alpha * x0.clamp(-1, 1)
    - Missed: something that small numbers don't show.
    - Let predict return pictures beyond 1, as latents have them.
    - x0 must be used as it is. The broken one clips it to [-1, 1].
"""

MISTAKES = """
looks at the shape only:
        assert [step.x.shape for step in sampler(still, start(), LEVELS)][-1] == (2, 3)
    All the broken ones yield states of the right shape. Say which numbers they hold.
returns its verdict instead of asserting it:
        bool(torch.allclose(list(sampler(still, start(), LEVELS))[-1].x, torch.tensor(2.0)))
    A test that returns False has passed. Write `assert` in front of the comparison.
the end only:
        end = list(sampler(still, start(), LEVELS))[-1].x
        assert torch.allclose(end, torch.full((2, 3), 2.0), atol=1e-4)
    At the end sigma is 0, and most mistakes are forgotten. Look at every state.
one step only:
        def predict(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
            return 2 + x + level.t / 500, -x

        steps = list(sampler(predict, start(), LEVELS[:2]))
        assert len(steps) == 1
        assert torch.allclose(steps[0].x, 0.6 * (2 + start() + 1.8) - 0.8 * start(), atol=1e-4)
    With two levels there is one step: neither the way between nor the end is seen. Use four levels.
a denoiser that does not look:
        steps = list(sampler(still, start(), LEVELS))
        assert len(steps) == 3
        for step, level in zip(steps, LEVELS[1:]):
            wanted = torch.full((2, 3), 2 * level.alpha - level.sigma)
            assert torch.allclose(step.x, wanted, atol=1e-4)
    predict always says the same, so it can't matter what it is given. Let its answer depend on the
    state and on the level.
compares with the book's own sampler:
        for a, b in zip(sampler(still, start(), LEVELS), samplers.ddim(still, start(), LEVELS)):
            assert torch.allclose(a.x, b.x, atol=1e-4)
    In here that is the sampler on trial as well, so it was compared with itself. Work out each
    state.
asks floats to be equal to the last bit:
        def predict(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
            return torch.sin(3 * x), torch.cos(2 * x)

        x = start()
        for step, level in zip(sampler(predict, x, LEVELS), LEVELS[1:]):
            x = level.alpha * torch.sin(3 * x) + level.sigma * torch.cos(2 * x)
            assert torch.equal(step.x, x)
    The same state computed in another order differs in the last digit. Use `torch.allclose(...,
    atol=1e-4)`.
"""

EXERCISE = Hunt(
    title="Bug hunt: samplers",
    difficulty=3,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=samplers.ddim,
    right=(samplers.ddim, _in_pairs, _by_ratio),
    bugs=BUGS,
    edits=_in_pairs,
    mistakes=MISTAKES,
    hints=(
        "Write a predict that appends its level to a list and returns something that depends on "
        "state and level.",
        "Walk beside it: from x compute the next state yourself, and compare each step.",
        "`levels = [Level(900, 0.28, 0.96), Level(500, 0.6, 0.8), Level(0, 1, 0)]`; for each step "
        "compare .x with alpha x0 + sigma epsilon of the next level.",
    ),
)
