"""The shipped judge is what its card says, and good enough to score others by."""

import json
from collections import Counter

import numpy as np
import pytest

from mmcourse.hub import find_folder, read_card
from mmcourse.storyworld import Character, Interaction, Scene, Thing, render, sample_scene
from mmcourse.storyworld.judge.measure import ATTRIBUTES, measure_judge
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import answers
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.facts import facts

BUDGET = 2**20
CARDS = 2**17
"""What card.json, confusion.json and config.json may take beside the weights."""


@pytest.fixture(scope="module")
def card():
    return read_card("judge")  # has every field, and belongs to the weights beside it


@pytest.fixture(scope="module")
def judge():
    return Judge.from_pretrained("judge")


def test_the_card_tells_how_to_make_it_again(card):
    assert card["name"] == "judge"
    assert card["tier"] == "full"
    given = f"--tier {card['tier']} --seed {card['seed']} --precision"
    assert card["command"].startswith(f"mmcourse train judge {given} ")
    assert len(card["sources"]) == 64
    assert card["wall_time_s"] > 0
    assert "StoryWorld train" in card["data"]
    assert card["licence"] == "Apache-2.0"
    assert {"mmcourse", "python", "torch", "pillow"} <= set(card["versions"])
    assert all(0 < m["band"] <= 0.05 for m in card["metrics"].values())


def test_it_fits_its_budget():
    sizes = {file.name: file.stat().st_size for file in find_folder("judge").iterdir()}
    assert sizes.keys() == {"card.json", "confusion.json", "config.json", "model.safetensors"}
    assert sizes["model.safetensors"] < BUDGET
    assert sum(sizes.values()) < BUDGET + CARDS


@pytest.fixture(scope="module")
def asked():
    """How often each attribute is asked in the card's scenes."""
    attribute = {field: name for name, fields in ATTRIBUTES.items() for field in fields}
    scenes = (sample_scene("test", i, style="flat") for i in range(5000))
    return Counter(attribute[field] for scene in scenes for field in answers(scene))


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_is_read_nearly_always(card, asked, attribute):
    metric = card["metrics"][f"flat_{attribute}"]
    assert metric["n"] == asked[attribute]  # of all that there is in 5,000 scenes
    assert metric["value"] >= 0.995


def test_common_attributes_are_measured_on_5000_or_more(card):
    rare = {"thing_colour", "by", "to"}
    ns = {name: card["metrics"][f"flat_{name}"]["n"] for name in ATTRIBUTES if name not in rare}
    assert min(ns.values()) >= 5000


def test_other_styles_and_unseen_combinations_are_on_the_card(card):
    for prefix in (*v.STYLES, "compositional"):
        for attribute in ATTRIBUTES:
            metric = card["metrics"][f"{prefix}_{attribute}"]
            assert metric["chance"] < metric["value"] <= 1
        for k in (1, 2, 3):
            assert card["metrics"][f"{prefix}_whole_of_{k}"]["n"] > 200


def test_a_hero_is_told_from_its_double(card):
    assert card["metrics"]["identity_128px"]["value"] >= 0.97
    assert card["metrics"]["identity_128px"]["n"] == 2000
    assert 0.5 < card["metrics"]["identity_64px"]["value"] <= 1


def test_what_cannot_be_read_is_called_unreadable(card):
    assert card["metrics"]["unreadable_noise"]["value"] >= 0.95
    assert card["metrics"]["unreadable_scrambled"]["value"] >= 0.95
    assert card["metrics"]["readable_ordinary"]["value"] >= 0.99
    assert card["metrics"]["readable_ordinary"]["n"] == 500


def test_the_confusion_matrices_are_those_of_the_card(card):
    tables = json.loads((find_folder("judge") / "confusion.json").read_text())
    assert tables.keys() == {f"{style}_{name}" for style in v.STYLES for name in ATTRIBUTES}
    for name, table in tables.items():
        assert np.sum(table) == card["metrics"][name]["n"]
        assert np.trace(table) / np.sum(table) == pytest.approx(card["metrics"][name]["value"])


def test_measuring_again_gives_what_the_card_states(card, judge):
    """On the first 60 of the card's scenes; the most that chance does to so few is added."""
    found = measure_judge(judge, n=60)
    assert found.keys() <= card["metrics"].keys()
    assert {name for name in card["metrics"] if "_of_" not in name} <= found.keys()
    for name, metric in found.items():
        stated = card["metrics"][name]
        assert metric["n"] <= stated["n"]
        assert metric["chance"] == pytest.approx(stated["chance"])
        p = min(max(stated["value"], 1 / stated["n"]), 1 - 1 / stated["n"])
        chance = 3 * (p * (1 - p) / metric["n"]) ** 0.5
        assert metric["value"] == pytest.approx(stated["value"], abs=stated["band"] + chance), name


def alone(i):
    """One character, with every value of every list in some of the first sixteen."""
    action = v.ACTIONS[i % 5]
    mood = v.MOODS[i % 2 if action == "sleeping" else (i + i // 4) % 4]
    position = v.POSITIONS[i % 3]
    hero = Character(v.SPECIES[i % 8], v.COLOURS[(3 * i + i // 8) % 8], v.ACCESSORIES[(i // 2) % 4],
                     mood, action, position)  # fmt: skip
    beside = v.POSITIONS[(i + 1) % 3]
    things = (Thing(v.KINDS[i % 8], v.COLOURS[(5 * i + 2) % 8], beside),) if i < 12 else ()
    camera = "close" if i >= 12 else "medium"
    return Scene((hero,), things, v.PLACES[i % 7], v.TIMES[i % 3], v.WEATHERS[(i // 3) % 3],
                 v.STYLES[i % 4], camera=camera)  # fmt: skip


def pair(kind, i):
    """Two characters, of whom one does this to the other."""
    moods = ("angry", "sad") if kind == "quarrel" else ("happy", "surprised")
    by, to = ("left", "right") if i % 2 else ("right", "left")
    two = [
        Character(v.SPECIES[(2 * i + j) % 8], v.COLOURS[(i + 4 * j) % 8], v.ACCESSORIES[i + j],
                  moods[j], "standing", p, v.NAMES[j])
        for j, p in enumerate((by, to))
    ]  # fmt: skip
    things = (Thing(v.KINDS[i % 8], v.COLOURS[(i + 2) % 8], by),) if kind == "give" else ()
    act = Interaction(kind, by, to, things[0].kind if things else None)
    return Scene(tuple(two), things, v.PLACES[i % 7], v.TIMES[i % 3], interaction=act)


def crowd(i):
    """Three characters side by side."""
    three = [
        Character(v.SPECIES[(i + 3 * j) % 8], v.COLOURS[(2 * i + 3 * j) % 8], v.ACCESSORIES[j],
                  v.MOODS[(i + j) % 3], v.ACTIONS[(i + j) % 4], p, v.NAMES[j])
        for j, p in enumerate(v.POSITIONS)
    ]  # fmt: skip
    return Scene(tuple(three), (), v.PLACES[(2 * i) % 7], v.TIMES[i % 3])


GOLDEN = [
    *(alone(i) for i in range(16)),
    *(pair(kind, i) for i in (0, 1) for kind in v.INTERACTIONS),
    *(crowd(i) for i in range(6)),
]


def test_the_scenes_by_hand_show_everything():
    stated = {(a, value) for scene in GOLDEN for _, a, value in facts(scene)}
    assert len(GOLDEN) == 30
    for attribute, values in (v.CHARACTER_ATTRIBUTES | v.SCENE_ATTRIBUTES).items():
        assert {(attribute, value) for value in values} <= stated
    assert {("style", value) for value in v.STYLES} <= stated
    assert {("camera", value) for value in v.CAMERAS} <= stated


@pytest.mark.parametrize("i", range(30))
def test_a_scene_made_by_hand_is_read_exactly(judge, i):
    (reading,) = judge.read_pictures([render(GOLDEN[i], 128)])
    assert reading.readable
    assert reading.facts == facts(GOLDEN[i])
    assert set(reading.identities) == {c.position for c in GOLDEN[i].characters}
