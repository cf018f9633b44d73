"""Chapter 6's models as the storyteller uses them: loaded once, asked in words that they know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmcourse.story.backends.world_answers import match, plain

if TYPE_CHECKING:
    from PIL.Image import Image


class Seer:
    """A model that is shown a picture: CLIP, BLIP-2, LLaVA or Qwen-VL.

    Args:
        kind: "clip", "blip2", "llava" or "qwen-vl".
        weights: a shipped name or a folder.
    """

    def __init__(self, kind: str, weights: str) -> None:
        self.kind, self.weights = kind, weights

    @cached_property
    def pair(self) -> Any:
        """The model with its processor, loaded when it is first asked."""
        from mmcourse.lora.models.recipe import MEASURES

        return loaded(MEASURES[self.kind][0], self.weights)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words that it knows, in lower case."""
        return frozenset(self.pair.processor.tokenizer.get_vocab())

    @property
    def side(self) -> int:
        """Pixels of a side that it is shown."""
        from mmcourse.lora.models.measure import side_of

        return side_of(self.pair)

    def shown(self, picture: Image) -> Image:
        """The centred square of a picture, as large as it looks."""
        from mmcourse.pictures import load_picture

        return load_picture(picture, self.side)

    def say(
        self, prompts: Sequence[str], pictures: Sequence[Image], tokens: int, **how: Any
    ) -> list[str]:
        """What it answers to each prompt about its picture, greedily: the same request, the same
        words."""
        from mmcourse.lora.models.collate import Example, answer

        asked = [Example(p, "", (self.shown(x),)) for p, x in zip(prompts, pictures, strict=True)]
        return answer(self.pair.model, self.pair.processor, asked, tokens, **how)

    def knows(self, text: str) -> bool:
        """Whether it knows every word of a text."""
        tokens = self.pair.processor.tokenizer
        return tokens.unk_token_id not in tokens(text)["input_ids"]


def loaded(kind: Any, weights: str) -> Any:
    """A model of chapter 6 with its processor, by its class, as it is fastest here."""
    with quietly():
        found = kind.from_pretrained(weights)
    if found.model.device.type == "cpu":  # a CPU's fused attention is slower than two products
        found.model.set_attn_implementation("eager")
    return found


@contextmanager
def quietly() -> Iterator[None]:
    """Load without a progress bar: a storyteller draws its own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def in_known_words(text: str, seer: Seer) -> str:
    """A text in the words that a model knows: everyday words are read as the world's, and others
    are left out. Empty if none is known."""
    from mmcourse.storyworld.language.lexicon import read_prompt
    from mmcourse.storyworld.language.phrases import tokens

    said = text if seer.knows(text) else read_prompt(text).text
    words = [word for word in tokens(said) if word in seer.words]
    return " ".join(words) if any(word[0].isalnum() for word in words) else ""


def in_known_question(question: str) -> str:
    """A question in the words in which the models learned to be asked it; "" for one that they
    never were, to which a small model would say anything."""
    found = match(plain(question))
    return "" if found is None else found[0].question(found[1], "yes").text
