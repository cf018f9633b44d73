"""What is true, and what was seen first, along one path of a tree of scenes.

A tree is told by its parents: {scene: the scene before it, None for the first}. A scene that was
undone is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmcourse.story.facts import Fact

Triple = tuple[str, str, str]
Parents = Mapping[int, int | None]
Seen = tuple[int, Sequence[str], Any, bool]


def path_to(parents: Parents, at: int) -> tuple[int, ...]:
    """The scenes from the first one to `at`.

    Raises:
        ValueError: a scene that is not in the tree.
    """
    path: list[int] = []
    scene: int | None = at
    while scene is not None:
        if scene not in parents:
            raise ValueError(f"this story has no scene {scene}; its scenes are {sorted(parents)}")
        path.append(scene)
        scene = parents[scene]
    return tuple(path[::-1])


def last_told(facts: Iterable[Fact]) -> dict[tuple[str, str], Fact]:
    """Of each kind of fact about each subject the last one, by (subject, attribute)."""
    return {(f.subject, f.attribute): f for f in facts}


def true_at(
    parents: Parents, told: Mapping[int, Sequence[Triple]], at: int
) -> dict[tuple[str, str], tuple[str, int]]:
    """What is true at a scene, and which scene made it true.

    Args:
        parents: each scene's parent, None for the first.
        told: of scenes, the (subject, attribute, value) that they tell, in their order.
        at: a scene.

    Returns:
        {(subject, attribute): (value, scene)}: the last one told along the path to `at`.
    """
    path = path_to(parents, at)
    facts = (Fact(*triple, scene) for scene in path for triple in told.get(scene, ()))
    return {key: (fact.value, fact.scene) for key, fact in last_told(facts).items()}


def first_picture(parents: Parents, seen: Sequence[Seen], name: str, at: int) -> Any:
    """The first accepted picture of somebody along a path: what later ones are held against.

    Args:
        parents: each scene's parent, None for the first.
        seen: (scene, names of those in it, picture, accepted) in the order in which they were
            drawn; an early scene may be drawn again late.
        name: who.
        at: a scene.

    Returns:
        The picture: of the earliest scene on the path to `at`, and of one scene the first drawn.
        None where there is none.
    """
    place = {scene: i for i, scene in enumerate(path_to(parents, at))}
    found = [x for x in seen if x[0] in place and name in x[1] and x[3]]
    return min(found, key=lambda x: place[x[0]])[2] if found else None
