"""Adherence: what counts as asked, and that neither emptiness nor other scenes please it."""

import pytest
import torch

from mmcourse.storyworld import render_bytes
from mmcourse.storyworld.judge.measure_adherence import SHARES, asked_scenes, measure_adherence
from mmcourse.storyworld.judge.network import Judge


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.from_pretrained("judge").eval()


@pytest.fixture(scope="module")
def oracle(judge):
    scenes = asked_scenes(40)
    return measure_adherence(judge, scenes, render_bytes(scenes))


def test_the_scenes_are_fixed_and_of_these_shares() -> None:
    scenes = asked_scenes(40)
    assert [sum(len(s.characters) == k for s in scenes) for k in SHARES] == [20, 14, 6]
    assert scenes == asked_scenes(40)
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        asked_scenes(1)


def test_true_drawings_are_read_and_every_attribute_is_counted(oracle) -> None:
    assert oracle["attributes"]["value"] > 0.97
    assert oracle["whole_of_1"]["value"] > 0.7
    assert oracle["species"]["n"] == 20 + 28 + 18  # one for each character, none for empty places
    assert oracle["place"]["n"] == 40
    assert {"colour", "mood", "accessory", "action", "thing", "style", "number"} <= set(oracle)
    total = sum(m["n"] for k, m in oracle.items() if k not in ("attributes", "number")
                and not k.startswith("whole"))  # fmt: skip
    assert oracle["attributes"]["n"] == total


def test_other_scenes_and_empty_pictures_do_not_please(judge, oracle) -> None:
    scenes = asked_scenes(40)
    pictures = render_bytes(scenes)
    other = measure_adherence(judge, scenes, pictures.roll(1, 0))
    empty = measure_adherence(judge, scenes, torch.full_like(pictures, 255))
    for found in (other, empty):
        assert found["attributes"]["value"] < 0.6
        assert found["whole_of_1"]["value"] == 0
    assert empty["species"]["value"] < 0.3
    with pytest.raises(ValueError, match="one picture for each scene, got 3 for 40"):
        measure_adherence(judge, scenes, pictures[:3])
