"""Draw scenes at random: sample `i` of a split is a pure function of (seed, split, i).

Splits share no scene. `train`, `val` and `test` own disjoint buckets of a hash of what a picture
shows. `compositional` holds combinations that no other split contains: in each table of a noun by
what is said of it (species by colour, species by mood, kind of thing by colour, place by time, ...)
at least a fifth of the cells are held out, and every scene of the split shows at least one of them.

Tables without a noun (colour by mood, ...) are left whole on purpose. Holding out a fifth of those
too would forbid nine looks in ten, so that a fox's colour would give its mood away.
"""

from __future__ import annotations

import operator
import random
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import TypeVar

import numpy as np

from mmcourse.storyworld import vocabulary as v
from mmcourse.storyworld.scene import Character, Scene, Thing

T = TypeVar("T")

SPLITS = ("train", "val", "test", "compositional")
BUCKETS = {"test": (0,), "val": (1,), "train": tuple(range(2, 16))}
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "character": v.CHARACTER_ATTRIBUTES,
    "thing": v.THING_ATTRIBUTES,
    "scene": v.SCENE_ATTRIBUTES,
}
COUNT = (50, 85, 100)
"""One, two or three characters in 50, 35 and 15 % of scenes, as running totals."""
THINGS = (35, 75, 100)
"""No, one or two things in 35, 40 and 25 %."""


class Dice:
    """Choices that come out the same in every version of Python (`random()` alone is promised)."""

    def __init__(self, *key: object) -> None:
        self._random = random.Random(" ".join(map(str, key))).random

    def chance(self, p: float) -> bool:
        return self._random() < p

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self._random() * len(values))]

    def sample(self, values: Sequence[T], k: int) -> list[T]:
        left = list(values)
        return [left.pop(int(self._random() * len(left))) for _ in range(k)]

    def weighted(self, totals: Sequence[int]) -> int:
        """A position, drawn by running totals of integer weights."""
        return bisect_right(totals, int(self._random() * totals[-1]))


@cache
def held_out(a: str, b: str) -> frozenset[tuple[str, str]]:
    """The pairs of values of attributes `a` and `b` that only `compositional` shows.

    Diagonal stripes, so that every value is still seen with most others; the offset is the first
    that covers at least a fifth of the table.
    """
    cells = [(i, j) for i in range(len(v.ATTRIBUTES[a])) for j in range(len(v.ATTRIBUTES[b]))]
    for offset in range(5):
        chosen = [(i, j) for i, j in cells if (2 * i + j + offset) % 5 == 0]
        if 5 * len(chosen) >= len(cells):
            break
    return frozenset((v.ATTRIBUTES[a][i], v.ATTRIBUTES[b][j]) for i, j in chosen)


def tables(group: str) -> list[tuple[str, str]]:
    """The pairs of attributes of a group of which some cells are held out: the noun with each."""
    noun, *others = GROUPS[group]
    return [(noun, other) for other in others]


def held_out_pairs(scene: Scene) -> list[tuple[str, str]]:
    """Every held-out pair of values that a scene shows, such as ("fox", "blue")."""
    rows: list[tuple[str, dict[str, str]]] = [
        *(("character", vars(c)) for c in scene.characters),
        *(("thing", {"kind": t.kind, "thing_colour": t.colour}) for t in scene.things),
        ("scene", vars(scene)),
    ]
    return [
        (row[a], row[b])
        for group, row in rows
        for a, b in tables(group)
        if (row[a], row[b]) in held_out(a, b)
    ]


@cache
def _rows(group: str, compositional: bool) -> tuple[list[tuple[str, ...]], list[int]]:
    """All rows of values that a group may take, and the running total of their weights.

    Without held-out pairs some values would fit more rows than others. Iterative proportional
    fitting weights the rows so that every value of every attribute is equally frequent.
    """
    attributes = GROUPS[group]
    names = list(attributes)
    rows = [
        row
        for row in product(*attributes.values())
        if compositional
        or all((row[0], row[names.index(b)]) not in held_out(a, b) for a, b in tables(group))
    ]
    weights = np.ones(len(rows))
    columns = [
        np.array([values.index(row[i]) for row in rows])
        for i, values in enumerate(attributes.values())
    ]
    for _ in range(200):
        for column, values in zip(columns, attributes.values(), strict=True):
            weights /= np.bincount(column, weights, len(values))[column] * len(values)
    return rows, np.cumsum(np.rint(weights * 1e9).astype(np.int64)).tolist()


def _row(dice: Dice, group: str, compositional: bool) -> dict[str, str]:
    """One value for each attribute of a group, avoiding held-out pairs unless they are wanted."""
    rows, totals = _rows(group, compositional)
    return dict(zip(GROUPS[group], rows[dice.weighted(totals)], strict=True))


def _draw(dice: Dice, compositional: bool) -> Scene:
    n = 1 + dice.weighted(COUNT)
    positions = {1: dice.sample(v.POSITIONS, 1), 2: ["left", "right"], 3: list(v.POSITIONS)}[n]
    looks: list[dict[str, str]] = []
    while len(looks) < n:
        row = _row(dice, "character", compositional)
        if all((row["species"], row["colour"]) != (o["species"], o["colour"]) for o in looks):
            looks.append(row)
    names = dice.sample(v.NAMES, n)
    characters = tuple(
        Character(**look, position=p, name=name)
        for look, p, name in zip(looks, positions, names, strict=True)
    )
    if n == 1:  # a thing would hide a lone character's feet
        free = [p for p in v.POSITIONS if p not in positions]
    else:
        free = [p for p in v.POSITIONS if p != "middle" or n == 2]
    rows: list[dict[str, str]] = []
    for _ in range(dice.weighted(THINGS)):
        row = _row(dice, "thing", compositional)
        if all(row["kind"] != o["kind"] for o in rows):
            rows.append(row)
    things = tuple(
        Thing(row["kind"], row["thing_colour"], p)
        for row, p in zip(rows, dice.sample(free, len(rows)), strict=True)
    )
    place = _row(dice, "scene", compositional)
    return Scene(characters, things, **place, variation=dice.pick(v.VARIATIONS))


def in_split(scene: Scene, split: str) -> bool:
    """Whether a scene may appear in a split."""
    strange = bool(held_out_pairs(scene))
    if split == "compositional":
        return strange
    return not strange and scene.fingerprint() % 16 in BUCKETS[split]


def sample_scene(split: str, index: int, seed: int = 0) -> Scene:
    """Scene `index` of a split.

    Raises:
        ValueError: a split that does not exist, or a negative index.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} does not exist; choose one of {SPLITS}")
    index = operator.index(index)
    if index < 0:
        raise ValueError(f"index must be 0 or more, got {index}")
    for attempt in range(10_000):
        scene = _draw(Dice(seed, split, index, attempt), split == "compositional")
        if in_split(scene, split):
            return scene
    raise RuntimeError(f"no scene of split {split!r} found for index {index} in 10,000 draws")
