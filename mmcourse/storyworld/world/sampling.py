"""Draw scenes at random: sample `i` of a split is a pure function of (seed, split, i).

Splits share no scene. `train`, `val` and `test` own disjoint buckets of a hash of what a picture
shows. `compositional` holds combinations that no other split contains: in each table of a noun by
what is said of it (species by colour, species by mood, kind of thing by colour, place by time, ...)
at least a fifth of the cells are held out, and every scene of the split shows at least one of them.

Tables without a noun (colour by mood, ...) are left whole on purpose. Holding out a fifth of those
too would forbid nine looks in ten, so that a fox's colour would give its mood away. Standing is
held out for nobody, since whoever interacts stands: every species hugs and quarrels in training.

Every value of an attribute is equally frequent, but for what an interaction asks for: it comes with
a third of the scenes of two or three characters, and makes two of them stand. One scene in four
with a single character is a close view. Styles have shares of their own (`STYLE_SHARES`),
independent of all else, and a split is blind to them: a scene is in one split in all its styles.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import accumulate, product

import numpy as np

from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.identity import TRAITS
from mmcourse.storyworld.world.scene import AWAKE, Character, Interaction, Scene, Thing

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
"""No, one or two things in 35, 40 and 25 %; of two of a kind one is left."""
STYLE_SHARES = {"flat": 55, "watercolour": 15, "neon": 15, "sketch": 15}
"""Percent of scenes in each style, unless one is asked for."""
STYLE_TOTALS = tuple(accumulate(STYLE_SHARES.values()))
"""The same as running totals."""
CLOSE = 0.25
"""Share of close views among scenes of one character."""
INTERACTING = 1 / 3
"""Share of scenes of two or three characters in which two of them interact."""
RARITY = {"give": 10, "follow": 3, "hug": 8, "quarrel": 50}
"""Weights among the interactions that the moods allow, so that all are about equally frequent."""
ALWAYS_SEEN = "standing"
"""The value that is held out with nothing."""


@cache
def held_out(a: str, b: str) -> frozenset[tuple[str, str]]:
    """The pairs of values of attributes `a` and `b` that only `compositional` shows.

    Diagonal stripes, so that every value is still seen with most others; the offset is the first
    that covers at least a fifth of the table.
    """
    cells = [(i, j) for i in range(len(v.ATTRIBUTES[a])) for j in range(len(v.ATTRIBUTES[b]))]
    free = [(i, j) for i, j in cells if v.ATTRIBUTES[b][j] != ALWAYS_SEEN]
    every = 5 if len(free) == len(cells) else 4
    for offset in range(every):
        chosen = [(i, j) for i, j in free if (2 * i + j + offset) % every == 0]
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


def _contradicts(names: list[str], row: tuple[str, ...]) -> bool:
    """Whether no character can look so: nobody sleeps surprised."""
    look = dict(zip(names, row, strict=True))
    return look.get("action") == "sleeping" and look["mood"] in AWAKE


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
        if not _contradicts(names, row)
        and (
            compositional
            or all((row[0], row[names.index(b)]) not in held_out(a, b) for a, b in tables(group))
        )
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


def _interaction(dice: Dice, characters: list[Character], gift: str | None) -> Interaction:
    """What two neighbours do to each other; `characters` from left to right."""
    first = int(dice.chance(0.5)) if len(characters) == 3 else 0
    by, to = dice.sample(characters[first : first + 2], 2)
    moods = {by.mood, to.mood}
    allowed = {
        "give": by.mood != "angry" and gift is not None,
        "follow": True,
        "hug": "angry" not in moods,
        "quarrel": "angry" in moods and moods <= {"angry", "sad"},
    }
    kinds = [kind for kind in RARITY if allowed[kind]]
    kind = kinds[dice.weighted(list(accumulate(RARITY[k] for k in kinds)))]
    if kind in v.MUTUAL:
        by, to = sorted((by, to), key=lambda c: v.POSITIONS.index(c.position))
    return Interaction(kind, by.position, to.position, gift if kind == "give" else None)


def _hand_over(things: list[Thing], position: str) -> list[Thing]:
    """The first thing goes to the giver; what was there takes its place."""
    gift, *rest = things
    moved = [replace(t, position=gift.position) if t.position == position else t for t in rest]
    return [replace(gift, position=position), *moved]


def _draw(dice: Dice, compositional: bool, style: str | None) -> Scene:
    n = 1 + dice.weighted(COUNT)
    positions = {1: dice.sample(v.POSITIONS, 1), 2: ["left", "right"], 3: list(v.POSITIONS)}[n]
    looks: list[dict[str, str]] = []
    while len(looks) < n:
        row = _row(dice, "character", compositional)
        if all((row["species"], row["colour"]) != (o["species"], o["colour"]) for o in looks):
            looks.append(row)
    names = dice.sample(v.NAMES, n)
    characters = [
        Character(**look, position=p, name=name, identity=sample_identity(dice))
        for look, p, name in zip(looks, positions, names, strict=True)
    ]
    if n == 1:  # a thing would hide a lone character's feet
        free = [p for p in v.POSITIONS if p not in positions]
    else:
        free = [p for p in v.POSITIONS if p != "middle" or n == 2]
    rows: list[dict[str, str]] = []
    for _ in range(dice.weighted(THINGS)):
        row = _row(dice, "thing", compositional)
        if all(row["kind"] != o["kind"] for o in rows):
            rows.append(row)
    things = [
        Thing(row["kind"], row["thing_colour"], p)
        for row, p in zip(rows, dice.sample(free, len(rows)), strict=True)
    ]
    act = None
    if n > 1 and dice.chance(INTERACTING):
        act = _interaction(dice, characters, things[0].kind if things else None)
        acting = (act.by, act.to)
        characters = [
            replace(c, action="standing") if c.position in acting else c for c in characters
        ]
        things = _hand_over(things, act.by) if act.kind == "give" else things
    camera = "close" if n == 1 and dice.chance(CLOSE) else "medium"
    setting = _row(dice, "scene", compositional)
    drawn = v.STYLES[dice.weighted(STYLE_TOTALS)]
    return Scene(
        tuple(characters),
        tuple(things),
        **setting,
        style=style or drawn,
        variation=dice.pick(v.VARIATIONS),
        camera=camera,
        interaction=act,
    )


def sample_identity(dice: Dice) -> tuple[float, ...]:
    """Eight numbers in [-1, 1], rounded so that they survive being saved."""
    return tuple(round(2 * dice.number() - 1, 3) for _ in TRAITS)


def in_split(scene: Scene, split: str) -> bool:
    """Whether a scene may appear in a split."""
    if split == "compositional":
        return bool(held_out_pairs(scene))
    return scene.fingerprint() % 16 in BUCKETS[split] and not held_out_pairs(scene)


def sample_scene(split: str, index: int, seed: int = 0, style: str | None = None) -> Scene:
    """Scene `index` of a split.

    Args:
        split: "train", "val", "test" or "compositional".
        index: which scene, from 0; there is no last one.
        seed: another seed, other scenes.
        style: draw everything in this style (default: by `STYLE_SHARES`).

    Raises:
        ValueError: a split or style that does not exist, or a negative index.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} does not exist; choose one of {SPLITS}")
    index = operator.index(index)
    if index < 0:
        raise ValueError(f"index must be 0 or more, got {index}")
    return _scene(split, index, seed, style)


@lru_cache(maxsize=8192, typed=True)
def _scene(split: str, index: int, seed: int, style: str | None) -> Scene:
    """The scene of `sample_scene`. Of `val` and `test` one draw in 16 is kept, and measures ask for
    the same scenes again and again: the last ones are remembered, some 15 MB at most."""
    for attempt in range(10_000):
        scene = _draw(Dice(seed, split, index, attempt), split == "compositional", style)
        if in_split(scene, split):
            return scene
    raise RuntimeError(f"no scene of split {split!r} found for index {index} in 10,000 draws")
