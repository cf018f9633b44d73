"""Everyday words are read as the world's words.

`data/everyday.txt` (500 sentences) was written before the lexicon: its SHA-256 was fixed then and
is checked here, so that no sentence can be bent to fit.
"""

import hashlib
from pathlib import Path

import pytest

from mmcourse.storyworld import Tokenizer
from mmcourse.storyworld.lexicon import lexicon, read_prompt
from mmcourse.storyworld.parse import read
from mmcourse.storyworld.phrases import chunk, tokens

DATA = Path(__file__).parent / "data"
WRITTEN_FIRST = "5920e4cc7e0d9edbf99cc27bdb77617552296ccacb244f4edbfdca4196d7d186"


def everyday():
    return (DATA / "everyday.txt").read_text("utf-8").splitlines()


def test_the_sentences_are_those_written_before_the_lexicon():
    assert hashlib.sha256((DATA / "everyday.txt").read_bytes()).hexdigest() == WRITTEN_FIRST
    assert len(set(everyday())) == 500


def test_at_least_98_in_100_everyday_sentences_are_read():
    readings = [read_prompt(line) for line in everyday()]
    assert sum(r.ok for r in readings) >= 490


def test_what_is_read_is_in_the_models_vocabulary():
    tokenizer = Tokenizer()
    for line in everyday():
        tokenizer.encode(read_prompt(line).text)


def test_a_reading_keeps_a_subject_and_its_setting():
    readings = [read(read_prompt(line).text) for line in everyday()]
    spoken = [a for a in readings if any(k in ("species", "kind") for _, k, _ in a.facts)]
    assert len(spoken) > 470


def test_unknown_things_are_refused_with_the_nearest_words():
    rows = [line.split("\t") for line in (DATA / "refused.txt").read_text("utf-8").splitlines()]
    assert len(rows) == len({word for word, _ in rows}) == 100
    for word, sentence in rows:
        reading = read_prompt(sentence)
        assert word in [r.word for r in reading.refused], sentence
        assert all(r.nearest for r in reading.refused)
        assert f'"{word}" does not exist in StoryWorld' in reading.explain()


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("a furious puppy at the seaside", "a furious fox on the beach"),
        ("two bunnies in a crimson hat", "two rabbits in a red hat"),
        ("A Ginger Kitten!", "an orange cat!"),
        ("a frog king", "a frog in a crown"),
    ],
)
def test_substitutions(typed, read_as):
    assert read_prompt(typed).text == read_as


def test_what_was_changed_is_said():
    reading = read_prompt("a cute puppy at the seaside with a smartphone")
    assert reading.substitutions == (("puppy", "fox"), ("at the seaside", "on the beach"))
    assert reading.left_out == ("cute",)
    assert [r.word for r in reading.refused] == ["smartphone"]
    assert '"puppy" is read as "fox"' in reading.explain()


def test_the_worlds_own_words_are_left_alone():
    text = "a happy red fox with a hat on waves in the forest at night."
    reading = read_prompt(text)
    assert (reading.text, reading.substitutions, reading.left_out) == (text, (), ())
    assert reading.ok
    assert reading.explain() == ""


def test_there_are_about_2000_words_and_every_target_is_the_worlds():
    assert len(lexicon()) >= 2000
    for target in set(lexicon().values()):
        assert not [x for x in chunk(tokens(target)) if x.kind == "unread"], target


def test_a_prompt_must_be_text():
    with pytest.raises(ValueError, match="is a str"):
        read_prompt(None)
    assert read_prompt("").ok
