"""The checker lets true pictures pass, and finds fault with everything else."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from mmcourse.story.abilities import CheckRequest, Reference
from mmcourse.story.backends.world_checker import COPY, WorldChecker, small
from mmcourse.story.backends.world_pictures import named_facts
from mmcourse.story.copies import apart
from mmcourse.storyworld import Scene, render, sample_scene
from mmcourse.storyworld.world import vocabulary as v

SIZE = 96
PIP = (0.8, -0.5, 0.9, -0.9, 0.9, 0.9, 0.4, -0.6)
DOUBLE = (-0.8, 0.6, -0.9, 0.9, -0.9, -0.9, -0.6, 0.5)


def a_scene(style="flat", **changes):
    """Two in a garden; Pip has marks on one side."""
    scene = sample_scene("test", 0)
    pip = replace(scene.characters[0], species="fox", colour="orange", mood="happy", name="Pip",
                  action="standing", accessory="none", position="left", identity=PIP)  # fmt: skip
    ana = replace(pip, species="owl", colour="blue", name="Una", position="right", mood="sad")
    return Scene((replace(pip, **changes), ana), place="garden", style=style)


def request(scene, picture, references=()):
    return CheckRequest(picture, named_facts(scene), scene.to_json(), scene.style, references)


def remembered(scene):
    return tuple(Reference(c.name, identity=c.identity) for c in scene.characters)


def failed(scene, picture, references=None):
    known = remembered(scene) if references is None else references
    return [f.what for f in WorldChecker().check(request(scene, picture, known)) if not f.passed]


@pytest.mark.parametrize("style", v.STYLES)
def test_a_true_picture_passes_in_every_style_and_size(style):
    for size in (64, 160):
        scene = a_scene(style)
        assert failed(scene, render(scene, size)) == []


def test_many_true_scenes_pass():
    for i in range(6):
        scene = sample_scene("val", i)
        assert failed(scene, render(scene, 64)) == [], i


@pytest.mark.parametrize("style", v.STYLES)
def test_a_double_is_not_the_hero(style):
    asked, drawn = a_scene(style), a_scene(style, identity=DOUBLE)
    assert "identity of Pip" in failed(asked, render(drawn, SIZE))


def test_memory_goes_before_the_staging():
    """A staging that has a double in it does not make the double the hero."""
    staged = a_scene(identity=DOUBLE)
    known = (Reference("Pip", identity=PIP),)
    assert "identity of Pip" in failed(staged, render(staged, SIZE), known)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"mood": "angry"}, "mood of Pip"),
        ({"accessory": "crown"}, "accessory of Pip"),
        ({"action": "jumping"}, "action of Pip"),
        ({"species": "bear"}, "species of Pip"),
        ({"colour": "green"}, "colour of Pip"),
    ],
)
def test_what_the_text_does_not_say_is_found(change, what):
    assert what in failed(a_scene(), render(a_scene(**change), SIZE))


@pytest.mark.parametrize("change", [{"place": "pond"}, {"time": "night"}, {"weather": "snow"}])
def test_another_setting_is_found(change):
    scene = a_scene()
    assert next(iter(change)) in failed(scene, render(replace(scene, **change), SIZE))


def test_the_text_goes_before_the_staging():
    staged = a_scene(mood="angry")
    said = named_facts(a_scene(mood="happy"))
    found = WorldChecker().check(
        CheckRequest(render(staged, SIZE), said, staged.to_json(), "flat", ())
    )
    assert "mood of Pip" in [f.what for f in found if not f.passed]


def test_a_mirrored_picture_is_found():
    scene = a_scene()
    assert "sides" in failed(scene, ImageOps.mirror(render(scene, SIZE)))


def test_a_page_on_which_little_has_changed_is_no_copy():
    before, after = a_scene(), a_scene(accessory="scarf")
    then, now = render(before, SIZE), render(after, SIZE)
    assert apart(small(then), small(now)) < COPY
    old = Reference("Pip", then, None, before.to_json(), identity=PIP)
    assert failed(after, now, (old,)) == []
    assert "new picture" in failed(after, then, (old,))
    elsewhere = replace(after, place="beach")
    assert "new picture" in failed(elsewhere, then, (old,))
    assert "new picture" in failed(elsewhere, ImageOps.mirror(then), (old,))


def test_a_copy_of_an_older_picture_and_its_mirror_image_are_found():
    old, new = a_scene(), a_scene(mood="sad")
    picture = render(old, SIZE)
    known = (Reference("Pip", picture, staging=old.to_json(), identity=PIP),)
    for drawn, name in ((picture, "a copy"), (ImageOps.mirror(picture), "a mirrored copy")):
        found = WorldChecker().check(request(new, drawn, known))
        (copy,) = [f for f in found if f.what == "new picture"]
        assert not copy.passed
        assert copy.found.startswith(name)
    assert "new picture" not in failed(old, picture, known)  # the same scene was asked for again


def test_noise_and_another_scene_fail_and_a_little_blur_passes():
    scene = a_scene()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    assert len(failed(scene, noise)) > 5
    assert len(failed(scene, render(sample_scene("test", 7), SIZE))) > 3
    assert failed(scene, render(scene, 192).filter(ImageFilter.GaussianBlur(1))) == []


def test_what_nobody_staged_is_not_claimed():
    (finding,) = WorldChecker().check(CheckRequest(Image.new("RGB", (32, 32))))
    assert finding.passed
    assert "not measured" in finding.found
