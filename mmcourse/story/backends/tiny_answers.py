"""Chapter 6's answerers: one looks at the picture, the other reads the story again.

Both ask LLaVA, or Qwen-VL where there is no LLaVA. Neither looks into a record: of a staging only
the names are taken, for a picture cannot say what somebody is called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mmcourse.story.abilities import Answer, AnswerRequest
from mmcourse.story.backends.tiny_models import Seer, in_known_question
from mmcourse.story.backends.tiny_reader import LlavaExtractor, facts_in, known_in
from mmcourse.story.backends.world_answers import (
    StoryAnswerer,
    match,
    not_understood,
    plain,
)
from mmcourse.story.facts import SETTING, Fact
from mmcourse.story.staging import people
from mmcourse.story.state import State, dated

if TYPE_CHECKING:
    from PIL.Image import Image

TOKENS = 12
PAGES = 6
"""So many of the last pages are read again."""


class TinyPictureAnswerer:
    """Answers by looking at the picture.

    Args:
        seer: a LLaVA or a Qwen-VL.
    """

    def __init__(self, seer: Seer) -> None:
        self.seer = seer

    def answer(self, request: AnswerRequest) -> Answer:
        """What the model sees. It says itself when a picture doesn't show what is asked.

        Raises:
            ValueError: there is no picture.
        """
        from mmcourse.lora.models.tasks import CANT_TELL

        if request.picture is None:
            raise ValueError("there is no picture to look at")
        question, clear = by_species(request)
        if not clear:
            return Answer("I cannot tell which one you mean.", False, "the picture")
        asked = in_known_question(question)
        if not asked:
            return not_understood()
        (said,) = self.seer.say([asked], [request.picture], TOKENS)
        if said in (CANT_TELL, ""):
            return Answer("The picture does not show it.", False, "the picture")
        return Answer(f"{said[:1].upper()}{said[1:]}.", True, "the picture")


def by_species(request: AnswerRequest) -> tuple[str, bool]:
    """The question with "the fox" for the fox's name, and whether it is clear who that is."""
    kinds = {name: c.species for name, c in people(request.staging).items()}
    state = request.state or State()
    for name in state.characters:
        if not kinds or name in state.present():
            kinds.setdefault(name, state.value(name, "species"))
    question, clear = request.question, True
    for name, species in kinds.items():
        asked = re.sub(rf"\b{re.escape(name)}\b", f"the {species}", question, flags=re.I)
        clear &= asked == question or list(kinds.values()).count(species) == 1
        question = asked
    return question, clear


class TinyStoryAnswerer:
    """Reads the story's last pages by a model, and answers from what that found; what no page tells
    it looks for in the picture of the scene.

    What was found is looked up by rules, since no model here learned to answer from a text.

    Args:
        extractor: who reads; None: nobody, and the picture is all there is.
        looking: who looks.
    """

    def __init__(self, extractor: LlavaExtractor | None, looking: TinyPictureAnswerer) -> None:
        self.extractor, self.looking = extractor, looking

    def answer(self, request: AnswerRequest) -> Answer:
        """What the pages tell, in which of them; else what the picture shows; else that the story
        does not say."""
        found = self._told(request)
        if found is not None:
            return found
        if request.picture is not None:
            seen = self.looking.answer(request)
            if seen.known:
                return Answer(seen.text, True, "the scene's picture, for no page tells it")
            if seen.because == "the question":
                return seen
        return Answer("The story does not say.", False, "its last pages and its picture")

    def _told(self, request: AnswerRequest) -> Answer | None:
        if self.extractor is None or not request.text.strip():
            return None
        texts = request.text.split("\n\n")
        first = max(0, len(texts) - PAGES)
        shown: list[Image | None] = [None] * (len(texts) - first - 1)
        known = known_before(request.state, len(texts))[first:]
        pages = self.extractor.read(texts[first:], [*shown, request.picture], known)
        state = State()
        for number, page in enumerate(pages, first + 1):
            facts = facts_in(page, state) if page else []
            state = State((*state.facts, *dated(facts, number)), (*state.scenes, number))
        asked = match(plain(request.question))
        if asked is not None and asked[0].about[1] in SETTING and asked[0].about[0] == "scene":
            fact = state.now("scene", asked[0].about[1])
            return None if fact is None else _from(fact)
        answer = StoryAnswerer().answer(AnswerRequest(request.question, state=state))
        where = answer.because.replace("scene", "page")
        return Answer(answer.text, True, f"{where}, as LLaVA reads it") if answer.known else None


def known_before(state: State | None, pages: int) -> list[dict[str, str]]:
    """For each page of a story, given the state after the last, those whom the scenes before it
    introduced. Where a scene is more than one page, nobody can say on which of them somebody came
    in, and everybody counts as known."""
    if state is None or len(state.scenes) != pages:
        return [known_in(state)] * pages
    later = [set(state.scenes[at:]) for at in range(pages)]
    return [
        known_in(State(tuple(f for f in state.facts if f.scene not in scenes))) for scenes in later
    ]


def _from(fact: Fact) -> Answer:
    """A fact of the setting as an answer."""
    said = f"{fact.value[:1].upper()}{fact.value[1:]}."
    return Answer(said, True, f"page {fact.scene}, as LLaVA reads it")
