"""Scenes are plain data that cannot contradict itself, and survive being saved."""

import dataclasses
import json

import pytest

from mmcourse.storyworld import ATTRIBUTES, Character, Scene, Thing
from mmcourse.storyworld.world.vocabulary import CHARACTER_ATTRIBUTES, SCENE_ATTRIBUTES

FOX = Character("fox", "red", position="left", name="Pip")
CAT = Character("cat", "blue", position="right", name="Wren")
OWL = Character("owl", "white", position="middle", name="Dot")
BALL, FLOWER = Thing("ball", "green", "left"), Thing("flower", "red", "right")
SCENE = Scene((FOX, CAT), (BALL, FLOWER), place="village", time="night", weather="snow")


def other(value, values):
    return next(v for v in values if v != value)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Character("dragon", "red"), "'dragon'.*fox"),
        (lambda: Character("fox", "teal"), "'teal'.*purple"),
        (lambda: Character("fox", "red", accessory="cape"), "'cape'.*scarf"),
        (lambda: Character("fox", "red", mood="bored"), "'bored'.*surprised"),
        (lambda: Character("fox", "red", action="flying"), "'flying'.*jumping"),
        (lambda: Character("fox", "red", position="top"), "'top'.*middle"),
        (lambda: Character("fox", "red", name="Nobody"), "'Nobody'.*Pip"),
        (lambda: Character(["fox"], "red"), "fox"),
        (lambda: Thing("sword", "red"), "'sword'.*lantern"),
        (lambda: Thing("ball", "gold"), "'gold'.*green"),
        (lambda: Thing("ball", "red", "above"), "'above'.*left"),
        (lambda: Scene((FOX,), place="moon"), "'moon'.*beach"),
        (lambda: Scene((FOX,), time="noon"), "'noon'.*sunset"),
        (lambda: Scene((FOX,), weather="fog"), "'fog'.*rain"),
        (lambda: Scene((FOX,), style="oil"), "'oil'.*flat"),
        (lambda: Scene((FOX,), variation=9), "9"),
        (lambda: Scene(()), "1 to 3 characters, got 0"),
        (lambda: Scene((FOX, CAT, OWL, OWL)), "1 to 3 characters, got 4"),
        (lambda: Scene((FOX,), (BALL, FLOWER, BALL)), "at most 2 things, got 3"),
        (lambda: Scene((FOX, dataclasses.replace(CAT, position="left"))), "positions"),
        (lambda: Scene((FOX, dataclasses.replace(CAT, name="Pip"))), "names"),
        (lambda: Scene((FOX, dataclasses.replace(CAT, species="fox", colour="red"))), "looks"),
        (lambda: Scene((FOX,), (BALL, Thing("flower", "red", "left"))), "positions of things"),
        (lambda: Scene((FOX,), (BALL, Thing("ball", "red", "right"))), "kinds of things"),
    ],
)
def test_what_does_not_exist_or_contradicts_itself_is_refused(make, named):
    with pytest.raises(ValueError, match=named) as error:
        make()
    assert "\n" not in str(error.value)


def test_two_foxes_of_different_colours_are_no_contradiction():
    assert len(Scene((FOX, dataclasses.replace(CAT, species="fox"))).characters) == 2


def test_a_scene_cannot_be_changed_and_can_be_a_key():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCENE.place = "beach"
    assert {SCENE: 1}[dataclasses.replace(SCENE)] == 1


def test_every_visible_value_changes_what_is_visible():
    for attribute, values in CHARACTER_ATTRIBUTES.items():
        changed = dataclasses.replace(FOX, **{attribute: other(getattr(FOX, attribute), values)})
        assert dataclasses.replace(SCENE, characters=(changed, CAT)).visible() != SCENE.visible()
    for attribute, values in SCENE_ATTRIBUTES.items():
        value = other(getattr(SCENE, attribute), values)
        changed = dataclasses.replace(SCENE, **{attribute: value})
        assert changed.visible() != SCENE.visible()
    moved = (dataclasses.replace(FOX, position="middle"), CAT)
    things = [
        dataclasses.replace(BALL, colour="blue"),
        dataclasses.replace(BALL, kind="balloon"),
        dataclasses.replace(BALL, position="middle"),
    ]
    changes = [{"characters": moved}, {"things": ()}, *({"things": (t, FLOWER)} for t in things)]
    prints = {SCENE.fingerprint()}
    prints |= {dataclasses.replace(SCENE, **change).fingerprint() for change in changes}
    assert len(prints) == 1 + len(changes)


def test_names_variation_and_order_are_not_visible():
    same = [
        dataclasses.replace(SCENE, variation=3),
        dataclasses.replace(SCENE, characters=(CAT, FOX), things=(FLOWER, BALL)),
        dataclasses.replace(SCENE, characters=(dataclasses.replace(FOX, name="Zuri"), CAT)),
    ]
    assert {s.fingerprint() for s in same} == {SCENE.fingerprint()}


def test_the_fingerprint_never_changes():
    """Splits hang on it: another value here would move every scene to another split."""
    assert SCENE.fingerprint() == 17640312168995643051


def test_saving_and_reading_gives_the_same_scene(scenes):
    for scene in scenes["train"][:300] + scenes["compositional"][:300]:
        text = scene.to_json()
        assert "\n" not in text
        assert Scene.from_json(text) == scene


def changed(**fields):
    return json.dumps({**json.loads(SCENE.to_json()), **fields})


def without(field):
    return json.dumps({k: v for k, v in json.loads(SCENE.to_json()).items() if k != field})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a fox", "not JSON"),
        ("", "not JSON"),
        ("[1]", "not a scene"),
        ("null", "not a scene"),
        (without("format"), "not a scene.*format 2"),
        (changed(format=1), "not a scene.*format 2"),
        (without("characters"), "missing or unknown field.*characters"),
        (without("things"), "missing or unknown field.*things"),
        (changed(sky="pink"), "missing or unknown field.*sky"),
        (changed(characters=[{"species": "fox"}]), "missing or unknown field.*colour"),
        (changed(things=[{"kind": "ball", "colour": "red", "mass": 1}]), "unknown field.*mass"),
        (changed(characters=None), "missing or unknown field"),
        (changed(characters=[]), "1 to 3 characters"),
        (changed(place="moon"), "'moon' does not exist"),
    ],
)
def test_what_is_not_a_saved_scene_is_refused_in_one_line(text, named):
    with pytest.raises(ValueError, match=named) as error:
        Scene.from_json(text)
    assert "\n" not in str(error.value)


def test_the_attributes_list_what_characters_things_and_scenes_have():
    fields = {f.name for cls in (Character, Thing, Scene) for f in dataclasses.fields(cls)}
    assert set(ATTRIBUTES) - {"thing_colour"} <= fields
    assert all(len(set(values)) == len(values) >= 3 for values in ATTRIBUTES.values())
