"""The chapter's shipped weights are what their cards and the page say."""

import pytest

from mmcourse.diffusion.draw import companions
from mmcourse.diffusion.measure import text_metrics
from mmcourse.dit.generate import way_of
from mmcourse.dit.model import DiT
from mmcourse.hub import read_card
from mmcourse.storyworld.judge.network import Judge

NAMES = ("dit", "dit-fast")


@pytest.fixture(scope="module")
def judge():
    return Judge.from_pretrained("judge").eval()


@pytest.mark.parametrize("name", NAMES)
def test_measuring_again_gives_what_the_card_states(name, judge):
    stated, model = read_card(name)["metrics"], DiT.from_pretrained(name)
    latents, reader = companions(model, "cpu")
    found = text_metrics(model, latents, reader, judge, 12, way=way_of(model), many=None)
    for metric in ("drawn_attributes", "round_trip_attributes", "oracle_attributes"):
        band = stated[metric]["band"]
        assert found[metric]["value"] == pytest.approx(stated[metric]["value"], abs=band), metric


def test_what_the_chapter_says_of_what_is_drawn():
    told = {n: {k: m["value"] for k, m in read_card(n)["metrics"].items()} for n in NAMES}
    dit, student = told["dit"], told["dit-fast"]
    assert dit["relative_attributes"] >= 0.975
    assert dit["relative_scene_of_1"] >= 0.9
    assert dit["relative_scene_of_2"] >= 0.75
    assert dit["drawn_pairs"] >= 0.82
    assert abs(dit["steps_12_attributes"] - dit["steps_48_attributes"]) <= 0.02
    assert dit["unguided_attributes"] < dit["steps_12_attributes"]
    assert abs(dit["drawn_attributes"] - student["drawn_attributes"]) <= 0.03
    assert dit["identity"] >= 0.85
    assert 0.4 < dit["identity_unshown"] < 0.6
    assert student["identity"] > 0.7
