"""Sizes from configs: the counts are those that the models' authors state."""

import math

import pytest

from mmcourse.story.backends.hub_memory import held
from mmcourse.story.backends.hub_names import KNOWN
from mmcourse.story.backends.hub_sizes import MAKERS, counted, published, read_per_token

STATED = {"encoder": 151e6, "writer": 3.75e9, "answerer": 7.06e9, "captioner": 3.74e9}


def numbers(weights):
    return sum(math.prod(shape) for _, shape in weights)


def test_every_model_of_the_book_has_its_sizes():
    assert list(MAKERS) == list(KNOWN)
    with pytest.raises(ValueError, match="sizes are known of encoder"):
        published("narrator")


@pytest.mark.parametrize("which", STATED)
def test_a_model_has_as_many_numbers_as_was_stated(which):
    assert numbers(published(which)["model"]) == pytest.approx(STATED[which], rel=0.003)


def test_the_pipelines_parts_have_the_sizes_that_were_stated():
    parts = {part: numbers(weights) / 1e6 for part, weights in published("illustrator").items()}
    stated = {"text_encoder": 123, "unet": 860, "vae": 84, "safety_checker": 304}
    assert parts == pytest.approx(stated, rel=0.01)


def test_a_token_reads_the_language_model_and_one_row_of_its_table():
    tied = [("model.embed_tokens.weight", (100, 8)), ("model.layers.0.weight", (8, 8)),
            ("visual.blocks.0.weight", (8, 8))]  # fmt: skip
    assert read_per_token(tied) == 2 * (800 + 64)  # the table is the last layer as well
    untied = [*tied, ("lm_head.weight", (100, 8))]
    assert read_per_token(untied) == 2 * (800 + 64)
    assert read_per_token(untied, four=True) < read_per_token(untied)
    assert read_per_token(untied) < held(untied)


def test_operations_are_counted_without_numbers():
    import torch

    with torch.device("meta"):
        layer = torch.nn.Linear(8, 16)
    assert counted(layer, torch.zeros(3, 8, device="meta")) == 2 * 3 * 8 * 16
