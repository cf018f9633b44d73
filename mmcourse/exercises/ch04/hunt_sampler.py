"""Bug hunt: a test that tells a right sampler from wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import samplers
from mmcourse.diffusion.schedule import Level
from mmcourse.exercises.ch04 import weak_tests_of_samplers as weak
from mmcourse.exercises.ch04 import wrong_samplers as wrong
from mmcourse.exercises.definition import Hunt, Mutant, Suspect

STUB = '''
@exercise("ch04.hunt_sampler")
def test_sampler(sampler):
    """Assert what is true of a right deterministic sampler (DDIM), and false of a broken one.

    sampler(predict, x, levels): the sampler on trial, a generator.
    predict: called as predict(state, level), it returns a picture and a noise in the shape of the
    state. You write it: it may keep what it is told.
    x: (B, ...), the state at the first level.
    levels: tuples (t, alpha, sigma), from much noise to none; `mmcourse.diffusion.Level` makes one.
    From each level but the last, a right one asks predict about the state there, and goes to the
    next level: alpha x0 + sigma epsilon, with the alpha and sigma of that next level. It yields an
    object with the new state .x, the picture .x0 that predict saw, and its .level.
    Pass on every right one, and fail with an AssertionError on each broken one. The book's `ddim`
    is replaced by the one on trial in here.
    """
    raise NotImplementedError
'''

Sampler = Callable[..., Iterator[Any]]


def reference_test(sampler: Sampler) -> None:
    """Follow it step by step with a denoiser that looks at its state."""
    levels = [
        Level(900.0, 0.28, 0.96), Level(500.0, 0.6, 0.8), Level(200.0, 0.8, 0.6), Level(0, 1, 0),
    ]  # fmt: skip
    told = []

    def predict(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        told.append(level)
        return 2 * torch.sin(3 * x + level[0] / 500), torch.cos(2 * x)

    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    found = list(sampler(predict, x.clone(), levels))
    assert [tuple(level) for level in told] == [tuple(level) for level in levels[:-1]]
    assert len(found) == 3
    for step, (here, there) in zip(found, pairwise(levels)):
        x0, epsilon = predict(x, here)
        x = there.alpha * x0 + there.sigma * epsilon
        assert torch.allclose(step.x, x, atol=1e-4)
        assert torch.allclose(step.x0, x0, atol=1e-4)
        assert tuple(step.level) == tuple(there)


def _by_parts(
    predict: wrong.Predict, x: Tensor, levels: Sequence[Level], *rest: Any
) -> Iterator[samplers.Step]:
    """In a loop over indices."""
    for i in range(len(levels) - 1):
        picture, noise = predict(x, levels[i])
        _, alpha, sigma = levels[i + 1]
        x = yield from wrong.taken(alpha * picture + sigma * noise, picture, levels[i + 1])


def _by_ratio(
    predict: wrong.Predict, x: Tensor, levels: Sequence[Level], *rest: Any
) -> Iterator[samplers.Step]:
    """With alpha outside, as those write it who think in sigma / alpha."""
    return wrong.walk(predict, x, levels, lambda a, b, h, n: n.alpha * (a + n.sigma / n.alpha * b))


EXERCISE = Hunt(
    id="ch04.hunt_sampler",
    title="Bug hunt: samplers",
    level="bug hunt",
    difficulty=3,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=samplers.ddim,
    right=(samplers.ddim, _by_parts, _by_ratio),
    suspects=(
        Suspect(
            "the first level is skipped",
            wrong.skips_the_first,
            (
                "Missed: something about where it begins.",
                "Let predict keep the levels that it is asked about. Which is the first?",
                "predict must be asked at levels[0] first. The broken one begins at levels[1].",
            ),
        ),
        Suspect(
            "it stops a step early",
            wrong.stops_early,
            (
                "Missed: something about where it ends.",
                "How many steps are there between n levels? What does the last one reach?",
                "There must be len(levels) - 1 steps, and the last state is the picture. The "
                "broken one leaves noise in it.",
            ),
        ),
        Suspect(
            "predict is told the next level",
            wrong.told_ahead,
            (
                "Missed: something about what the denoiser is told.",
                "Is predict asked about the level that its state is at?",
                "predict(x, level) must get the level of x. The broken one tells where it is "
                "going, off by one.",
            ),
        ),
        Suspect(
            "squares for levels",
            wrong.squared,
            (
                "Missed: something about how picture and noise are mixed.",
                "Compare a state half way with alpha x0 + sigma epsilon.",
                "The factors must be alpha and sigma. The broken one takes alpha² and 1 - alpha².",
            ),
        ),
        Suspect(
            "mixed as at this level",
            wrong.same_level,
            (
                "Missed: something about the level of the states on the way.",
                "How much noise does a state hold after one step?",
                "The factors must be those of the next level. The broken one takes this level's, "
                "but for the last step.",
            ),
        ),
        Suspect(
            "it never moves",
            wrong.from_the_start,
            (
                "Missed: something about what predict is given.",
                "Does predict see the state of the step before, or always the same one?",
                "Each prediction must be of the newest state. The broken one asks about the first "
                "state again and again.",
            ),
        ),
        Suspect(
            "new noise at each step",
            wrong.new_noise,
            (
                "Missed: something that is different each time.",
                "Run it twice from the same state. Or compare a state half way.",
                "The noise must be the one that predict returned. The broken one draws its own.",
            ),
        ),
        Suspect(
            "a tenth of the noise is lost",
            wrong.fading,
            (
                "Missed: something small at every step but the last.",
                "Compare every state on the way, not the last one only.",
                "sigma epsilon must count whole. The broken one takes nine tenths of it.",
            ),
        ),
        Suspect(
            "pictures are clipped",
            wrong.clipped,
            (
                "Missed: something that small numbers don't show.",
                "Let predict return pictures beyond 1, as latents have them.",
                "x0 must be used as it is. The broken one clips it to [-1, 1].",
            ),
        ),
    ),
    mutants=(
        Mutant(
            "looks at the shape only",
            weak.shape_only,
            "All the broken ones yield states of the right shape. Say which numbers they hold.",
        ),
        Mutant(
            "returns its verdict instead of asserting it",
            weak.returns,
            "A test that returns False has passed. Write `assert` in front of the comparison.",
        ),
        Mutant(
            "the end only",
            weak.end_only,
            "At the end sigma is 0, and most mistakes are forgotten. Look at every state.",
        ),
        Mutant(
            "one step only",
            weak.one_step,
            "With two levels there is one step: neither the way between nor the end is seen. Use "
            "four levels.",
        ),
        Mutant(
            "a denoiser that does not look",
            weak.blind,
            "predict always says the same, so it can't matter what it is given. Let its answer "
            "depend on the state and on the level.",
        ),
        Mutant(
            "compares with the book's own sampler",
            weak.leans,
            "In here that is the sampler on trial as well, so it was compared with itself. Work "
            "out each state.",
        ),
        Mutant(
            "asks floats to be equal to the last bit",
            weak.exact,
            "The same state computed in another order differs in the last digit. Use "
            "`torch.allclose(..., atol=1e-4)`.",
        ),
    ),
    hints=(
        "Write a predict that appends its level to a list and returns something that depends on "
        "state and level.",
        "Walk beside it: from x compute the next state yourself, and compare each step.",
        "`levels = [Level(900, 0.28, 0.96), Level(500, 0.6, 0.8), Level(0, 1, 0)]`; for each step "
        "compare .x with alpha x0 + sigma epsilon of the next level.",
    ),
)
