"""The shipped models of chapter 6 are as good as their cards say, on a part of what they say."""

import pytest
from transformers import AutoModel, AutoModelForImageTextToText, AutoProcessor

from mmcourse.hub import find_folder, read_card, shipped
from mmcourse.lora.models.recipe import MEASURES

SHIPPED = [name for name in MEASURES if name in shipped()]
FEW = {"clip": 60, "blip2": 40, "llava": 60, "qwen-vl": 60}
"""Examples of each: a few seconds."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_part_of_them_measures_as_the_card_says(name):
    kind, measure = MEASURES[name]
    stated, found = read_card(name)["metrics"], measure(kind.from_pretrained(name), FEW[name])
    assert stated.keys() == found.keys()
    for metric, value in found.items():
        n = value["n"]
        band = stated[metric]["band"] + 2 * (0.25 / n) ** 0.5  # fewer examples, more chance
        assert value["value"] == pytest.approx(stated[metric]["value"], abs=band), metric


@pytest.mark.parametrize("name", SHIPPED)
def test_any_program_loads_the_folder(name):
    auto = AutoModel if name == "clip" else AutoModelForImageTextToText
    model, report = auto.from_pretrained(find_folder(name), output_loading_info=True)
    assert not any(report[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    processor = AutoProcessor.from_pretrained(find_folder(name))
    words = model.config.get_text_config().vocab_size
    assert len(processor.tokenizer) <= words


def test_clip_knows_who_has_what():
    told = {k: m["value"] for k, m in read_card("clip")["metrics"].items()}
    assert min(told["recall_text"], told["recall_picture"]) >= 0.95
    assert told["exchange"] >= 0.9
    assert all(told[f"read_{k}"] >= 0.95 for k in ("species", "colour", "mood", "action"))


def test_captions_are_true_and_say_much():
    told = {k: m["value"] for k, m in read_card("blip2")["metrics"].items()}
    assert told["true"] >= 0.95
    assert told["told"] >= 0.8


def test_llava_answers_and_knows_what_it_cannot_tell():
    told = read_card("llava")["metrics"]
    assert told["right_all"]["value"] >= 0.95
    assert told["right_all"]["chance"] < 0.05  # of a blank picture
    assert told["right_unanswerable"]["value"] >= 0.9
    assert told["extraction_all"]["value"] >= 0.95
