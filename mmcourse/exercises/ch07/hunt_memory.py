"""Bug hunt: a test that tells a right visual memory from wrong ones."""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.ch07 import wrong_memories as wrong
from mmcourse.exercises.definition import Hunt, Mutant, Suspect
from mmcourse.story import tree

STUB = '''
@exercise("ch07.hunt_memory")
def test_memory(first_picture):
    """Assert what is true of a right visual memory, and false of a broken one.

    picture = first_picture(parents, seen, name, at): the memory on trial. A later picture of
    somebody is held against the one that it returns.
    parents: {scene: the scene before it}, None for the first. A scene that was undone is missing.
    seen: [(scene, names, picture, accepted), ...] in the order in which they were drawn. names is a
    tuple of strings, picture anything (a string will do), accepted says whether it passed its
    check. A scene may have none or several, an early one may be drawn again late, and pictures of
    undone scenes are still in the list.
    It returns the first accepted picture with `name` in it: of the earliest scene on the path from
    the first scene to `at`, `at` included; of that scene the first drawn. None if there is none.
    It will be given to you in right and in broken forms. Pass on every right one, and fail with an
    AssertionError on each broken one. The book's `first_picture` is replaced by the one on trial.
    """
    raise NotImplementedError
'''

PARENTS = {1: None, 2: 1, 3: 2, 4: 1, 5: 3}


def reference_test(memory: Any) -> None:
    """One list of pictures with a trap for each mistake."""
    seen = [
        (9, ("Pip", "Fern"), "undone", True),
        (4, ("Pip", "Wren"), "sibling", True),
        (2, ("Pip",), "second", True),
        (1, ("Pippa",), "another", True),
        (1, ("Pip",), "rejected", False),
        (1, ("Pip",), "first", True),
        (1, ("Pip",), "drawn again", True),
        (3, ("Pip", "Quill"), "third", True),
        (5, ("Ash",), "later", True),
    ]
    assert memory(PARENTS, seen, "Pip", 3) == "first"
    assert memory(PARENTS, seen, "Quill", 3) == "third"
    assert memory(PARENTS, seen, "Quill", 5) == "third"
    for name in ("Wren", "Fern", "Ash", "Nobody"):
        assert memory(PARENTS, seen, name, 3) is None
    assert memory(PARENTS, seen, "Pip", 2) == "first"


def never_calls(memory: Any) -> None:
    assert tree.path_to(PARENTS, 3) == (1, 2, 3)


def one_scene(memory: Any) -> None:
    assert memory({1: None}, [(1, ("Pip",), "a", True)], "Pip", 1) == "a"


def returns(memory: Any) -> bool:
    return bool(memory({1: None}, [(1, ("Pip",), "a", True)], "Pip", 1) == "a")


def a_line(memory: Any) -> None:
    """A story without branches, each scene with one accepted picture."""
    seen = [(s, ("Pip",), f"picture {s}", True) for s in (1, 2, 3)]
    assert memory({1: None, 2: 1, 3: 2}, seen, "Pip", 3) == "picture 1"


def latest_expected(memory: Any) -> None:
    seen = [(s, ("Pip",), f"picture {s}", True) for s in (1, 2, 3)]
    assert memory({1: None, 2: 1, 3: 2}, seen, "Pip", 3) == "picture 3"


def only_branches(memory: Any) -> None:
    """Other branches are looked at, and nothing else."""
    seen = [(4, ("Wren",), "sibling", True), (1, ("Pip",), "first", True)]
    assert memory(PARENTS, seen, "Wren", 3) is None
    assert memory(PARENTS, seen, "Pip", 3) == "first"


def _suspect(name: str, broken: Any, *clues: str) -> Suspect:
    return Suspect(name, broken, (f"Missed: {clues[0]}", *clues[1:]))


EXERCISE = Hunt(
    id="ch07.hunt_memory",
    title="Hunt the broken memories",
    level="bug hunt",
    difficulty=3,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=tree.first_picture,
    right=(tree.first_picture, wrong.walking, wrong.in_order),
    suspects=(
        _suspect(
            "it remembers what was undone",
            wrong.remembers_what_was_undone,
            "somebody who never was.",
            "Let a picture belong to a scene that parents does not hold.",
            "A scene that was undone must not count. The broken one finds its picture.",
        ),
        _suspect(
            "it remembers another branch",
            wrong.remembers_a_sibling,
            "something that happened elsewhere.",
            "Let two scenes have one parent, and somebody appear in only one of them.",
            "A sibling's pictures must not count. The broken one finds them.",
        ),
        _suspect(
            "it knows what comes later",
            wrong.knows_the_future,
            "something that is yet to come.",
            "Ask at a scene that another follows, about somebody who first appears in that one.",
            "Scenes after `at` must not count. The broken one looks one ahead.",
        ),
        _suspect(
            "the newest replaces the first",
            wrong.overwrites,
            "what happens when there are several.",
            "Show somebody in two scenes of the path.",
            "The earliest scene must win. In the broken one the latest does, so a hero drifts.",
        ),
        _suspect(
            "of one scene the last is taken",
            wrong.last_of_a_scene,
            "what happens within a scene.",
            "Give one scene two accepted pictures of somebody.",
            "The first drawn must win. The broken one takes the last.",
        ),
        _suspect(
            "the order of drawing instead of the story's",
            wrong.first_drawn,
            "the order of things.",
            "Put a picture of an early scene at the end of the list.",
            "The earliest scene must win, whenever it was drawn. The broken one takes the list's "
            "first.",
        ),
        _suspect(
            "rejected pictures count",
            wrong.takes_the_rejected,
            "a picture that should not be trusted.",
            "Put a picture with accepted=False before one with True.",
            "What failed its check must not count. The broken one takes it.",
        ),
        _suspect(
            "whoever it is",
            wrong.anybody,
            "who is in the picture.",
            "Ask about somebody who is in none of the pictures, or in a later one only.",
            "The name must be among the names. The broken one does not look.",
        ),
        _suspect(
            "a part of a name is enough",
            wrong.part_of_a_name,
            "two who are almost called the same.",
            "Put a Pippa before Pip.",
            "Names must be equal. The broken one finds Pip in Pippa.",
        ),
        _suspect(
            "the scene itself is left out",
            wrong.forgets_here,
            "where the path ends.",
            "Let somebody appear first at `at` itself.",
            "`at` is on the path. The broken one stops before it.",
        ),
    ),
    mutants=(
        Mutant(
            "returns its verdict instead of asserting it",
            returns,
            "A test that returns False has passed. Write `assert` in front of the comparison.",
        ),
        Mutant(
            "one scene",
            one_scene,
            "With one scene and one picture almost every memory is right. Build a tree with a "
            "branch, and more pictures than one.",
        ),
        Mutant(
            "a story without branches",
            a_line,
            "One line of scenes, each with one accepted picture: undone scenes, siblings and "
            "rejected pictures never come up.",
        ),
        Mutant(
            "asks for the latest picture",
            latest_expected,
            "The test expects the newest picture. A right memory keeps the first, or a hero "
            "changes a little with each scene.",
            satisfied_by=wrong.overwrites,
        ),
        Mutant(
            "branches only",
            only_branches,
            "Siblings are caught. Now think of time: what was undone, what is yet to come, what "
            "was drawn late, what was rejected.",
        ),
        Mutant(
            "never calls the memory",
            never_calls,
            "The test looks at the tree and never asks the memory anything. Call "
            "`first_picture(parents, seen, name, at)` and compare.",
        ),
    ),
    hints=(
        "One tree with a branch and one list of pictures are enough. Put traps into the list.",
        "Somebody who appears only where they must not be found should give None.",
        "Traps: a scene missing in parents, a sibling, a later scene, a rejected picture, a scene "
        "drawn twice, an early scene at the end of the list, Pippa.",
    ),
)
