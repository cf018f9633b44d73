"""In the scenes that are sampled, nothing that a caption may say is hidden behind something else.

One value of a scene is exchanged for another, and the pixels that change visibly (by a tenth of a
channel's range) are counted at 64x64. The floors are about two thirds of the least that 1,200 other
scenes had.
"""

from dataclasses import replace

import numpy as np
import pytest

from mmcourse.storyworld import render, sample_scene
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.vocabulary import CHARACTER_ATTRIBUTES, COLOURS, KINDS

FLOORS = {"species": 80, "colour": 75, "accessory": 13, "mood": 18, "action": 12}
THING_FLOORS = {"kind": 33, "colour": 20}
N = 160


def changed(scene, **values):
    """How many pixels change, or None if the changed scene would contradict itself."""
    try:
        other = replace(scene, **values)
    except ValueError:
        return None
    a, b = (np.asarray(render(s, 64)).astype(np.int16) for s in (scene, other))
    return int((np.abs(a - b).max(-1) >= 24).sum())


def with_other(items, i, **values):
    return tuple(replace(item, **values) if j == i else item for j, item in enumerate(items))


def another(dice, values, value):
    return dice.pick([x for x in values if x != value])


@pytest.mark.parametrize("attribute", FLOORS)
def test_what_is_said_of_a_character_can_be_seen(attribute):
    seen = 0
    for i in range(N):
        scene, dice = sample_scene("val", i, style="flat"), Dice("hidden", attribute, i)
        for k, character in enumerate(scene.characters):
            value = another(dice, CHARACTER_ATTRIBUTES[attribute], getattr(character, attribute))
            try:
                cast = with_other(scene.characters, k, **{attribute: value})
            except ValueError:  # nobody sleeps in anger
                continue
            pixels = changed(scene, characters=cast)
            if pixels is not None:
                seen += 1
                assert pixels >= FLOORS[attribute], f"val {i}: {character} or {value}"
    assert seen > N / 2


@pytest.mark.parametrize("attribute", THING_FLOORS)
def test_what_is_said_of_a_thing_can_be_seen(attribute):
    seen = 0
    for i in range(N):
        scene, dice = sample_scene("val", i, style="flat"), Dice("hidden", attribute, i)
        for k, thing in enumerate(scene.things):
            values = {"kind": KINDS, "colour": COLOURS}[attribute]
            value = another(dice, values, getattr(thing, attribute))
            pixels = changed(scene, things=with_other(scene.things, k, **{attribute: value}))
            if pixels is not None:
                seen += 1
                assert pixels >= THING_FLOORS[attribute], f"val {i}: {thing} or {value}"
    assert seen > N / 2
