"""Questions that nobody can answer without looking.

In a scene drawn at random most answers can be guessed: there is usually no elephant, and "how many
bears?" is mostly answered "0". So the order is turned round: first the question's words, then its
answer, each answer as likely as any other, and then a scene in which that answer is true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from mmcourse.storyworld.language.questions import KINDS, TEMPLATES, Content, Question, Template
from mmcourse.storyworld.world.sampling import Dice, sample_scene
from mmcourse.storyworld.world.scene import Scene

POOL = 4000
"""How many scenes a block of as many questions is asked about."""


@dataclass(frozen=True)
class Asked:
    """A question, the scene that it is about, and how many answers were equally likely."""

    question: Question
    scene: Scene
    choices: int


@lru_cache(maxsize=2)
def _pool(split: str, seed: int, block: int) -> tuple[Scene, ...]:
    start = block * POOL
    return tuple(sample_scene(split, i, seed) for i in range(start, start + POOL))


@lru_cache(maxsize=2000)
def _found(
    where: tuple[str, int, int], template: int, content: tuple[tuple[str, str], ...]
) -> dict[str, list[int]]:
    """Scenes of the pool by the true answer to one question."""
    by_answer: dict[str, list[int]] = {}
    asked: Content = dict(content)
    for i, scene in enumerate(_pool(*where)):
        answer = TEMPLATES[template].truth(scene, asked)
        if answer is not None:
            by_answer.setdefault(answer, []).append(i)
    return by_answer


def sample_question(kind: str, split: str, index: int, seed: int = 0) -> Asked:
    """Question `index` of a kind: a pure function of (kind, split, index, seed).

    Given the question's words every answer is equally likely (combinations that a split holds out
    cannot be answers there). Of kind "unanswerable", half have an answer and half have none.

    Raises:
        ValueError: a kind or split that does not exist, or a negative index.
    """
    if kind not in KINDS:
        raise ValueError(f"question kind {kind!r} does not exist; choose one of {KINDS}")
    if index < 0:
        raise ValueError(f"index must be 0 or more, got {index}")
    dice = Dice("question", seed, kind, split, index)
    doubt = kind == "unanswerable"
    choices = [i for i, t in enumerate(TEMPLATES) if t.kind == kind or (doubt and _refers(t))]
    where = (split, seed, index // POOL)
    answers: list[str] = []
    while len(answers) < 2:  # a question with one answer in this split gives itself away
        number = dice.pick(choices)
        template = TEMPLATES[number]
        content = dice.pick(template.contents())
        by_answer = _found(where, number, tuple(content.items()))
        # An answer that fewer scenes have would show the same few pictures again and again.
        answers = sorted(a for a, scenes in by_answer.items() if len(scenes) >= 3)
    if doubt:
        gone = dice.chance(0.5)
        kept = [a for a in answers if a.startswith("there is no ") == gone]
        answer, n = dice.pick(kept or answers), 2
    else:
        answer, n = dice.pick(answers), len(answers)
    scene = _pool(*where)[dice.pick(by_answer[answer])]
    form = int(dice.pick(range(len(template.forms))))
    question = template.question(content, answer, form)
    return Asked(replace(question, kind=kind) if doubt else question, scene, n)


def _refers(template: Template) -> bool:
    return any(k in ("who", "what") for k in template.slots)
