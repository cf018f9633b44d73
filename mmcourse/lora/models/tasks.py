"""What the models are asked: captions, questions, stories, each a pure function of its index."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache

from PIL import Image

from mmcourse.lora.models.collate import Example
from mmcourse.lora.models.structure import structure
from mmcourse.storyworld import Scene, caption, render, sample_scene
from mmcourse.storyworld.language.asking import sample_question
from mmcourse.storyworld.language.questions import KINDS
from mmcourse.storyworld.language.tell import tell

EASY = ("colour", "place", "count", "yes/no")
"""Kinds of questions that come first."""
CANT_TELL = "can't tell"
"""What is right to say of a blank picture."""
BLANK_EVERY = 10
Maker = Callable[[int, str, int], Example]
"""(index, split, pixels of a side) to an example."""


def blank(size: int) -> Image.Image:
    """A picture that shows nothing."""
    return Image.new("RGB", (size, size), (128, 128, 128))


@lru_cache(maxsize=30_000)
def picture(scene: Scene, size: int) -> Image.Image:
    """A scene as it is drawn, once: at 64 pixels all that are kept are 370 MB."""
    return render(scene, size)


def describe(index: int, split: str, size: int) -> Example:
    """A picture and its complete caption; another caption each time a scene comes round."""
    scene = sample_scene(split, index)
    return Example("", caption(scene, key=index), (picture(scene, size),))


def glimpse(index: int, split: str, size: int) -> Example:
    """A picture and a caption that tells a part of it."""
    scene = sample_scene(split, index)
    return Example("", caption(scene, key=index, complete=False), (picture(scene, size),))


def is_blank(index: int, kinds: tuple[str, ...] = KINDS) -> bool:
    """Whether a question is asked about a blank picture: every tenth of each kind."""
    return index // len(kinds) % BLANK_EVERY == BLANK_EVERY - 1


def question_of(index: int, split: str, size: int, kinds: tuple[str, ...] = KINDS) -> Example:
    """A question whose answer can't be guessed; every tenth is about a blank picture."""
    kind = kinds[index % len(kinds)]
    asked = sample_question(kind, split, index // len(kinds))
    if is_blank(index, kinds):
        return Example(asked.question.text, CANT_TELL, (blank(size),))
    return Example(asked.question.text, asked.question.answer, (picture(asked.scene, size),))


def easy_question(index: int, split: str, size: int) -> Example:
    """The same, of the easy kinds alone."""
    return question_of(index, split, size, EASY)


def words_alone(index: int, split: str, size: int) -> Example:
    """A caption or a page of a story, without a picture: what a language model learns first."""
    if index % 2:
        return Example("", caption(sample_scene(split, index), key=index))
    pages = tell(index // 2, split).pages
    return Example("", pages[index // 2 % len(pages)].text.lower())


def page_of(index: int, split: str, size: int) -> Example:
    """A page of a story from its picture, and the page before it."""
    pages = tell(index, split).pages
    at = index % len(pages)
    before = pages[at - 1].text.lower() if at else "tell a story"
    return Example(before, pages[at].text.lower(), (picture(pages[at].scene, size),))


def structure_of(index: int, split: str, size: int) -> Example:
    """A page of a story with its picture: who, where and what happens, as JSON."""
    pages = tell(index, split).pages
    page = pages[index % len(pages)]
    return Example(
        extract_prompt(page.text), json.dumps(structure(page)), (picture(page.scene, size),)
    )


def extract_prompt(text: str) -> str:
    """What is asked for the structure of a text."""
    return f"list characters, place and plot points as json: {text.lower()}"


TASKS: dict[str, Maker] = {
    "captions": describe,
    "glimpses": glimpse,
    "easy questions": easy_question,
    "questions": question_of,
    "words": words_alone,
    "pages": page_of,
    "structure": structure_of,
}
