"""The shipped writer is what its card says, on a part of what it says."""

import pytest

from mmcourse.hub import read_card
from mmcourse.lora.writer import Writer
from mmcourse.lora.writer_recipe import measure_writer

N = 8


@pytest.fixture(scope="module")
def found():
    return measure_writer(Writer.from_pretrained("writer"), N)


def test_a_part_of_it_measures_as_the_card_says(found):
    stated = read_card("writer")["metrics"]
    assert stated.keys() == found.keys()
    for name, metric in found.items():
        chance = 2 * (0.25 / metric["n"]) ** 0.5 if name != "run" else 0  # few, so more chance
        band = stated[name]["band"] + chance
        assert metric["value"] == pytest.approx(stated[name]["value"], abs=band), name


def test_what_the_chapter_says_of_it():
    told = {name: metric["value"] for name, metric in read_card("writer")["metrics"].items()}
    assert told["before"] >= 0.85
    assert told["after"] >= 0.95
    assert told["after"] > told["before"] + 0.05  # reading back is what makes it consistent
    assert told["kept"] >= 0.99
    assert told["distinct"] == 1
    assert told["new"] > 0.95
