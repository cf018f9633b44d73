"""Which words of a caption does only the picture tell, and does the fused encoder tell them?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor

from mmcourse.joint.evaluate import Measurement, known_words
from mmcourse.joint.measure_fused import picture_cells, share
from mmcourse.joint.model import JointModel
from mmcourse.storyworld import ATTRIBUTES, Scene, caption, render_bytes, sample_scene
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.blind import best_guess
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.world.dice import Dice

TELLING: dict[str, tuple[str, str]] = {
    **{word: ("mood", mood) for mood, said in w.FEELS.items() for word in said},
    **{c: ("colour", c) for c in ATTRIBUTES["colour"]},
    **{s: ("species", s) for s in ATTRIBUTES["species"]},
    **{k: ("kind", k) for k in ATTRIBUTES["kind"]},
    **{a: ("accessory", a) for a in w.WORN},
    **{said.split()[-1]: ("action", a) for a, told in w.DOES.items() for said in told[:2]},
    **{told[0].split()[-1]: ("place", p) for p, told in w.PLACE.items() if told[0][:3] == "in "},
    "asleep": ("action", "sleeping"),
}
"""Words that tell one value of one attribute, and nothing else."""


def only_the_picture_tells(scene: Scene, words: Sequence[str]) -> list[int]:
    """Which words of a caption neither grammar nor a second mention gives away.

    Left out is what is said twice, what an article gives away ("an" before "orange"), what another
    part of its phrase does ("waves hello", "a kite floats", "high in the mountains"), and moods and
    actions where two interact (who quarrels is cross).
    """
    told = [TELLING.get(word) for word in words]
    found = []
    for i, fact in enumerate(told):
        before, after = words[max(i - 1, 0)], words[min(i + 1, len(words) - 1)]
        if fact is None or told.count(fact) > 1:
            continue
        attribute = fact[0]
        if before in ("a", "an") and attribute != "accessory":
            continue
        if attribute == "action" and after in ("still", "hello", "up", "down"):
            continue
        if attribute == "kind" and after in ("beds", "lies", *w.LIES.values()):
            continue
        if attribute in ("mood", "action") and scene.interaction is not None:
            continue
        if attribute == "place" and (
            words[max(i - 2, 0) : i] != ["in", "the"] or words[max(i - 3, 0)] in ("out", "high")
        ):
            continue
        found.append(i)
    return found


def guessable(scene: Scene, attribute: str, value: str) -> float:
    """How often the best guesser without the picture names this value, who knows all the rest.

    Some pairs never occur outside the split `compositional`, so a fox's mood says something about
    its colour.
    """
    if attribute == "place":
        return best_guess("scene", vars(scene), "place")
    for c in scene.characters:
        if attribute != "kind" and getattr(c, attribute, None) == value:
            return best_guess("character", vars(c), attribute)
    thing = next(t for t in scene.things if value in (t.kind, t.colour))
    row = {"kind": thing.kind, "thing_colour": thing.colour}
    return best_guess("thing", row, "kind" if attribute == "kind" else "thing_colour")


class Hidden(NamedTuple):
    """A caption with a word to hide: its scene, its words and which of them."""

    scene: Scene
    words: list[str]
    at: int

    @property
    def fact(self) -> tuple[str, str]:
        """The attribute and value that the word tells."""
        return TELLING[self.words[self.at]]

    def exchanged(self) -> list[str]:
        """The words with this one exchanged for one that tells another value: a false caption."""
        attribute, value = self.fact

        def after_is(word: str) -> bool:
            return attribute == "action" and (word.endswith("ing") or word == "asleep")

        others = [
            word
            for word, (a, v) in TELLING.items()
            if a == attribute and v != value and after_is(word) == after_is(self.words[self.at])
        ]
        chosen = Dice("exchanged", *self.words).pick(others)
        return [*self.words[: self.at], chosen, *self.words[self.at + 1 :]]


def hidden_words(split: str, n: int) -> list[Hidden]:
    """The first n captions of a split with a word that only the picture tells."""
    found: list[Hidden] = []
    for i in count():
        if len(found) == n:
            break
        scene = sample_scene(split, i)
        words = tokens(caption(scene))
        places = only_the_picture_tells(scene, words)
        if places:
            found.append(Hidden(scene, words, Dice("hidden word", i).pick(places)))
    return found


@torch.no_grad()
def named(model: JointModel, asked: Sequence[Hidden], cells: Tensor) -> list[bool]:
    """Whether the hidden word's value is recovered from these pictures' cells (N, S, dim)."""
    tokenizer, device = known_words(model), model.logit_scale.device
    ids, mask = tokenizer.encode([" ".join(h.words) for h in asked])
    at = torch.tensor([h.at + 1 for h in asked])  # after the start token
    ids[torch.arange(len(asked)), at] = tokenizer.mask
    right: list[bool] = []
    for part in torch.arange(len(asked)).split(128):
        read = model.fuse(ids[part].to(device), mask[part].to(device), cells[part].to(device))
        said = model.name(read[torch.arange(len(part)), at[part]]).argmax(-1)
        right += [
            TELLING.get(tokenizer.words[word]) == asked[i].fact
            for word, i in zip(said.tolist(), part.tolist(), strict=True)
        ]
    return right


def measure_words(model: JointModel, split: str = "test", n: int = 1000) -> dict[str, Measurement]:
    """One hidden word in each of n captions: how often the value that it tells is recovered.

    With its picture, with a grey square, and with the picture of another caption. A synonym is as
    good as the word. Chance is the best that anybody can do without the picture, see `guessable`.
    """
    asked = hidden_words(split, n)
    pictures = render_bytes([h.scene for h in asked], model.image_tower.size)
    cells = picture_cells(model, pictures)
    blank = picture_cells(model, torch.full_like(pictures[:1], 128)).expand(n, -1, -1)
    chances = torch.tensor([guessable(h.scene, *h.fact) for h in asked])
    seen = {"words": cells, "words_blank": blank, "words_other_picture": cells.roll(1, 0)}
    right = {name: torch.tensor(named(model, asked, c)) for name, c in seen.items()}
    out = {name: share(answers, chances.mean().item()) for name, answers in right.items()}
    for attribute in dict.fromkeys(a for a, _ in TELLING.values()):
        of = torch.tensor([h.fact[0] == attribute for h in asked])
        if of.any():
            out[f"words_{attribute}"] = share(right["words"][of], chances[of].mean().item())
    return out


@torch.no_grad()
def word_doubts(model: JointModel, texts: Sequence[str], cells: Tensor) -> Tensor:
    """(N, T) on the CPU: the doubt of each token, start and end included; -inf in the padding."""
    tokenizer, device = known_words(model), model.logit_scale.device
    ids, mask = (x.to(device) for x in tokenizer.encode(texts))
    return model.reader.doubts(model.fuse(ids, mask, cells.to(device)), mask).cpu()


def measure_blame(model: JointModel, split: str = "test", n: int = 500) -> dict[str, Measurement]:
    """One word of each of n captions is exchanged: how often is it the word doubted most?"""
    asked = hidden_words(split, n)
    cells = picture_cells(model, render_bytes([h.scene for h in asked], model.image_tower.size))
    texts = [" ".join(h.exchanged()) for h in asked]
    most = torch.cat(
        [
            word_doubts(model, texts[i : i + 128], cells[i : i + 128]).argmax(1)
            for i in range(0, n, 128)
        ]
    )
    right = most == torch.tensor([h.at + 1 for h in asked])  # after the start token
    return {"blame": share(right, sum(1 / (len(h.words) + 2) for h in asked) / n)}
