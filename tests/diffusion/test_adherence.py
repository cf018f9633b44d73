"""Adherence counts what captions ask for, where they ask for it."""

from dataclasses import replace

import pytest

from mmcourse.diffusion.adherence import (
    Asked,
    adherence,
    asked,
    bodies,
    kind_of,
    relative,
    unseen_pairs,
)
from mmcourse.storyworld import (
    Character,
    Interaction,
    Scene,
    Thing,
    describe,
    facts,
    sample_scene,
)

FOX = Character("fox", "red", position="left", name="Fern")
OWL = Character("owl", "blue", position="right", name="Gus")
KITE = Thing("kite", "green", "left")
SCENE = Scene((FOX, OWL), (KITE,), place="beach")


def scenes(n, split="test"):
    return [sample_scene(split, i) for i in range(n)]


def ask(scene):
    said = describe(scene)
    return Asked(scene, said.text, said.facts & facts(scene))


def test_a_complete_caption_asks_for_everything_that_is_seen():
    assert ask(SCENE).facts == facts(SCENE)
    for one in asked(scenes(30)):
        assert one.facts == facts(one.scene)


def test_true_pictures_have_it_all():
    wanted = asked(scenes(40))
    found = adherence(wanted, [facts(one.scene) for one in wanted])
    assert {value for value, _ in found.values()} == {1.0}
    counts = [found[f"scene_of_{k}"][1] for k in (1, 2, 3)]
    assert sum(counts) == 40
    assert counts[0] > counts[2]


@pytest.mark.parametrize(
    ("drawn", "wrong"),
    [
        (Scene((replace(FOX, colour="green"), OWL), (KITE,), place="beach"), {"colour"}),
        (Scene((FOX, OWL), (KITE,), place="forest"), {"place"}),
        (Scene((FOX, OWL), (replace(KITE, colour="red"),), place="beach"), {"thing_colour"}),
        (Scene((FOX, OWL), (), place="beach"), {"thing", "thing_colour"}),
        (
            Scene((replace(OWL, position="left"), replace(FOX, position="right")), (KITE,),
                  place="beach"),
            {"species", "colour"},
        ),  # two animals in each other's place
    ],
)  # fmt: skip
def test_what_is_wrong_is_counted_under_its_name(drawn, wrong):
    found = adherence([ask(SCENE)], [facts(drawn)])
    assert {k for k, (v, _) in found.items() if v < 1} - {
        "attributes", "attributes_of_2", "scene", "scene_of_2",
    } == wrong  # fmt: skip
    assert found["scene"] == (0.0, 1)


def test_a_crowd_does_not_please_every_caption():
    third = Character("cat", "white", position="middle", name="Iris")
    found = adherence([ask(SCENE)], [facts(Scene((FOX, third, OWL), (KITE,), place="beach"))])
    assert found["attributes"][0] == 1
    assert found["scene"][0] == 0


def test_who_does_what_to_whom_is_an_attribute():
    act = Interaction("hug", "left", "right")
    scene = Scene((FOX, OWL), place="beach", interaction=act)
    assert {kind_of(f) for f in facts(scene)} >= {"interaction", "species", "mood", "style"}
    found = adherence([ask(scene)], [facts(Scene((FOX, OWL), place="beach"))])
    assert found["interaction"][0] == 0
    assert bodies(facts(scene)) == {("character:left", "fox"), ("character:right", "owl")}


def test_unseen_pairs_want_both_values_at_one_place():
    wanted = asked(scenes(20, "compositional"))
    assert unseen_pairs(wanted, [facts(one.scene) for one in wanted])[0] == 1
    assert unseen_pairs(wanted, [frozenset()] * 20)[0] == 0
    assert unseen_pairs(wanted, [facts(one.scene) for one in wanted])[1] >= 20
    with pytest.raises(ValueError, match="take them from compositional"):
        unseen_pairs(asked(scenes(3)), [frozenset()] * 3)


def test_shares_of_a_ceiling():
    found = relative({"a": (0.6, 10), "b": (0.5, 4)}, {"a": (0.8, 10), "b": (0.0, 4)})
    assert found == {"a": (pytest.approx(0.75), 10)}
