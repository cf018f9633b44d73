"""At 64x64 a reader, and so a model, can tell every value of every attribute from every other.

Two pictures that differ in one value are compared by their clear pixels: those of which a colour
channel changes by more than a quarter of its range. The floors are about two thirds of what the
hardest pair has, so a drawing that makes any pair harder to tell fails here.
"""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from mmcourse.storyworld import Character, Scene, Thing, render
from mmcourse.storyworld.world.vocabulary import (
    CHARACTER_ATTRIBUTES,
    COLOURS,
    KINDS,
    SCENE_ATTRIBUTES,
    SPECIES,
)

FLOORS = {  # clear pixels with one and with three characters in the picture
    "species": (240, 130),
    "colour": (230, 80),
    "accessory": (48, 22),
    "mood": (78, 34),
    "action": (26, 9),
}


def drawn(scene):
    return np.asarray(render(scene, 64)).astype(np.int16)


def clear_pixels(a, b):
    return int((np.abs(a - b).max(-1) > 64).sum())


def hardest(pictures):
    """(clear pixels, pair) of the two values that are hardest to tell apart."""
    return min(
        (clear_pixels(pictures[u], pictures[v]), (u, v)) for u, v in combinations(pictures, 2)
    )


def crowd(character, n):
    """A character in the middle and n - 1 others of other species beside it."""
    free = [s for s in SPECIES if s != character.species]
    left = Character(free[0], "green", position="left", name="Una")
    right = Character(free[1], "white", position="right", name="Vale")
    return Scene((character, left, right)[:n])


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("attribute", CHARACTER_ATTRIBUTES)
def test_what_is_said_of_a_character_is_seen(attribute, n):
    moods = ("sad",) if attribute in ("species", "mood") else CHARACTER_ATTRIBUTES["mood"]
    moods = ("happy", "sad") if attribute == "action" else moods  # nobody sleeps in another
    worn = ("none", "hat", "scarf") if attribute == "mood" else ("none",)
    for species, mood, accessory in product(SPECIES, moods, worn):
        base = Character(species, "orange", accessory, mood)
        pictures = {
            value: drawn(crowd(replace(base, **{attribute: value}), n))
            for value in CHARACTER_ATTRIBUTES[attribute]
        }
        clear, pair = hardest(pictures)
        assert clear >= FLOORS[attribute][n == 3], f"{species}, {mood}, {accessory}: {pair}"


@pytest.mark.parametrize("time", SCENE_ATTRIBUTES["time"])
def test_moods_are_seen_in_any_light_and_weather(time):
    for species, weather in product(SPECIES, SCENE_ATTRIBUTES["weather"]):
        pictures = {
            mood: drawn(Scene((Character(species, "blue", mood=mood),), time=time, weather=weather))
            for mood in CHARACTER_ATTRIBUTES["mood"]
        }
        assert hardest(pictures)[0] >= 60, f"{species}, {weather}"


def test_things_are_told_by_kind_and_by_colour():
    base = Scene((Character("fox", "blue", position="left"),))
    pictures = {
        (kind, colour): drawn(replace(base, things=(Thing(kind, colour, "right"),)))
        for kind, colour in product(KINDS, COLOURS)
    }
    for kind in KINDS:
        assert hardest({c: pictures[kind, c] for c in COLOURS})[0] >= 12, kind
    for colour in COLOURS:
        assert hardest({k: pictures[k, colour] for k in KINDS})[0] >= 22, colour


@pytest.mark.parametrize("attribute", SCENE_ATTRIBUTES)
def test_place_time_and_weather_are_seen_whatever_the_others_are(attribute):
    others = {a: values for a, values in SCENE_ATTRIBUTES.items() if a != attribute}
    for values in product(*others.values()):
        base = Scene((Character("owl", "red"),), **dict(zip(others, values)))
        pictures = {
            value: drawn(replace(base, **{attribute: value}))
            for value in SCENE_ATTRIBUTES[attribute]
        }
        for u, v in combinations(pictures, 2):
            assert np.abs(pictures[u] - pictures[v]).mean() >= 5, f"{values}: {u}, {v}"


def test_a_variation_changes_the_backdrop_alone():
    pictures = [drawn(Scene((Character("bear", "purple"),), variation=k)) for k in range(4)]
    for a, b in combinations(pictures, 2):
        assert np.abs(a - b).mean() > 1
        assert np.array_equal(a[38:58, 27:37], b[38:58, 27:37])  # the bear's body


def test_a_character_is_where_it_is_said_to_be():
    empty = drawn(Scene((Character("owl", "white", position="middle"),)))
    centres = {}
    for position in ("left", "right"):
        moved = drawn(Scene((Character("fox", "red", position=position),)))
        red = (moved[..., 0] - moved[..., 2] > 110) & ~(empty[..., 0] - empty[..., 2] > 110)
        centres[position] = np.nonzero(red)[1].mean()
    assert centres["left"] < 25 < 39 < centres["right"]
