"""A page is asked for with those who are known before it, and whoever comes in is left to it."""

import json

import pytest

from mmcourse.lora.models.extraction import extract_prompt, introduced, known_after
from mmcourse.lora.models.tasks import structure_of
from mmcourse.lora.models.words import build_tokenizer
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.language.tell import tell

ASKED = "list characters, place and plot points as json: "


@pytest.fixture(scope="module")
def stories():
    return [tell(i, split) for split in ("train", "test") for i in range(150)]


def test_the_prompt_of_a_first_page_and_of_later_ones():
    page = "Wren sat down."
    assert extract_prompt(page, {}) == f"{ASKED}wren sat down."
    known = {"Wren": "elephant", "Hazel": "fox"}
    assert extract_prompt(page, known) == f"{ASKED}wren elephant, hazel fox: wren sat down."


def test_everybody_on_a_page_is_told_before_it_or_introduced_on_it(stories):
    """Once each: so the question has an answer, and the prompt gives none of the page's away."""
    for story in stories:
        species = {c.name: c.species for c in story.cast}
        for at, page in enumerate(story.pages):
            known, new = known_after(story.pages[:at]), introduced(page)
            assert not known.keys() & new.keys()
            assert (known | new).items() <= species.items()
            assert {c.name for c in page.scene.characters} <= known.keys() | new.keys()
            said = tokens(page.text)
            assert all({name.lower(), x} <= set(said) for name, x in new.items())


def test_nobody_is_known_before_the_first_page_and_strangers_come_later(stories):
    assert known_after([]) == {}
    later = [page for story in stories for page in story.pages[1:]]
    assert any(introduced(page) for page in later)
    assert not all(introduced(page) for page in later)


def test_they_stand_in_the_order_of_their_coming(stories):
    for story in stories:
        known = list(known_after(story.pages))
        for at in range(len(story.pages)):
            before = list(known_after(story.pages[:at]))
            assert before == known[: len(before)]
        first = story.pages[0]
        found = [first.text.index(name) for name in introduced(first)]
        assert found == sorted(found)


def test_examples_are_asked_so_in_words_that_the_models_know():
    words = build_tokenizer()
    for i in range(100):
        pages = tell(i, "train").pages
        at = i % len(pages)
        example = structure_of(i, "train", 16)
        assert example.prompt == extract_prompt(pages[at].text, known_after(pages[:at]))
        assert words.unk_token_id not in words(example.prompt)["input_ids"]
        for person in json.loads(example.answer)["characters"]:  # all of it can be copied
            assert {person["name"], person["species"]} <= set(tokens(example.prompt))
