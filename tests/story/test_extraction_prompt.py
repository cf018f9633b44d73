"""The storyteller asks for a page in the words that LLaVA was trained on."""

import json

import pytest

from mmcourse.lora.models.extraction import introduced
from mmcourse.lora.models.tasks import structure_of
from mmcourse.story import abilities as a
from mmcourse.story.backends.tiny_answers import (
    PAGES,
    TinyPictureAnswerer,
    TinyStoryAnswerer,
    known_before,
)
from mmcourse.story.backends.tiny_models import Seer
from mmcourse.story.backends.tiny_reader import LlavaExtractor, known_in
from mmcourse.story.facts import Fact
from mmcourse.story.state import State, dated
from mmcourse.storyworld.language.tell import tell

EMPTY = {"characters": [], "place": {"place": "", "time": "", "weather": ""}, "points": []}


def state_after(pages, first=1):
    """What a storyteller knows of these pages, and things that no prompt may tell."""
    facts = ()
    for scene, page in enumerate(pages, first):
        told = [Fact(name, "species", x) for name, x in introduced(page).items()]
        told += [Fact("character 1", "species", "owl"), Fact("Mia", "species", "fox")]
        facts += dated([*told, *(Fact(*x) for x in sorted(page.facts) if x[1] != "species")], scene)
    return State(facts, tuple(range(first, first + len(pages))))


@pytest.fixture
def asked(tiny_folders, monkeypatch):
    """An extractor, and the prompts that its model is asked."""
    prompts = []

    def say(texts, pictures, *_, logits_processor, **__):
        assert logits_processor[0].narrowed is not None  # by the page, beside the grammar
        prompts.append(list(texts))
        return [json.dumps(EMPTY)] * len(texts)

    seer = Seer("llava", tiny_folders("llava"))
    monkeypatch.setattr(seer, "say", say)
    return LlavaExtractor(seer), prompts


def test_a_page_is_asked_for_as_in_training(asked):
    extractor, prompts = asked
    for i in range(200):
        pages = tell(i, "train").pages
        at = i % len(pages)
        state = state_after(pages[:at]) if at else None
        extractor.extract(a.ExtractRequest(pages[at].text, state))
        assert prompts.pop() == [structure_of(i, "train", 16).prompt]


def test_the_answerer_asks_for_each_page_with_those_before_it(asked):
    extractor, prompts = asked
    answerer = TinyStoryAnswerer(extractor, TinyPictureAnswerer(extractor.seer))
    for i in range(100):
        pages = tell(i, "train").pages
        text = "\n\n".join(page.text for page in pages)
        request = a.AnswerRequest("where are we?", text=text, state=state_after(pages, first=7))
        answerer.answer(request)
        told = prompts.pop()
        assert len(told) == min(PAGES, len(pages))
        first = len(pages) - len(told)
        at = i % len(pages)
        if at >= first:
            assert told[at - first] == structure_of(i, "train", 16).prompt


def test_who_is_known_before_each_page():
    kit, rue = Fact("Kit", "species", "owl", 3), Fact("Rue", "species", "fox", 8)
    state = State((kit, rue), (3, 8))
    assert known_before(state, 2) == [{}, {"Kit": "owl"}]
    everybody = {"Kit": "owl", "Rue": "fox"}
    assert known_before(state, 3) == [everybody] * 3  # a scene of two paragraphs
    assert known_before(None, 2) == [{}, {}]
    assert known_in(state) == everybody
    assert known_in(None) == {}
    strange = (Fact("Rue", "species", "griffin", 9), Fact("Mia", "species", "fox", 9))
    assert known_in(State((*strange, kit), (3,))) == {"Kit": "owl"}
