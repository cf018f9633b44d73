"""The eye that checks pictures: true pages pass, and what is wrong is found and named."""

import dataclasses
import importlib
import itertools
import json
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps

from mmcourse.pictures import to_image, to_tensor
from mmcourse.story import abilities as a
from mmcourse.story.backends import tiny_eye_limits
from mmcourse.story.backends.tiny import tiny_backend
from mmcourse.story.backends.tiny_eye import EyeChecker
from mmcourse.story.backends.tiny_eye_changes import (
    part_of,
    patches_of,
    together,
    with_one_more,
    without,
)
from mmcourse.story.backends.tiny_eye_limits import Limits
from mmcourse.story.backends.tiny_eye_page import Held, distance
from mmcourse.story.facts import Fact
from mmcourse.story.staging import called
from mmcourse.storyworld import render, sample_scene
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.sampling import held_out_pairs
from mmcourse.storyworld.world.scene import Character, Interaction, Scene
from mmcourse.vqgan.latents import LatentAutoencoder

FOX = Character("fox", "orange", "hat", "happy", "standing", "left", "Fern", (0.3,) * 8)
OWL = Character("owl", "blue", "none", "sad", "sitting", "right", "Alma")
BEAR = Character("bear", "white", "scarf", "angry", "standing", "middle", "Gus")
PAIR = Scene((FOX, OWL), place="forest", time="day", weather="clear")
THREE = Scene((FOX, OWL, BEAR), place="beach", weather="rain", style="sketch")
ALONE = Scene((dataclasses.replace(BEAR, mood="happy"),), place="village", weather="snow")
OTHER = {
    **{"species": "cat", "colour": "green", "accessory": "crown", "mood": "surprised"},
    **{"action": "jumping", "place": "pond", "time": "night", "weather": "snow"},
}


@pytest.fixture(scope="module")
def eye():
    return EyeChecker()


def findings(eye, picture, scene, **changed):
    asked = a.CheckRequest(picture, staging=scene.to_json(), style=scene.style, **changed)
    return {f.what: f for f in eye.check(asked)}


def failed(eye, picture, scene, **changed):
    return {k for k, f in findings(eye, picture, scene, **changed).items() if not f.passed}


def with_(scene, who, **changed):
    cast = (dataclasses.replace(c, **changed) if c is who else c for c in scene.characters)
    return dataclasses.replace(scene, characters=tuple(cast))


@pytest.mark.parametrize("scene", [PAIR, THREE, ALONE], ids=["pair", "three", "alone"])
def test_a_true_page_passes(eye, scene):
    found = findings(eye, render(scene, 128), scene)
    assert all(f.passed for f in found.values())
    assert {"place", "time", "weather", "sides", "nobody else"} <= set(found)
    for c in scene.characters:
        assert {f"{k} of {c.name}" for k in (*v.CHARACTER_ATTRIBUTES, "presence")} <= set(found)


def test_pages_like_those_of_a_network_pass(eye):
    """Never seen pairs of attributes, other hills and markings, and the blur of the latents."""
    latents = LatentAutoencoder.from_pretrained("latents-128").eval()
    passed = []
    for i in range(6):
        asked = dataclasses.replace(sample_scene("compositional", i), style=v.STYLES[i % 4])
        assert held_out_pairs(asked)
        people = (dataclasses.replace(c, identity=()) for c in asked.characters)
        drawn = dataclasses.replace(
            asked, characters=tuple(people), variation=(asked.variation + 1) % 4
        )
        with torch.no_grad():
            pixels = latents.decode(latents.encode(to_tensor(render(drawn, 128))[None]))
        picture = to_image(pixels[0]).resize((512, 512), Image.Resampling.LANCZOS)
        passed.append(not failed(eye, picture, asked))
    assert sum(passed) >= 5, passed


@pytest.mark.parametrize("attribute", OTHER)
@pytest.mark.parametrize("scene", [PAIR, THREE], ids=["pair", "three"])
def test_one_exchanged_attribute_is_found_and_named(eye, scene, attribute):
    if attribute in v.SCENE_ATTRIBUTES:
        drawn, what = dataclasses.replace(scene, **{attribute: OTHER[attribute]}), attribute
    else:
        drawn, what = with_(scene, FOX, **{attribute: OTHER[attribute]}), f"{attribute} of Fern"
    found = findings(eye, render(drawn, 128), scene)
    assert not found[what].passed
    assert found[what].found == OTHER[attribute] or attribute == "place"  # a pond is in a meadow
    assert found[what].distance > 1
    assert all(f.passed for k, f in found.items() if k.endswith("of Alma"))


def test_what_the_text_says_goes_before_the_staging(eye):
    lied = findings(eye, render(PAIR, 128), PAIR, facts=(Fact("Fern", "colour", "green"),))
    wrong = lied["colour of Fern"]
    assert (wrong.passed, wrong.expected, wrong.found) == (False, "green", "orange")
    assert sum(not f.passed for f in lied.values()) == 1


def test_looks_that_were_exchanged_are_wrong_on_both(eye):
    swapped = with_(with_(PAIR, FOX, colour="blue"), OWL, colour="orange")
    assert {"colour of Fern", "colour of Alma"} <= failed(eye, render(swapped, 128), PAIR)


def test_nobody_is_there(eye):
    moved = with_(ALONE, ALONE.characters[0], position="left")
    found = findings(eye, render(moved, 128), with_(ALONE, ALONE.characters[0], position="right"))
    missing = found["presence of Gus"]
    assert (missing.passed, missing.found) == (False, "nobody")
    assert missing.distance > 1
    assert "presence of Alma" in failed(eye, render(without(PAIR, OWL), 128), PAIR)


def test_a_page_without_anybody(eye):
    """What no scene can be: the animals are painted over with what is around them."""
    picture = render(PAIR, 128)
    sky = picture.crop((0, 0, 128, 24)).resize((128, 128))
    assert {"presence of Fern", "presence of Alma"} <= failed(eye, sky, PAIR)


def test_somebody_else(eye):
    crowd = with_one_more(PAIR, "middle", "frog", "pink")
    assert "nobody else" in failed(eye, render(crowd, 128), PAIR)
    both = dataclasses.replace(ALONE, characters=(*ALONE.characters, FOX))
    assert "nobody else" in failed(eye, render(both, 128), ALONE)


def test_left_is_left_where_one_can_tell(eye):
    assert "sides" in failed(eye, ImageOps.mirror(render(PAIR, 128)), PAIR)
    assert "sides" in failed(eye, ImageOps.mirror(render(THREE, 128)), THREE)
    plain = Scene(characters=(Character("frog", "white", name="Kit"),), place="meadow")
    said = findings(eye, render(plain, 128), plain)["sides"]
    assert said.passed
    assert said.found == "can't tell: turned round it looks the same"
    assert said.distance is None


@pytest.mark.parametrize("turned", [False, True])
def test_an_old_picture_is_no_new_one(eye, turned):
    old = render(PAIR, 128)
    seen = a.Reference("Fern", old, staging=PAIR.to_json())
    later = dataclasses.replace(with_(PAIR, FOX, mood="sad"), time="night")
    copy = ImageOps.mirror(old) if turned else old
    found = findings(eye, copy, later, references=(seen,))
    name = "mirrored copy" if turned else "copy"
    assert found["new picture"].found == f"a {name} of the picture of Fern"
    assert findings(eye, render(later, 128), later, references=(seen,))["new picture"].passed
    assert "new picture" not in findings(eye, old, PAIR, references=(seen,))  # it was asked for


def test_an_upload_is_compared_by_its_pixels(eye):
    seen = a.Reference("Fern", render(PAIR, 128))
    later = dataclasses.replace(PAIR, time="night")
    found = findings(eye, render(PAIR, 128), later, references=(seen,))
    assert found["new picture"].found == "a copy of the picture of Fern"


def test_what_is_not_measured_is_said(eye):
    seen = a.Reference("Fern", render(PAIR, 96), staging=PAIR.to_json())
    handing = dataclasses.replace(PAIR, things=sample_with_thing().things)
    found = findings(eye, render(handing, 128), handing, references=(seen,))
    assert found["identity of Fern"].found.startswith("not measured")
    assert found["things and deeds"].found.startswith("not measured")
    assert "things and deeds" not in findings(eye, render(PAIR, 128), PAIR)
    loose = eye.check(a.CheckRequest(render(PAIR, 96)))
    assert [f.what for f in loose] == ["facts"]


def sample_with_thing():
    return next(s for i in range(50) if (s := sample_scene("test", i)).things)


def test_the_order_of_characters_does_not_matter(eye):
    """Of true pages and of wrong ones: the same findings, to the last digit."""
    wrong = with_(with_(THREE, FOX, mood="sad"), BEAR, species="frog")
    for picture in (render(THREE, 128), render(wrong, 128)):
        said = []
        for order in itertools.islice(itertools.permutations(THREE.characters), 0, 6, 2):
            scene = dataclasses.replace(THREE, characters=order)
            said.append(findings(eye, picture, scene))
        assert said[0] == said[1] == said[2]


def test_distance_is_twice_the_way():
    dice = torch.Generator().manual_seed(0)
    a_, o, aside = torch.randn(3, 5, 4, 4, generator=dice)
    change = o - a_
    aside -= change * (aside * change).sum() / (change * change).sum()  # at a right angle
    for way in (-0.5, 0.0, 0.5, 1.0):
        assert distance(a_ + way * change + aside, a_, o) == pytest.approx(2 * way, abs=1e-5)
    assert distance(aside, a_, a_) == 0.0
    x = torch.randn(5, 4, 4, generator=dice)
    nearer = float((x - a_).norm()) <= float((x - o).norm())
    assert (distance(x, a_, o) <= 1) == nearer


def test_by_chance_is_not_told(eye):
    """A picture a little beyond the middle, between two faces, is neither."""
    sad = with_(PAIR, FOX, mood="sad")
    asked, other = eye.drawn(PAIR), eye.drawn(sad)
    change = (other - asked)[:, part_of(PAIR, FOX)]
    checker = EyeChecker(limits=Limits(chance=0.2 * float(change.norm())))
    said = []
    for way in (0.4, 0.55, 0.7):  # 0.6 is what chance may do
        seen = asked + way * (other - asked)
        request = a.CheckRequest(render(PAIR, 16), staging=PAIR.to_json())
        said += [f for f in checker.findings(request, seen) if f.what == "mood of Fern"]
    assert [f.passed for f in said] == [True, True, False]
    assert [f.found for f in said] == ["happy", "can't tell: happy or sad", "sad"]


def test_one_drawing_changes_all_who_can_change():
    ((both, who),) = together(PAIR, "mood", {"right": "happy", "left": "sad"})
    assert who == ("left", "right")
    assert [c.mood for c in both.characters] == ["sad", "happy"]
    twins = with_(PAIR, OWL, species="fox")  # an orange fox and a blue one
    alone = together(twins, "colour", {"left": "pink", "right": "pink"})
    assert [who for _, who in alone] == [("left",), ("right",)]
    assert together(with_(PAIR, FOX, action="sleeping"), "mood", {"left": "angry"}) == []
    hugging = dataclasses.replace(
        with_(PAIR, OWL, action="standing"), interaction=Interaction("hug", "left", "right")
    )
    ((stopped, _),) = together(hugging, "action", {"left": "waving"})
    assert stopped.interaction is None
    ((still, _),) = together(hugging, "colour", {"left": "pink"})
    assert still.interaction == hugging.interaction


def test_everybody_has_their_part_of_the_picture():
    parts = torch.stack([part_of(THREE, c) for c in THREE.characters])
    assert (parts.sum(0) >= 1).all()
    assert (parts.sum(0) == 1).float().mean() > 0.8  # a column in the middle of two is of both
    for c, part in zip(THREE.characters, parts, strict=True):
        assert part.shape == (16, 16)
        assert (patches_of(THREE, c) & ~part).sum() <= 1
    where = [patches_of(THREE, c) for c in THREE.characters]
    assert not (where[0] & where[1]).any()


def test_a_suspicion_is_about_the_value_that_was_drawn(eye):
    drawn = render(with_(PAIR, OWL, colour="yellow"), 128)
    held = Held(eye, PAIR, eye.look(drawn))
    first = {(d.attribute, d.position): d.instead[0] for d, _ in held.doubts()}
    assert first["colour", "right"] == "yellow"
    for doubt, likelier in held.doubts():
        assert likelier == sorted(likelier, reverse=True)
        assert doubt.asked not in doubt.instead


def test_the_next_try_costs_no_new_drawings(eye):
    picture = render(with_(PAIR, FOX, mood="sad"), 128)
    failed(eye, picture, PAIR)
    before = eye.drawn.cache_info().misses
    failed(eye, picture, PAIR)
    assert eye.drawn.cache_info().misses == before


def test_the_judge_is_never_asked():
    for name in ("tiny_eye", "tiny_eye_page", "tiny_eye_changes", "tiny_eye_limits"):
        module = importlib.import_module(f"mmcourse.story.backends.{name}")
        assert "storyworld.judge" not in Path(module.__file__).read_text("utf-8")


def test_the_limits_are_those_that_were_measured():
    told = json.loads((Path(__file__).parents[2] / "experiments" / "eye.json").read_text("utf-8"))
    for name, values in told["limits"].items():
        assert getattr(tiny_eye_limits, name) == values


def test_findings_are_in_the_names_of_the_story():
    checker = tiny_backend().ability("checker")
    staging = called(PAIR.to_json(), {"Fern": "Mia"})
    facts = (Fact("Mia", "colour", "green"),)
    found = checker.check(a.CheckRequest(render(PAIR, 128), facts, staging, PAIR.style))
    assert {f.what for f in found if not f.passed} == {"colour of Mia"}
