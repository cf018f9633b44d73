"""The writer: a small language model that first says what is the case, then tells it.

One page is written at a time. The prompt holds all that the page has to agree with: who is known
and how they look, who has what, where we are, and the page before. So a story may be as long as it
likes, while prompt and page stay within the model's 512 places. The answer begins with the page's
facts as JSON, which a grammar keeps valid, and the prose behind them can see what it has to say.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmcourse.lora.models.collate import Example
from mmcourse.lora.models.folders import cast_copy, in_one_line, load_weights
from mmcourse.lora.models.shapes import Shape, language
from mmcourse.lora.models.structure import structure
from mmcourse.lora.models.words import build_tokenizer
from mmcourse.paths import user_path
from mmcourse.refusals import check_saveable
from mmcourse.storyworld.language.story_parse import read_story
from mmcourse.storyworld.language.tell import Story, tell
from mmcourse.storyworld.language.words import article
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import Fact

SHAPE = Shape(width=192, layers=6, length=512)
EDGE = "|"
"""What stands between a page's facts and its prose."""


@dataclass
class TextOnly:
    """A tokenizer where `collate` and `train` expect a processor."""

    tokenizer: Any
    chat_template: str | None = None


@dataclass(frozen=True)
class Memory:
    """What a page has to agree with.

    Args:
        goal: what the story is about, "bring kit home in the dark".
        pages: how many there will be.
        looks: by name: colour, species, accessory, in the order of their entries.
        holds: by thing ("green lantern"), who has it.
        setting: place, time and weather.
        before: the page before, "" at the beginning.
        page: the number of the one that is to be written, from 1.
    """

    goal: str
    pages: int
    looks: dict[str, tuple[str, str, str]]
    setting: dict[str, str]
    holds: dict[str, str] = field(default_factory=dict)
    before: str = ""
    page: int = 1

    def prompt(self) -> str:
        """The words that the writer is asked with, in lower case as all of its words."""
        looks = ", ".join(f"{name} {' '.join(look)}" for name, look in self.looks.items())
        holds = ", ".join(f"{who} has {thing}" for thing, who in sorted(self.holds.items()))
        setting = " ".join(self.setting.values())
        parts = (f"write page {self.page} / {self.pages}: {self.goal}", looks, holds, setting)
        return f" {EDGE} ".join((*parts, self.before)).lower()

    def after(self, text: str, facts: frozenset[Fact]) -> Memory:
        """What is known once a page with these facts was told."""
        looks, setting, holds = dict(self.looks), dict(self.setting), dict(self.holds)
        new: dict[str, dict[str, str]] = {}
        for who, attribute, value in sorted(facts):
            if who == "scene" and attribute in setting:
                setting[attribute] = value
            elif who in v.NAMES and attribute in ("colour", "species", "accessory"):
                new.setdefault(who, {})[attribute] = value
            elif attribute == "has":
                holds[value] = who
            elif attribute == "lost" and holds.get(value) == who:
                del holds[value]
        for name in sorted(new, key=lambda name: text.find(name)):
            known = dict(zip(("colour", "species", "accessory"), looks.get(name, ("", "", "none"))))
            known |= new[name]
            if known["colour"] and known["species"]:
                looks[name] = (known["colour"], known["species"], known["accessory"])
        return replace(
            self, looks=looks, setting=setting, holds=holds, before=text, page=self.page + 1
        )


def beginning(story: Story) -> Memory:
    """What is asked for at the beginning: the hero, where it happens, and what for."""
    hero, scene = story.cast[0], story.pages[0].scene
    return Memory(
        story.goal,
        len(story.pages),
        {hero.name: (hero.colour, hero.species, hero.accessory)},
        {k: getattr(scene, k) for k in v.SCENE_ATTRIBUTES},
    )


INTRODUCED = (
    "this is {name}, {colour} {species}.",
    "{name} was {colour} {species}.",
    "there lived {colour} {species} called {name}.",
    "and that one is {name}, {colour} {species}.",
)
"""How a cast is told in sentences; "colour" comes with its article."""


def cast_example(index: int, split: str = "train") -> Example:
    """A cast, and the same cast again, as it stands or, every second time, in sentences and in
    another order: all that there is to learn is to copy, and to find what is to be copied."""
    dice = Dice("cast", split, index)
    names = dice.sample(v.NAMES, 2 + int(3 * dice.number()))
    looks = {
        name: (dice.pick(v.COLOURS), dice.pick(v.SPECIES), dice.pick(v.ACCESSORIES))
        for name in names
    }
    cast = ", ".join(f"{name} {' '.join(look)}" for name, look in looks.items()).lower()
    if index % 2 == 0:
        return Example(f"{cast} {EDGE}", cast)
    told = [
        dice.pick(INTRODUCED).format(
            name=name, colour=article(looks[name][0]), species=looks[name][1]
        )
        for name in dice.sample(names, len(names))
    ]
    return Example(f"{cast} {EDGE}", " ".join(told).lower())


def facts_example(index: int, split: str = "train") -> Example:
    """The facts of a page, without its prose."""
    page = page_example(index, split)
    return Example(page.prompt, page.answer.partition(f" {EDGE} ")[0])


def page_example(index: int, split: str = "train") -> Example:
    """One page of story `index`, with what it has to agree with; which page, dice say."""
    story = tell(index, split)
    at = int(Dice("page to write", split, index).pick(range(len(story.pages))))
    memory = beginning(story)
    for page in story.pages[:at]:
        memory = memory.after(page.text, page.facts)
    page = story.pages[at]
    return Example(memory.prompt(), f"{json.dumps(structure(page))} {EDGE} {page.text.lower()}")


def build_writer(shape: Shape = SHAPE) -> tuple[Any, TextOnly]:
    """An untrained writer of about 3 M parameters, and its tokenizer."""
    import transformers as t

    tokens = build_tokenizer(length=shape.length)
    config = t.LlamaConfig(**language(shape))
    model = t.LlamaForCausalLM(config)
    model.generation_config = t.GenerationConfig(
        pad_token_id=tokens.pad_token_id,
        bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id,
    )
    return model, TextOnly(tokens)


class Writer:
    """A language model with its tokenizer, loaded by name as every shipped model is."""

    def __init__(self, model: Any, processor: TextOnly) -> None:
        self.model, self.processor = model, processor

    @classmethod
    def from_pretrained(cls, name: str) -> Writer:
        """By a shipped name or a folder.

        Raises:
            ValueError: in one line, if there is none, or it holds something else, is damaged,
                lacks weights or holds NaN.
        """
        import transformers as t

        from mmcourse.hub import find_folder

        folder = find_folder(name)
        model = load_weights(t.AutoModelForCausalLM, folder, "a writer", "llama")
        read = t.AutoTokenizer.from_pretrained
        return cls(model, TextOnly(in_one_line(lambda: read(folder), folder, "a writer")))

    def save(self, folder: str | Path) -> None:
        """Write an ordinary transformers folder, in float16; the model itself keeps its type.

        Raises:
            ValueError: adapters or packed layers, which could not be loaded again.
        """
        check_saveable(self.model)
        place = user_path(folder)
        cast_copy(self.model, "float16").save_pretrained(place)
        self.processor.tokenizer.save_pretrained(place)


_NAME = re.compile(rf"\b({'|'.join(name.lower() for name in v.NAMES)})\b")
_FIRST = re.compile(
    r"(^[\"\s]*|[.!?] \"?|: \"|[.!?]\" \"?(?!(?:said|asked|called|cried)\b))([a-z])"
)


def written(text: str) -> str:
    """A text in lower case as it is printed: names, beginnings of sentences and "I" with
    capitals."""
    text = _NAME.sub(lambda m: m[1].capitalize(), text)
    text = re.sub(r"\bi\b", "I", text)
    return _FIRST.sub(lambda m: m[1] + m[2].upper(), text)


def facts_of(pages: list[str]) -> frozenset[Fact]:
    """What the last of these pages says, read with those before it."""
    return read_story("\n\n".join(pages))[-1].facts if pages[-1] else frozenset()
