"""Chapter 1's opening game: its captions are the world's, and what it says of them is so."""

import pytest

from mmcourse.joint.opening import CAPTIONS, RIGHT, SCENE, TRUE
from mmcourse.storyworld import Tokenizer
from mmcourse.storyworld.language.check import check_scene
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.world.sampling import held_out, held_out_pairs, tables


@pytest.mark.parametrize("number", range(len(CAPTIONS)))
def test_a_caption_is_in_the_worlds_language_and_true_only_where_it_should_be(number):
    Tokenizer().encode([CAPTIONS[number]])  # refuses a word that does not exist
    wrong, unread = check_scene(CAPTIONS[number], SCENE)
    assert unread == ()
    assert (not wrong) == (number in TRUE)


def test_the_right_one_says_more_than_the_other_that_is_true():
    said = {number: len(read(CAPTIONS[number]).facts) for number in TRUE}
    assert max(said, key=said.get) == RIGHT


def test_no_pair_of_values_is_one_that_training_never_showed():
    assert held_out_pairs(SCENE) == []
    for text in CAPTIONS:
        values: dict[str, dict[str, str]] = {}
        for who, attribute, value in read(text).facts:
            values.setdefault(who, {})[attribute] = value
        for group, renamed in (("character", {}), ("thing", {"thing_colour": "colour"})):
            for a, b in tables(group):
                for each in values.values():
                    pair = (each.get(a), each.get(renamed.get(b, b)))
                    assert pair not in held_out(a, b), f"{text}: {pair}"


def test_the_near_misses_are_made_of_the_same_words():
    for number in (3, 10):  # colours exchanged, moods exchanged
        assert sorted(CAPTIONS[number].split()) == sorted(CAPTIONS[RIGHT].split())
