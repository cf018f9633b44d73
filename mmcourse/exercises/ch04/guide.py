"""Core: classifier-free guidance."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcourse.diffusion import guidance
from mmcourse.exercises.kit import Task, calls, close, holds, raw, row

STUB = '''
@exercise("ch04.guide")
def guide(unconditional, conditional, scale):
    """Go from what a denoiser says without words towards what it says with them, and beyond.

    unconditional: (B, ...), its answer without words.
    conditional: the same shape, its answer with words.
    scale: a number. 0 gives the answer without words, 1 the answer with them, and 3 goes three
    times as far from the first as the second is.
    Returns the same shape and dtype, with gradients.
    """
    raise NotImplementedError
'''


@holds("without words 2, with words 5, scale 3: three times the way from 2 to 5 is 11")
def one_number(answer: Any) -> None:
    close(answer(row(2.0), row(5.0), 3.0), row(11.0))


@holds("scale 1 is off: the answer with words, as it is")
def off(answer: Any) -> None:
    u, c = raw(2, 3, seed=1), raw(2, 3, seed=2)
    close(answer(u, c, 1.0), c, "With scale 1 it is not the answer with words.")


@holds("scale 0 leaves the answer without words")
def without(answer: Any) -> None:
    u, c = raw(2, 3, seed=3), raw(2, 3, seed=4)
    close(answer(u, c, 0.0), u, "With scale 0 it is not the answer without words.")


@holds("where both answers agree, no scale changes anything")
def agree(answer: Any) -> None:
    u = raw(2, 3, seed=5)
    for scale in (0.5, 7.5, -1.0):
        close(answer(u, u.clone(), scale), u, "Both agree, and yet it is something else.")


def _cases() -> list[tuple[Any, ...]]:
    shapes: list[tuple[tuple[int, ...], float]]
    shapes = [((1,), 2.0), ((4,), 7.5), ((2, 4, 3, 3), 0.3), ((1, 8, 2, 4, 4), -7.0)]
    shapes += [((2, 3), 1.0), ((2, 3), 250.0), ((3,), 1.234), ((2, 4, 2, 2), 2.5)]
    return [(raw(*s, seed=30), raw(*s, seed=31), scale) for s, scale in shapes]


def _formula(u: Tensor, c: Tensor, scale: float) -> Tensor:
    return (1 - scale) * u + scale * c


def _probes() -> list[tuple[Any, ...]]:
    return [_cases()[-1], (raw(2, 4, seed=32), raw(2, 4, seed=33), 4.0)]


MISTAKES = """
the paper's other scale: unconditional + scale => conditional + scale
    That is the paper's (1 + w) c - w u, in which w = 0 is off. Here scale = 1 + w, and 1 is off:
    who mixes the two forms guides by one too much.
the answers swapped: conditional + scale * (unconditional - conditional)
    It starts with words and goes towards the answer without them: a larger scale listens less.
    Start at the unconditional answer.
away from the words: unconditional + scale => unconditional - scale
    The sign of the step is wrong: it goes from the words to their opposite.
the answer added, not the difference: (conditional - unconditional) => conditional
    What the words changed is the difference of both answers. Adding the whole conditional answer
    counts what both share twice.
one answer made larger: scale * conditional
    The conditional answer was multiplied, so everything grows, not only what the words changed.
    Where do you use the unconditional one?
the difference alone: unconditional + scale => scale
    This is the step without the place that it starts from. Add the unconditional answer.
clipped to [-1, 1]: guidance.guide(unconditional, conditional, scale).clamp(-1, 1)
    The result was clipped. What is guided is a noise or a velocity, whose numbers go beyond 1; only
    finished pictures end there.
three channels only:
        if unconditional.ndim < 2:
            return guidance.guide(unconditional, conditional, scale)
        guided = guidance.guide(unconditional[:, :3], conditional[:, :3], scale)
        return torch.cat([guided, conditional[:, 3:]], 1)
    Only the first three channels are guided. Latents have more than pictures have colours: guide
    them all.
"""

EXERCISE = Task(
    title="Guidance",
    level="core",
    difficulty=1,
    minutes=5,
    stub=STUB,
    reference=guidance.guide,
    formula=_formula,
    cases=_cases,
    ends=lambda: [(1e6 * row(1, -3).float(), 1e4 * row(-2, 1).float(), 7.5)],
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "What did the words change? Take that difference.",
        "Start at the unconditional answer, and add the difference, scale times.",
        "`unconditional + scale * (conditional - unconditional)`.",
    ),
)
