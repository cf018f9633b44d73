"""Scenes that differ by one thing: the negatives from which a model learns details."""

from __future__ import annotations

from dataclasses import replace

from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.sampling import Dice, in_split, sample_scene
from mmcourse.storyworld.world.scene import Scene


def change_one(scene: Scene, dice: Dice) -> Scene:
    """Give one attribute of a character, a thing or the scene another value at random."""
    group = dice.pick(("character", "character", "character", "thing", "scene"))
    if group == "scene":
        attribute = dice.pick(tuple(v.SCENE_ATTRIBUTES))
        value = dice.pick(v.SCENE_ATTRIBUTES[attribute])
        return replace(scene, **{attribute: value})  # type: ignore[arg-type]
    if group == "thing" and scene.things:
        things = list(scene.things)
        at = dice.pick(range(len(things)))
        changed = (
            {"kind": dice.pick(v.KINDS)} if dice.chance(0.5) else {"colour": dice.pick(v.COLOURS)}
        )
        things[at] = replace(things[at], **changed)
        return replace(scene, things=tuple(things))
    characters = list(scene.characters)
    at = dice.pick(range(len(characters)))
    attribute = dice.pick(tuple(v.CHARACTER_ATTRIBUTES))
    value = dice.pick(v.CHARACTER_ATTRIBUTES[attribute])
    characters[at] = replace(characters[at], **{attribute: value})  # type: ignore[arg-type]
    return replace(scene, characters=tuple(characters))


def _exchange(scene: Scene, dice: Dice) -> Scene:
    """Let two characters exchange one attribute: the same words, bound to other animals."""
    characters = list(scene.characters)
    i, j = dice.sample(range(len(characters)), 2)
    attribute = dice.pick(tuple(v.CHARACTER_ATTRIBUTES))
    first, second = (getattr(characters[k], attribute) for k in (i, j))
    characters[i] = replace(characters[i], **{attribute: second})
    characters[j] = replace(characters[j], **{attribute: first})
    return replace(scene, characters=tuple(characters))


def sample_family(split: str, index: int, size: int, seed: int = 0) -> list[Scene]:
    """Scene `index` of a split and `size - 1` siblings of the same split, all different.

    A sibling differs from the first scene in one attribute, or, where there are two characters,
    often in which of them has which. A few scenes have too few such neighbours in their split;
    their last siblings differ from another sibling instead. The list is a pure function of the
    arguments.

    Raises:
        ValueError: no such family. `val` and `test` hold so few scenes that most have none.
    """
    first = sample_scene(split, index, seed)
    dice = Dice("family", seed, split, index)
    family = {first.fingerprint(): first}
    for attempt in range(2_000):
        if len(family) == size:
            return list(family.values())
        parent = first if attempt < 100 else dice.pick(tuple(family.values()))
        exchange = len(parent.characters) > 1 and dice.chance(0.3)
        try:
            sibling = (_exchange if exchange else change_one)(parent, dice)
        except ValueError:  # the change contradicts the rest of the scene
            continue
        if in_split(sibling, split):
            family.setdefault(sibling.fingerprint(), sibling)
    raise ValueError(f"scene {index} of {split!r} has no family of {size}; use 'train'")
