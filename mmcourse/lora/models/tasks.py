"""What the models are asked: captions, questions, stories, each a pure function of its index."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from functools import cache, lru_cache

from PIL import Image

from mmcourse.lora.models.collate import Example
from mmcourse.lora.models.extraction import extract_prompt, known_after
from mmcourse.lora.models.structure import structure
from mmcourse.storyworld import Scene, caption, render, sample_scene
from mmcourse.storyworld.language.asking import sample_question
from mmcourse.storyworld.language.questions import KINDS, TEMPLATES, Content, Template
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.world.dice import Dice

EASY = ("colour", "place", "count", "yes/no")
"""Kinds of questions that come first."""
CANT_TELL = "can't tell"
"""What is right to say of a blank picture."""
BLANK_EVERY = 10
SCENES = 24_000
"""So many scenes are shown in training, with many captions and questions each; as many pages."""
TURNS = 6
"""Questions that are asked about a picture, one after another."""
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
    scene = sample_scene(split, index % SCENES)
    return Example("", caption(scene, key=index), (picture(scene, size),))


def glimpse(index: int, split: str, size: int) -> Example:
    """A picture and a caption that tells a part of it."""
    scene = sample_scene(split, index % SCENES)
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


@cache
def _questions() -> tuple[tuple[Template, Content], ...]:
    """All that can be asked about some scene."""
    return tuple((template, content) for template in TEMPLATES for content in template.contents())


@lru_cache(maxsize=30_000)
def _askable(scene: Scene) -> dict[str, dict[str, array[int]]]:
    """By kind, by answer: the numbers of the `_questions` that can be asked about a scene."""
    found: dict[str, dict[str, array[int]]] = {}
    for number, (template, content) in enumerate(_questions()):
        answer = template.truth(scene, content)
        if answer is not None:
            gone = answer.startswith("there is no ")
            kind = found.setdefault("unanswerable" if gone else template.kind, {})
            kind.setdefault("gone" if gone else answer, array("H")).append(number)
    return found


def talk(index: int, split: str, size: int, kinds: tuple[str, ...] = KINDS) -> Example:
    """Several questions about one picture, of kinds that are drawn at random, and of each kind's
    answers each as likely as any other; every tenth talk is about a blank picture."""
    scene = sample_scene(split, index % SCENES)
    dice = Dice("talk", split, index, len(kinds))
    askable = _askable(scene)
    asked: dict[str, str] = {}
    for _ in range(TURNS):
        by_answer = askable[dice.pick(tuple(kind for kind in kinds if kind in askable))]
        template, content = _questions()[dice.pick(by_answer[dice.pick(tuple(by_answer))])]
        form = int(dice.pick(range(len(template.forms))))
        truth = template.truth(scene, content)
        assert truth is not None
        asked[template.question(content, truth, form).text] = truth
    if index % BLANK_EVERY == BLANK_EVERY - 1:
        asked, shown = dict.fromkeys(asked, CANT_TELL), blank(size)
    else:
        shown = picture(scene, size)
    (prompt, answer), *more = asked.items()
    return Example(prompt, answer, (shown,), tuple(more))


def easy_talk(index: int, split: str, size: int) -> Example:
    """The same, of the easy kinds alone."""
    return talk(index, split, size, EASY)


def words_alone(index: int, split: str, size: int) -> Example:
    """A caption or a page of a story, without a picture: what a language model learns first."""
    if index % 2:
        return Example("", caption(sample_scene(split, index % SCENES), key=index))
    pages = tell(index // 2, split).pages
    return Example("", pages[index // 2 % len(pages)].text.lower())


def page_of(index: int, split: str, size: int) -> Example:
    """A page of a story from its picture, and the page before it."""
    pages = tell(index % SCENES, split).pages
    at = index % SCENES % len(pages)
    before = pages[at - 1].text.lower() if at else "tell a story"
    return Example(before, pages[at].text.lower(), (picture(pages[at].scene, size),))


def structure_of(index: int, split: str, size: int) -> Example:
    """A page of a story with its picture and those who are known before it: who, where and what
    happens, as JSON."""
    pages = tell(index % SCENES, split).pages
    at = index % SCENES % len(pages)
    page = pages[at]
    prompt = extract_prompt(page.text, known_after(pages[:at]))
    return Example(prompt, json.dumps(structure(page)), (picture(page.scene, size),))


TASKS: dict[str, Maker] = {
    "captions": describe,
    "glimpses": glimpse,
    "easy questions": easy_question,
    "questions": question_of,
    "talk": talk,
    "easy talk": easy_talk,
    "words": words_alone,
    "pages": page_of,
    "structure": structure_of,
}
