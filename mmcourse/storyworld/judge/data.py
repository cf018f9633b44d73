"""Pictures to train the judge on: a scene, the same hero elsewhere, and a double of the hero."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mmcourse.devices import usable_cpus
from mmcourse.processes import pool_of
from mmcourse.storyworld.drawing.render import render
from mmcourse.storyworld.judge.reading import targets
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import TRAITS, visible
from mmcourse.storyworld.world.sampling import Dice, sample_identity, sample_scene
from mmcourse.storyworld.world.scene import Scene

SIZES = (64, 128)
SPLITS = ("train", "compositional")
"""The judge must read every combination, so it learns those that models are tested on too, from
scenes of another seed than the tests'."""
OTHER_SEED = 7_000_000


@dataclass(frozen=True)
class Family:
    """Three scenes (hero, the same hero elsewhere, a double elsewhere) and where the hero is."""

    scenes: tuple[Scene, Scene, Scene]
    heroes: tuple[str, str, str]


def _cast(scene: Scene, dice: Dice, look: dict[str, object]) -> tuple[Scene, str] | None:
    """The scene with one of its characters played by another, unless that contradicts it."""
    role = dice.pick(scene.characters)
    actor = replace(role, **look)  # type: ignore[arg-type]
    cast = tuple(actor if c is role else c for c in scene.characters)
    try:
        return replace(scene, characters=cast), role.position
    except ValueError:
        return None


def _crowd(split: str, index: int, seed: int, style: str | None, least: int) -> Scene:
    """Scene `index`, or the first after it, in great steps, with so many characters."""
    while True:
        scene = sample_scene(split, index, seed, style)
        if len(scene.characters) >= least:
            return scene
        index += 7_000_003


def family(
    split: str, index: int, seed: int = 0, style: str | None = None, least: int = 1
) -> Family:
    """Family `index`: pictures 2 and 3 have another place, mood and action; the double differs from
    the hero in its identity alone. At least `least` characters are in each picture."""
    dice = Dice("family", seed, split, index)
    first = _crowd(split, 3 * index, seed, style, least)
    hero = dice.pick(first.characters)
    out, at = [first], [hero.position]
    for k in (1, 2):
        who = hero.identity if k == 1 else sample_identity(dice)
        look: dict[str, object] = {"species": hero.species, "colour": hero.colour, "identity": who}
        look["accessory"] = hero.accessory
        found, tries = None, 0
        while found is None:
            stage = _crowd(split, 3 * index + k + 1_000_003 * tries, seed, style, least)
            found, tries = _cast(stage, dice, look), tries + 1
        out.append(found[0])
        at.append(found[1])
    return Family((out[0], out[1], out[2]), (at[0], at[1], at[2]))


@dataclass(frozen=True)
class Album:
    """Families drawn at one size: pixels (N, 3, S, S, 3) uint8, targets (N, 3, fields), heroes
    (N, 3), the index of the hero's position, and the traits (N, 3, positions, 8) that show of each
    character's identity, NaN where nobody stands."""

    pixels: Tensor
    targets: Tensor
    heroes: Tensor
    traits: Tensor


def _traits(scene: Scene) -> list[tuple[float, ...]]:
    shown = {c.position: visible(c.identity) for c in scene.characters}
    return [shown.get(p, (float("nan"),) * len(TRAITS)) for p in v.POSITIONS]


def _numbered(
    index: int, seed: int, splits: tuple[str, ...], style: str | None, least: int
) -> Family:
    return family(splits[index % len(splits)], index, seed, style, least)


def _pixels(scene: Scene, size: int) -> np.ndarray:
    return np.array(render(scene, size))


def _backdrop(scene: Scene) -> tuple:
    """What the picture behind the characters depends on, what styles share first."""
    return (scene.place, scene.time, scene.weather, scene.variation, scene.style, scene.camera)


def draw_album(
    n: int,
    size: int,
    seed: int = OTHER_SEED,
    splits: tuple[str, ...] = SPLITS,
    style: str | None = None,
    workers: int | None = None,
    least: int = 1,
) -> Album:
    """Draw families 0 to n - 1 of `least` characters or more, in several processes if that pays.

    Scenes with the same backdrop are drawn one after another, so that each is painted once.
    """
    ask = partial(_numbered, seed=seed, splits=splits, style=style, least=least)
    paint = partial(_pixels, size=size)
    workers = min(workers or usable_cpus(), 1 + n // 500)
    pixels = torch.empty(3 * n, size, size, 3, dtype=torch.uint8)
    with pool_of(workers) if workers > 1 else nullcontext() as pool:
        share = partial(pool.map, chunksize=64) if pool else map
        families = list(share(ask, range(n)))
        scenes = [scene for found in families for scene in found.scenes]
        order = sorted(range(3 * n), key=lambda i: _backdrop(scenes[i]))
        for i, picture in zip(order, share(paint, [scenes[i] for i in order]), strict=True):
            pixels[i] = torch.from_numpy(picture)
    heroes = [[v.POSITIONS.index(p) for p in found.heroes] for found in families]
    return Album(
        pixels.unflatten(0, (n, 3)),
        torch.tensor([targets(scene) for scene in scenes]).unflatten(0, (n, 3)),
        torch.tensor(heroes),
        torch.tensor([_traits(scene) for scene in scenes]).unflatten(0, (n, 3)),
    )
