"""Broken visual memories: the suspects of a bug hunt, and right ones that are written otherwise."""

from __future__ import annotations

from typing import Any

from mmcourse.story.tree import path_to


def walking(parents: Any, seen: Any, name: str, at: int) -> Any:
    """Right: up from the scene, and what is found further up replaces it."""
    found, scene = None, at
    while scene is not None:
        here = [p for s, names, p, fine in seen if s == scene and fine and name in names]
        found = here[0] if here else found
        scene = parents[scene]
    return found


def in_order(parents: Any, seen: Any, name: str, at: int) -> Any:
    """Right: down the path, and the first that is met."""
    for scene in path_to(parents, at):
        for s, names, picture, accepted in seen:
            if s == scene and accepted and name in names:
                return picture
    return None


def _among(path: Any, seen: Any, name: str) -> list[Any]:
    return [x for x in seen if x[0] in path and x[3] and name in x[1]]


def _first(found: list[Any], path: Any) -> Any:
    return min(found, key=lambda x: path.index(x[0]))[2] if found else None


def remembers_what_was_undone(parents: Any, seen: Any, name: str, at: int) -> Any:
    path = path_to(parents, at)
    gone = [x[0] for x in seen if x[0] not in parents]
    return _first(_among([*path, *gone], seen, name), [*path, *gone])


def remembers_a_sibling(parents: Any, seen: Any, name: str, at: int) -> Any:
    path = list(path_to(parents, at))
    path += [s for s in parents if parents[s] in path and s not in path and parents[s] != at]
    return _first(_among(path, seen, name), path)


def knows_the_future(parents: Any, seen: Any, name: str, at: int) -> Any:
    path = list(path_to(parents, at))
    for scene in sorted(parents):
        if parents[scene] in path[-1:]:
            path.append(scene)
    return _first(_among(path, seen, name), path)


def overwrites(parents: Any, seen: Any, name: str, at: int) -> Any:
    path = path_to(parents, at)
    found = _among(path, seen, name)
    return max(found, key=lambda x: path.index(x[0]))[2] if found else None


def last_of_a_scene(parents: Any, seen: Any, name: str, at: int) -> Any:
    return in_order(parents, seen[::-1], name, at)


def first_drawn(parents: Any, seen: Any, name: str, at: int) -> Any:
    found = _among(path_to(parents, at), seen, name)
    return found[0][2] if found else None


def takes_the_rejected(parents: Any, seen: Any, name: str, at: int) -> Any:
    return in_order(parents, [(*x[:3], True) for x in seen], name, at)


def anybody(parents: Any, seen: Any, name: str, at: int) -> Any:
    return in_order(parents, [(s, (*names, name), p, fine) for s, names, p, fine in seen], name, at)


def part_of_a_name(parents: Any, seen: Any, name: str, at: int) -> Any:
    return in_order(parents, [(s, " ".join(n), p, fine) for s, n, p, fine in seen], name, at)


def forgets_here(parents: Any, seen: Any, name: str, at: int) -> Any:
    path = path_to(parents, at)[:-1]
    return _first(_among(path, seen, name), path)
