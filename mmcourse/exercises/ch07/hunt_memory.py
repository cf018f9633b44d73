"""Bug hunt: a test that tells a right visual memory from wrong ones."""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.kit import Hunt
from mmcourse.story import tree
from mmcourse.story.tree import path_to

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


def _walking(parents: Any, seen: Any, name: str, at: int) -> Any:
    """Up from the scene, and what is found further up replaces it."""
    found, scene = None, at
    while scene is not None:
        here = [p for s, names, p, fine in seen if s == scene and fine and name in names]
        found = here[0] if here else found
        scene = parents[scene]
    return found


def _in_order(parents: Any, seen: Any, name: str, at: int) -> Any:
    """Down the path, and the first that is met: the one that the broken ones are edits of."""
    for scene in path_to(parents, at):
        for s, names, picture, accepted in seen:
            if s == scene and accepted and name in names:
                return picture
    return None


BUGS = """
it remembers what was undone:
        for scene in path_to(parents, at): =>
            gone = [x[0] for x in seen if x[0] not in parents]
            for scene in [*path_to(parents, at), *gone]:
    - Missed: somebody who never was.
    - Let a picture belong to a scene that parents does not hold.
    - A scene that was undone must not count. The broken one finds its picture.
it remembers another branch:
        for scene in path_to(parents, at): =>
            path = list(path_to(parents, at))
            beside = [s for s in parents if parents[s] in path and parents[s] != at]
            path += [s for s in beside if s not in path]
            for scene in path:
    - Missed: something that happened elsewhere.
    - Let two scenes have one parent, and somebody appear in only one of them.
    - A sibling's pictures must not count. The broken one finds them.
it knows what comes later:
        for scene in path_to(parents, at): =>
            path = list(path_to(parents, at))
            for scene in sorted(parents):
                path += [scene] * (parents[scene] in path[-1:])
            for scene in path:
    - Missed: something that is yet to come.
    - Ask at a scene that another follows, about somebody who first appears in that one.
    - Scenes after `at` must not count. The broken one looks one ahead.
the newest replaces the first: in path_to(parents, at) => in path_to(parents, at)[::-1]
    - Missed: what happens when there are several.
    - Show somebody in two scenes of the path.
    - The earliest scene must win. In the broken one the latest does, so a hero drifts.
of one scene the last is taken: in seen => in seen[::-1]
    - Missed: what happens within a scene.
    - Give one scene two accepted pictures of somebody.
    - The first drawn must win. The broken one takes the last.
the order of drawing instead of the story's:
        in path_to(parents, at) => in [path_to(parents, at)]
        s == scene => s in scene
    - Missed: the order of things.
    - Put a picture of an early scene at the end of the list.
    - The earliest scene must win, whenever it was drawn. The broken one takes the list's first.
rejected pictures count: and accepted =>
    - Missed: a picture that should not be trusted.
    - Put a picture with accepted=False before one with True.
    - What failed its check must not count. The broken one takes it.
whoever it is: and name in names =>
    - Missed: who is in the picture.
    - Ask about somebody who is in none of the pictures, or in a later one only.
    - The name must be among the names. The broken one does not look.
a part of a name is enough: in names: => in " ".join(names):
    - Missed: two who are almost called the same.
    - Put a Pippa before Pip.
    - Names must be equal. The broken one finds Pip in Pippa.
the scene itself is left out: in path_to(parents, at) => in path_to(parents, at)[:-1]
    - Missed: where the path ends.
    - Let somebody appear first at `at` itself.
    - `at` is on the path. The broken one stops before it.
"""

MISTAKES = """
returns its verdict instead of asserting it:
        bool(first_picture({1: None}, [(1, ("Pip",), "a", True)], "Pip", 1) == "a")
    A test that returns False has passed. Write `assert` in front of the comparison.
one scene:
        assert first_picture({1: None}, [(1, ("Pip",), "a", True)], "Pip", 1) == "a"
    With one scene and one picture almost every memory is right. Build a tree with a branch, and
    more pictures than one.
a story without branches:
        seen = [(s, ("Pip",), f"picture {s}", True) for s in (1, 2, 3)]
        assert first_picture({1: None, 2: 1, 3: 2}, seen, "Pip", 3) == "picture 1"
    One line of scenes, each with one accepted picture: undone scenes, siblings and rejected
    pictures never come up.
asks for the latest picture:
        seen = [(s, ("Pip",), f"picture {s}", True) for s in (1, 2, 3)]
        assert first_picture({1: None, 2: 1, 3: 2}, seen, "Pip", 3) == "picture 3"
    The test expects the newest picture. A right memory keeps the first, or a hero changes a little
    with each scene.
    Satisfied by: in path_to(parents, at) => in path_to(parents, at)[::-1]
branches only:
        seen = [(4, ("Wren",), "sibling", True), (1, ("Pip",), "first", True)]
        assert first_picture(PARENTS, seen, "Wren", 3) is None
        assert first_picture(PARENTS, seen, "Pip", 3) == "first"
    Siblings are caught. Now think of time: what was undone, what is yet to come, what was drawn
    late, what was rejected.
never calls the memory:
        assert tree.path_to(PARENTS, 3) == (1, 2, 3)
    The test looks at the tree and never asks the memory anything. Call `first_picture(parents,
    seen, name, at)` and compare.
"""

EXERCISE = Hunt(
    title="Hunt the broken memories",
    difficulty=3,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=tree.first_picture,
    right=(tree.first_picture, _walking, _in_order),
    bugs=BUGS,
    edits=_in_order,
    mistakes=MISTAKES,
    hints=(
        "One tree with a branch and one list of pictures are enough. Put traps into the list.",
        "Somebody who appears only where they must not be found should give None.",
        "Traps: a scene missing in parents, a sibling, a later scene, a rejected picture, a scene "
        "drawn twice, an early scene at the end of the list, Pippa.",
    ),
)
