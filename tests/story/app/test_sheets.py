"""Character sheets: the faces that a story's pictures have, portraits, and ties."""

from itertools import pairwise

import numpy as np
import pytest

from mmcourse.story.app import shown
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.library import Library
from mmcourse.story.staging import names_in, people, scene_of
from mmcourse.story.story import Settings
from mmcourse.storyworld.drawing.depth import LABELS, segmentation

SENTENCES = ("Mia and Tom hug", "Mia finds a hat", "Mia is sad", "Tom follows Mia")


@pytest.fixture(scope="module")
def teller():
    return Storyteller(Library(":memory:"), default_team())


@pytest.fixture(scope="module")
def told(teller):
    settings = Settings(size=48)
    story = run(
        teller.start("", "Mia the fox and Tom the bear are happy", seed=2, settings=settings)
    )
    for sentence in SENTENCES:
        story = run(teller.go_on(story, sentence))
    return story


def sheet(teller, story, name):
    return next(p for p in shown.story(teller, story)["people"] if p["name"] == name)


@pytest.mark.parametrize("name", ["Mia", "Tom"])
def test_a_face_is_cut_from_where_they_are_in_the_picture(teller, told, name):
    seen = sheet(teller, told, name)["seen"]
    assert seen
    for face in seen:
        staging = told.node(face["scene"]).picture.staging
        assert face["hash"] == told.node(face["scene"]).picture.hash
        left, top, side = face["crop"]
        assert 0 <= left <= left + side <= 1
        assert 0 <= top <= top + side <= 1
        scene, names = scene_of(staging), names_in(staging)
        who = next(c for c in scene.characters if names.get(c.name, c.name) == name)
        mask = segmentation(scene, 128) == LABELS.index(f"character:{who.position}")
        y, x = (np.argwhere(mask).T + 0.5) / 128
        inside = (x > left) & (x < left + side) & (y > top) & (y < top + side)
        assert inside.mean() > 0.97


def test_faces_are_there_where_looks_or_moods_changed(teller, told):
    seen = sheet(teller, told, "Mia")["seen"]
    along = [people(n.picture.staging).get("Mia") for n in told.path()]
    looks = [(c.accessory, c.mood) for c in along if c]
    changes = [x for i, x in enumerate(looks) if i == 0 or x != looks[i - 1]]
    assert len(seen) == len(changes) >= 2
    assert [f["mood"] for f in seen] == [mood for _, mood in changes]


def test_a_painted_portrait_stands_beside_the_faces_and_belongs_to_its_page(teller, told):
    painted = run(teller.visualise(told, "Mia"))
    after = sheet(teller, painted, "Mia")
    assert after["seen"] == sheet(teller, told, "Mia")["seen"]
    assert [p["scene"] for p in after["portraits"]] == [told.current]
    earlier = teller.branch(painted, told.path()[1].id)
    assert sheet(teller, earlier, "Mia")["portraits"] == []


def test_moods_that_last_are_told_once(teller, told):
    moods = sheet(teller, told, "Mia")["moods"]
    assert all(a["mood"] != b["mood"] for a, b in pairwise(moods))
    felt = dict.fromkeys(f.scene for f in told.state().history("Mia", "mood"))
    assert [i for m in moods for i in m["scenes"]] == list(felt)


def test_ties_are_told_in_words_between_people_who_are_there(teller, told):
    data = shown.story(teller, told)
    here = {p["name"] for p in data["people"]}
    ties = {f"{t['who']} {t['words']}" for t in data["ties"]}
    assert {"Mia hugged Tom", "Tom followed Mia"} <= ties
    assert all({t["who"], t["value"]} <= here for t in data["ties"])


def test_the_ledger_says_where_as_one_says_it(teller, told):
    words = {f["words"] for f in shown.story(teller, told)["ledger"]["settings"] if "words" in f}
    assert words
    assert not [w for w in words if w.startswith("is at the") and w != "is at the pond"]
