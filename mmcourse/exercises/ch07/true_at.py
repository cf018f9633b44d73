"""Core: what is true at one scene of a tree."""

from __future__ import annotations

import copy
from typing import Any

from mmcourse.exercises.ch07.plain import same
from mmcourse.exercises.kit import Task, calls, dice, holds
from mmcourse.story import tree

STUB = '''
@exercise("ch07.true_at")
def true_at(parents, told, at):
    """What is true at a scene of a branching story, and which scene made it true.

    parents: {scene: the scene before it}, None for the first; numbers of scenes.
    told: {scene: [(subject, attribute, value), ...]}, what a scene tells, in order. A scene that
    tells nothing may be missing.
    at: the scene.
    Returns {(subject, attribute): (value, scene)}: of each kind of fact about each subject the
    last one told on the path from the first scene to `at`, `at` included, and the scene that told
    it. Numbers of scenes say nothing about their order.
    """
    raise NotImplementedError
'''

PARENTS = {1: None, 2: 1, 5: 2, 3: 1}
TOLD = {
    1: [("Pip", "mood", "sad"), ("scene", "place", "beach")],
    2: [("Pip", "mood", "happy")],
    5: [("scene", "place", "forest")],
    3: [("Pip", "mood", "angry"), ("Wren", "mood", "happy")],
}
RENUMBERED = {9: None, 4: 9, 7: 4, 8: 9}
TOLD_AGAIN = {9: TOLD[1], 4: TOLD[2], 7: [*TOLD[5], *TOLD[3], ("Pip", "mood", "calm")], 8: []}


@holds("one scene: what it tells is true there, and that scene made it true")
def one(answer: Any) -> None:
    same(answer({1: None}, {1: TOLD[1]}, 1),
         {("Pip", "mood"): ("sad", 1), ("scene", "place"): ("beach", 1)})  # fmt: skip


@holds("the last one on the path wins, and what no later scene changed stays")
def latest(answer: Any) -> None:
    same(
        answer(PARENTS, TOLD, 2), {("Pip", "mood"): ("happy", 2), ("scene", "place"): ("beach", 1)}
    )


@holds("what another branch tells is not true here")
def branches(answer: Any) -> None:
    expected = {("Pip", "mood"): ("happy", 2), ("scene", "place"): ("forest", 5)}
    same(answer(PARENTS, TOLD, 5), expected, "Another branch, or a later scene, is heard.")


@holds("what comes after `at` is not true yet")
def later(answer: Any) -> None:
    expected = {("Pip", "mood"): ("sad", 1), ("scene", "place"): ("beach", 1)}
    same(answer(PARENTS, TOLD, 1), expected)


@holds("a scene with a smaller number may come later, and a scene may tell one thing twice")
def numbers(answer: Any) -> None:
    expected = {("Pip", "mood"): ("calm", 7), ("scene", "place"): ("forest", 7),
                ("Wren", "mood"): ("happy", 7)}  # fmt: skip
    same(answer(RENUMBERED, TOLD_AGAIN, 7), expected)


@holds("a scene that tells nothing may be missing, and nothing is changed")
def silent(answer: Any) -> None:
    parents, told = {**PARENTS, 6: 5}, copy.deepcopy(TOLD)
    found = answer(parents, told, 6)
    same(found, {("Pip", "mood"): ("happy", 2), ("scene", "place"): ("forest", 5)})
    same(told, TOLD, "`told` was changed; whoever calls the function still needs it.")


@holds("a scene may have the number 0, a value may be an empty text, a path may be long")
def unusual(answer: Any) -> None:
    parents = {7: None, 0: 7, 3: 0}
    told = {7: [("Pip", "mood", "sad"), ("Pip", "has", "ball")], 0: [("Pip", "has", "")]}
    expected = {("Pip", "mood"): ("sad", 7), ("Pip", "has"): ("", 0)}
    same(answer(parents, told, 3), expected, "Does `if scene` or `if value` leave 0 or '' out?")
    line = {scene: scene - 1 if scene else None for scene in range(500)}
    same(answer(line, {0: TOLD[1]}, 499), answer({0: None}, {0: TOLD[1]}, 0), "It forgot a scene.")


@holds("thirty random trees: each fact is the one that walking up from `at` meets first")
def walking_up(answer: Any) -> None:
    for seed in range(30):
        parents, told = _random(seed)
        at = max(parents)
        expected: dict[Any, Any] = {}
        scene: int | None = at
        while scene is not None:
            for who, what, value in told.get(scene, [])[::-1]:
                expected.setdefault((who, what), (value, scene))
            scene = parents[scene]
        same(answer(parents, told, at), expected)


def _random(seed: int) -> tuple[dict[int, int | None], dict[int, list[Any]]]:
    pick = dice(seed)
    ids = pick.sample(range(1, 40), 8)
    parents = {s: pick.choice(ids[:i]) if i else None for i, s in enumerate(ids)}
    told = {s: [(pick.choice("ABC"), pick.choice("xy"), str(pick.randrange(9))) for _ in range(2)]
            for s in ids}  # fmt: skip
    return parents, told


def _probes() -> list[tuple[Any, ...]]:
    return [(PARENTS, TOLD, 5), (PARENTS, TOLD, 1), (RENUMBERED, TOLD_AGAIN, 7),
            (PARENTS, TOLD, 2), *[(*_random(s), max(_random(s)[0])) for s in (41, 42)]]  # fmt: skip


def _collect(scenes: Any, told: Any) -> dict[Any, Any]:
    return {(who, what): (x, s) for s in scenes for who, what, x in told.get(s, [])}


MISTAKES = """
every scene of the tree: _collect(parents, told)
    All scenes were heard, whatever branch they are on. Walk from `at` to its parent, and on, until
    the parent is None: only those count.
the order of the numbers: _collect(sorted(tree.path_to(parents, at)), told)
    The path was sorted by number. Its order is that of the parents: walk up, then turn the list
    round.
the first one wins: _collect(tree.path_to(parents, at)[::-1], told)
    The path runs from `at` upwards, so the oldest fact was written last and won. Turn the path
    round first.
without the scene itself: _collect(tree.path_to(parents, at)[:-1], told)
    What `at` itself tells is missing: the path ends with it, not before it.
this scene only: _collect([at], told)
    Only what `at` tells is there. What an earlier scene told, and none has changed, is still true.
the scene where it is asked:
        {key: (x, at) for key, (x, _) in tree.true_at(parents, told, at).items()}
    Each fact was given the scene `at`. It wants the scene that told it, which may be many scenes
    ago.
"""

EXERCISE = Task(
    title="True here",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=tree.true_at,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "Which scenes are on the path? Start at `at` and ask `parents` until it says None.",
        "Turn that list round. Then a dictionary does the rest: what is written last stays.",
        "`for scene in path: for who, what, value in told.get(scene, []): "
        "true[who, what] = (value, scene)`.",
    ),
)
