"""The chapter's shipped weights are what their cards say."""

import pytest

from mmcourse.diffusion.draw import companions
from mmcourse.diffusion.measure import text_metrics
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.hub import read_card
from mmcourse.storyworld.judge.network import Judge


def test_measuring_the_text_unet_again_gives_what_the_card_states():
    stated = read_card("text-unet")["metrics"]
    model, judge = TextUNet.from_pretrained("text-unet"), Judge.from_pretrained("judge").eval()
    found = text_metrics(model, *companions(model, "cpu"), judge, 8, many=None)
    for name in ("drawn_attributes", "round_trip_attributes", "oracle_attributes"):
        metric = stated[name]
        assert found[name]["value"] == pytest.approx(metric["value"], abs=metric["band"]), name


def test_what_the_chapter_says_of_what_is_drawn():
    """Twenty steps do as well as two hundred, guidance helps, and what is large comes first."""
    told = {name: metric["value"] for name, metric in read_card("text-unet")["metrics"].items()}
    assert abs(told["steps_20_attributes"] - told["steps_200_attributes"]) <= 0.02
    assert told["unguided_attributes"] < told["steps_20_attributes"]
    assert min(told[f"drawn_{name}"] for name in ("style", "time", "weather", "place")) > 0.97
    assert max(told[f"drawn_{name}"] for name in ("species", "mood", "thing")) < 0.5
