"""Broken checkers of pictures: the suspects of a bug hunt, and right ones written otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

NAMES = ("mirrored", "copy", "mirrored copy")


def _apart(a: Any, b: Any) -> float:
    return float(np.abs(np.float64(a) - np.float64(b)).mean())


def made(apart: Any = _apart, turn: Any = np.fliplr, unlike: Any = lambda a, b: a < b) -> Any:
    """A checker by how it compares, what it takes for a mirror image, and when it complains."""

    def faults(picture: Any, asked: Any, remembered: Any, limit: float = 3.0) -> list[str]:
        turned = turn(picture)
        wrong = (
            unlike(apart(turned, asked), apart(picture, asked)),
            any(apart(picture, old) < limit for old in remembered),
            any(apart(turned, old) < limit for old in remembered),
        )
        return [name for name, found in zip(NAMES, wrong) if found]

    return faults


def in_sums(picture: Any, asked: Any, remembered: Any, limit: float = 3.0) -> list[str]:
    """Right: sums instead of means, memory turned instead of the picture."""
    p, a = np.asarray(picture, np.int64), np.asarray(asked, np.int64)
    most = limit * p.size
    found = []
    if np.abs(p - a[:, ::-1]).sum() < np.abs(p - a).sum():
        found.append("mirrored")
    old = [np.asarray(x, np.int64) for x in remembered]
    if [x for x in old if np.abs(p - x).sum() < most]:
        found.append("copy")
    if [x for x in old if np.abs(p - x[:, ::-1]).sum() < most]:
        found.append("mirrored copy")
    return found


by_parts = made()


def _without(name: str) -> Any:
    def faults(*args: Any) -> list[str]:
        return [x for x in by_parts(*args) if x != name]

    return faults


def never(*args: Any) -> list[str]:
    return []


passes_mirrored = _without("mirrored")
passes_copies = _without("copy")
passes_mirrored_copies = _without("mirrored copy")


def first_memory_only(picture: Any, asked: Any, remembered: Any, limit: float = 3.0) -> list[str]:
    return by_parts(picture, asked, remembered[:1], limit)


def first_fault_only(*args: Any) -> list[str]:
    return by_parts(*args)[:1]


def limit_of_its_own(picture: Any, asked: Any, remembered: Any, limit: float = 3.0) -> list[str]:
    return by_parts(picture, asked, remembered, 3.0)


upside_down = made(turn=np.flipud)
complains_of_symmetry = made(unlike=lambda a, b: a <= b)
errors_cancel = made(lambda a, b: abs(float((np.float64(a) - np.float64(b)).mean())))
bytes_wrap = made(lambda a, b: float(np.abs(np.asarray(a) - np.asarray(b)).mean()))
one_colour = made(lambda a, b: _apart(np.asarray(a)[..., 0], np.asarray(b)[..., 0]))
