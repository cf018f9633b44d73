"""The course's own illustrator, with a small random transformer."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from mmcourse.dit import DiT, portrait
from mmcourse.hub import weights_hash
from mmcourse.story import abilities as a
from mmcourse.story.backends.tiny import tiny_backend
from mmcourse.story.backends.tiny_pictures import DitIllustrator, close_box, cut_out, shown_heroes
from mmcourse.story.backends.world import world_backend
from mmcourse.story.framework import Storyteller, run
from mmcourse.story.library import Library
from mmcourse.story.story import Settings
from mmcourse.story.team import Team
from mmcourse.storyworld import render, sample_scene

SCENE = next(s for i in range(50) if len((s := sample_scene("test", i)).characters) == 1)
HERO = SCENE.characters[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights of a transformer of one block, none of which is 0, and that minds a portrait."""
    torch.manual_seed(0)
    model = DiT(dim=32, depth=1, heads=1)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    torch.nn.init.normal_(model.to_reference.weight, std=3.0)
    path = tmp_path_factory.mktemp("weights") / "dit"
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def illustrator(folder):
    return DitIllustrator(str(folder))


def request(scene=SCENE, **changed):
    return a.DrawRequest("", scene.to_json(), **{"size": 64, "style": scene.style, **changed})


def drawn(illustrator, asked):
    return list(illustrator.draw(asked))[-1].picture


def shown(scene=SCENE):
    return a.Reference(scene.characters[0].name, render(scene, 96), staging=scene.to_json())


def test_the_same_request_is_the_same_picture(illustrator):
    steps = list(illustrator.draw(request(seed=3)))
    shares, last = steps[:-1], steps[-1]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    assert last.safety == "unchecked"
    assert last.picture.size == (64, 64)
    assert drawn(illustrator, request(seed=3)).tobytes() == last.picture.tobytes()
    assert drawn(illustrator, request(seed=4)).tobytes() != last.picture.tobytes()
    other = "neon" if SCENE.style != "neon" else "flat"
    assert drawn(illustrator, request(seed=3, style=other)).tobytes() != last.picture.tobytes()


def test_words_alone_are_staged_first(illustrator):
    asked = a.DrawRequest("A red fox is happy on the beach.", size=64)
    assert np.asarray(drawn(illustrator, asked)).std() > 0
    with pytest.raises(ValueError, match="nothing in this text can be drawn; name an animal"):
        drawn(illustrator, a.DrawRequest("the committee adjourned", size=64))


def test_a_hero_is_drawn_from_an_earlier_picture(illustrator):
    """The portrait matters, whose it is matters, and one of somebody who is not there does not."""
    other = next(s for i in range(60, 90) if len((s := sample_scene("test", i)).characters) == 1)
    namesake = dataclasses.replace(other.characters[0], name=HERO.name)
    other = dataclasses.replace(other, characters=(namesake,))
    plain = drawn(illustrator, request()).tobytes()
    hero = drawn(illustrator, request(references=(shown(),))).tobytes()
    double = drawn(illustrator, request(references=(shown(other),))).tobytes()
    assert len({plain, hero, double}) == 3
    stranger = dataclasses.replace(shown(), name="Nobody")
    assert drawn(illustrator, request(references=(stranger,))).tobytes() == plain
    seen = (stranger, shown())
    assert drawn(illustrator, request(references=seen)).tobytes() == hero


def test_all_who_were_drawn_before_are_shown_but_two_at_most():
    scene = next(s for i in range(99) if len((s := sample_scene("test", i)).characters) == 3)
    seen = tuple(a.Reference(c.name, render(scene, 96), staging=scene.to_json())
                 for c in scene.characters)  # fmt: skip
    for n, shown_ in ((0, 0), (1, 1), (2, 2), (3, 2)):
        assert len(shown_heroes(request(scene, references=seen[:n]))) == shown_
    first, second = shown_heroes(request(scene, references=seen))
    assert first.tobytes() != second.tobytes()


def test_the_cut_is_that_of_the_training():
    for i in range(8):
        scene = sample_scene("test", i)
        for who in scene.characters:
            seen = a.Reference(who.name, render(scene, 128), staging=scene.to_json())
            cut = cut_out(seen.picture, close_box(seen))
            cut = cut.resize((64, 64), Image.Resampling.LANCZOS)
            assert np.array_equal(np.asarray(cut), np.asarray(portrait(scene, who)))


def test_a_reference_with_a_box_alone_is_framed_around_it():
    picture = Image.new("RGB", (100, 100))
    seen = a.Reference("Pip", picture, box=(0.4, 0.3, 0.6, 0.7))
    left, top, right, bottom = close_box(seen)
    assert left <= 0.4
    assert right >= 0.6
    assert top <= 0.3 + 1e-9
    assert bottom >= 0.7
    assert right - left == pytest.approx(bottom - top)
    assert cut_out(picture, (0.0, 0.0, 0.001, 0.001)).size == (1, 1)
    assert close_box(a.Reference("Pip", picture)) is None
    assert shown_heroes(request(references=(a.Reference(HERO.name, None),))) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"view": {"pan": 0.4}}, "draws from the front alone"),
        ({"size": 0}, "a side of 1 pixel or more, got 0"),
        ({"style": "oil"}, "style"),
    ],
)
def test_what_it_cannot_draw_it_says(illustrator, changed, message):
    with pytest.raises(ValueError, match=message):
        drawn(illustrator, request(**changed))


def test_weights_of_another_autoencoder_are_refused(folder, tmp_path):
    model = DiT(dim=32, depth=1, heads=1, latents="0" * 12)
    model.save_pretrained(tmp_path / "dit")
    with pytest.raises(ValueError, match="these weights draw latents of latents-128 000000000000"):
        drawn(DitIllustrator(str(tmp_path / "dit")), request())


# In the storyteller.


def test_a_backend_offers_what_it_has_weights_for(folder, tmp_path):
    backend = tiny_backend(illustrator=str(folder))
    assert backend.offers()["illustrator"] == f"dit@{weights_hash(folder)}"
    bare = tiny_backend(illustrator=str(tmp_path), eye="no such eye")
    assert {"illustrator", "checker"} <= set(bare.lacks())


def test_a_picture_is_checked_by_the_backend_that_drew_it(folder):
    team = Team([world_backend(), tiny_backend(illustrator=str(folder))])
    assert team.checker()[1].backend == "world"
    assert team.checker("tiny")[1].backend == "tiny"
    assert team.checker("hub")[1].backend == "world"
    wished = Team(team.backends, {"checker": "world"})
    assert wished.checker("tiny")[1].backend == "world"


def test_a_story_is_drawn_checked_and_drawn_again(folder, tmp_path):
    """A random transformer draws nothing that passes, so every picture has its failed tries."""
    team = Team([world_backend(), tiny_backend(illustrator=str(folder))], {"illustrator": "tiny"})
    teller = Storyteller(Library(tmp_path / "a.db"), team)
    settings = Settings(size=64, tries=2)
    story = run(teller.start("", "a fox finds a lantern on the beach", settings=settings, seed=1))
    story = run(teller.go_on(story))
    first, second = (node.picture for node in story.path())
    for picture in (first, second):
        assert (picture.drawn.backend, picture.checked.backend) == ("tiny", "tiny")
        assert len(picture.failed) == 1
        assert not picture.accepted
        assert picture.findings
        assert picture.failed[0].findings
        assert picture.failed[0].hash != picture.hash
        assert abs(picture.failed[0].seed - picture.seed) == 1
    again = run(teller.start("", "a fox finds a lantern on the beach", settings=settings, seed=1))
    assert again.path()[0].picture.hash == first.hash
