"""Scenes with a neighbour that differs by one thing, most often by who has what.

A caption of the one is the hardest negative of the other: the same words, bound to other animals.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.storyworld import Scene, held_out_pairs, render, sample_scene
from mmcourse.storyworld.drawing.depth import segmentation
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import facts
from mmcourse.storyworld.world.families import _exchange as exchange
from mmcourse.storyworld.world.families import change_one
from mmcourse.storyworld.world.sampling import in_split
from mmcourse.vqgan.features_data import SOURCES, truth

EXCHANGES = 60
"""Tries to find an exchange that its split may show, before one thing is changed instead."""


def neighbours(split: str, index: int, seed: int = 0) -> tuple[Scene, Scene]:
    """Scene `index` of a split and a neighbour of the same split.

    Where there are several characters, two of them exchange an attribute; else one value changes.

    Raises:
        ValueError: no neighbour. `val` and `test` hold so few scenes that most have none: see
            `exchanged`.
    """
    first = sample_scene(split, index, seed)
    dice = Dice("neighbour", seed, split, index)
    for attempt in range(2_000):
        swaps = len(first.characters) > 1 and attempt < EXCHANGES
        try:
            other = (exchange if swaps else change_one)(first, dice)
        except ValueError:  # it contradicts the rest of the scene
            continue
        if other.fingerprint() != first.fingerprint() and in_split(other, split):
            return first, other
    raise ValueError(f"scene {index} of {split!r} has no neighbour in its split; use 'train'")


def exchanged(split: str, n: int, seed: int = 0) -> list[tuple[Scene, Scene]]:
    """The first n scenes of a split in which two characters can exchange an attribute so that no
    held-out pair is shown: neither side gives itself away as strange.

    The other side may be of any split; it is described and not drawn.
    """
    found: list[tuple[Scene, Scene]] = []
    index = 0
    while len(found) < n:
        scene = sample_scene(split, index, seed)
        dice = Dice("exchanged", seed, split, index)
        index += 1
        for _ in range(EXCHANGES if len(scene.characters) > 1 else 0):
            try:
                other = exchange(scene, dice)
            except ValueError:
                continue
            if other.fingerprint() != scene.fingerprint() and not held_out_pairs(other):
                found.append((scene, other))
                break
    return found


def _made(indices: range, size: int, split: str, seed: int) -> Made:
    pixels, answers = [], []
    for i in indices:
        both = neighbours(split, i, seed)
        pixels.append([np.asarray(render(scene, size)) for scene in both])
        answers.append([truth(scene, segmentation(scene, size)) for scene in both])
    return {"pixels": np.array(pixels), "answers": np.array(answers)}


def draw_neighbours(
    n: int, size: int, split: str = "train", seed: int = 0, workers: int | None = None
) -> dict[str, Tensor]:
    """The first n pairs of `neighbours`, drawn; cached on the disk.

    Returns:
        "pixels" (n, 2, S, S, 3) uint8; "answers" (n, 2, questions, S / 8, S / 8) int8, what is
        true of each patch, -1 where nothing is asked.
    """
    own = ("mmcourse.lora.models.neighbours", "mmcourse.storyworld.world.families")
    sources = sources_hash((*SOURCES, *own))
    key = {"size": size, "split": split, "seed": seed, "sources": sources}
    make = partial(_made, size=size, split=split, seed=seed)
    return cached(f"neighbours-{size}", key, n, make, workers)


@cache
def table_of_facts() -> dict[tuple[str, ...], int]:
    """The place of every statement that `scene_table` can make."""
    said = v.CHARACTER_ATTRIBUTES
    looks = [(k, x) for k, values in said.items() if k != "species" for x in values]
    rows: list[tuple[str, ...]] = [
        *((s, k, x) for s in v.SPECIES for k, x in looks),
        *((s, "position", p) for s in v.SPECIES for p in v.POSITIONS),
        *((p, k, x) for p in v.POSITIONS for k, values in said.items() for x in values),
        *((kind, "colour", x) for kind, x in product(v.KINDS, v.COLOURS)),
        *((kind, "position", p) for kind, p in product(v.KINDS, v.POSITIONS)),
        *((a, k, b) for k in v.INTERACTIONS for a in v.POSITIONS for b in v.POSITIONS),
        *(("scene", k, x) for k, values in v.SCENE_ATTRIBUTES.items() for x in values),
        *(("scene", "style", x) for x in v.STYLES),
        *(("scene", "camera", x) for x in v.CAMERAS),
    ]
    return {row: i for i, row in enumerate(rows)}


def scene_table(scenes: Sequence[Scene]) -> Tensor:
    """Who has what, as yes and no: (scenes, statements) bool, in the order of `table_of_facts`.

    Every attribute is bound twice, to the species that has it and to where that stands.
    """
    at = table_of_facts()
    out = torch.zeros(len(scenes), len(at), dtype=torch.bool)
    for row, scene in enumerate(scenes):
        where = {f"character:{c.position}": c for c in scene.characters}
        kinds = {f"thing:{t.position}": t for t in scene.things}
        for who, what, value in facts(scene):
            if who in where and what in v.INTERACTIONS:
                out[row, at[where[who].position, what, value.partition(":")[2]]] = True
            elif who in where and what in v.CHARACTER_ATTRIBUTES:
                out[row, at[where[who].position, what, value]] = True
                if what != "species":
                    out[row, at[where[who].species, what, value]] = True
                out[row, at[where[who].species, "position", where[who].position]] = True
            elif who in kinds and what == "colour":
                out[row, at[kinds[who].kind, "colour", value]] = True
                out[row, at[kinds[who].kind, "position", kinds[who].position]] = True
            elif who == "scene":
                out[row, at["scene", what, value]] = True
    return out
