"""What the storyteller can do with one text or one picture, without a story around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mmcourse.story.abilities import (
    Answer,
    AnswerRequest,
    Captioned,
    CaptionRequest,
    Credit,
    DrawRequest,
    Extracted,
    ExtractRequest,
    Mood,
    MoodRequest,
    WriteRequest,
    Written,
)
from mmcourse.story.loop import Event, Finished, Sheet, draw_checked, written
from mmcourse.story.story import Story
from mmcourse.story.team import Team

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
WHICH = ("picture", "story")


def run(events: Iterable[Event]) -> Story:
    """Let events happen to their end; the story after them.

    Raises:
        ValueError: they record nothing.
    """
    story = None
    for event in events:
        story = event.story or story
    if story is None:
        raise ValueError("these events record no story")
    return story


def last_of(items: Iterable[object], kind: type[T]) -> T:
    """The last of `items`, of one kind, when all of them have happened.

    Raises:
        ValueError: there is none of that kind.
    """
    found = None
    for item in items:
        found = item if isinstance(item, kind) else found
    if found is None:
        raise ValueError(f"no {kind.__name__} came of it")
    return found


class Craft:
    """The abilities of a team, each by one call. Every answer comes with who gave it."""

    def __init__(self, team: Team) -> None:
        self.team = team

    def draw(self, text: str, style: str = "flat", size: int = 256, seed: int = 0) -> Iterator[
        Event | Finished
    ]:  # fmt: skip
        """A picture from a text: events, and last the checked picture with its record.

        Where somebody can read the text, it is drawn from what was understood.
        """
        found = self.extract(text)[0] if self.team.can("extractor") else Extracted()
        request = DrawRequest(text, found.staging, style, size, seed)
        yield from draw_checked(self.team, Sheet(request, found.facts, alt=text))

    def picture_from_text(
        self, text: str, style: str = "flat", size: int = 256, seed: int = 0
    ) -> Finished:
        """A picture from a text, waited for."""
        return last_of(self.draw(text, style, size, seed), Finished)

    def caption(self, picture: Image, staging: str = "") -> tuple[Captioned, Credit]:
        """A picture in words; `staging` is its exact scene, where a record has it."""
        captioner, credit = self.team.captioner()
        return captioner.caption(CaptionRequest(picture, staging)), credit

    def answer(
        self, picture: Image, question: str, which: str = "picture", staging: str = ""
    ) -> tuple[Answer, Credit]:
        """A question about a picture, answered by one of the two answerers.

        Raises:
            ValueError: another answerer than "picture" or "story", or no question.
        """
        answerer, credit = self.team.answerer(which_answerer(which))
        return answerer.answer(AnswerRequest(asked(question), picture, staging)), credit

    def retrieve(
        self, query: str | Image, collection: Sequence[Image], k: int | None = None
    ) -> list[tuple[int, float]]:
        """(index, similarity) of the pictures of a collection, the likest to a text or picture
        first; at most k."""
        if not len(collection):
            return []
        encoder, _ = self.team.encoder()
        asked = encoder.texts([query]) if isinstance(query, str) else encoder.pictures([query])
        similarity = encoder.pictures(collection) @ asked[0]
        order = np.argsort(-similarity, kind="stable")[:k]
        return [(int(i), float(similarity[i])) for i in order]

    def enhance(self, text: str, picture: Image, seed: int = 0) -> tuple[Written, Credit]:
        """A story's text told again with the details of a reference picture."""
        seen, _ = self.caption(picture)
        request = WriteRequest("enhance", text, seen=seen, seed=seed)
        return last_of(written(self.team, request, 1.0), Written), self.team.writer()[1]

    def extract(self, text: str) -> tuple[Extracted, Credit]:
        """Characters, settings and plot points of a text."""
        extractor, credit = self.team.extractor()
        return extractor.extract(ExtractRequest(text)), credit

    def mood(
        self, told: str = "", text: str = "", face: Image | None = None
    ) -> tuple[Mood, Credit]:
        """How the reader may feel, and the tone that suits it. Nothing of it is stored."""
        reader, credit = self.team.mood_reader()
        return reader.read(MoodRequest(told, text, face)), credit


def which_answerer(which: str) -> str:
    """The name, if there is such an answerer.

    Raises:
        ValueError: there is none.
    """
    if which not in WHICH:
        raise ValueError(f"there is no answerer {which!r}; choose one of {WHICH}")
    return which


def asked(question: str) -> str:
    """The question, if it is one.

    Raises:
        ValueError: it is empty.
    """
    if not question.strip():
        raise ValueError("this is no question; type one, such as 'where are we?'")
    return question
