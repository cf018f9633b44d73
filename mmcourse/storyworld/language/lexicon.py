"""Read what people type: everyday words become the world's words, and the reader is told so.

"a furious puppy at the seaside" is read as "a angry fox on the beach", with the three substitutions
listed. A word that neither the world nor the lexicon knows is refused, with the nearest that are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from mmcourse.storyworld.language.phrases import phrasebook, tokens
from mmcourse.storyworld.language.rephrase import Piece, rephrase
from mmcourse.storyworld.language.words import plural
from mmcourse.storyworld.world import vocabulary as v

KEEP = ("at", "on", "by", "with", "from", "into", "to", "of", "as", "it", "its", "his", "her")
"""Words that stay as they are, though the lexicon knows what they stand near."""


NOUNS = ("species", "kind", "worn")


@dataclass(frozen=True)
class Refused:
    """A word that the world does not know, with the nearest words that it does."""

    word: str
    nearest: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What a prompt was read as.

    text: the prompt in the world's words, lower case.
    substitutions: (what was typed, what it is read as), in order, without repeats.
    left_out: typed words that no picture shows.
    refused: words that could not be read.
    """

    text: str
    substitutions: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]
    refused: tuple[Refused, ...]

    @property
    def ok(self) -> bool:
        """Whether every word was read."""
        return not self.refused

    def explain(self) -> str:
        """What was read as what, in a sentence or two; empty if nothing was changed."""
        parts = [f'"{a}" is read as "{b}"' for a, b in self.substitutions]
        if self.left_out:
            parts.append("Left out: " + ", ".join(self.left_out))
        for refused in self.refused:
            near = (
                f"; the nearest words are {', '.join(refused.nearest)}" if refused.nearest else ""
            )
            parts.append(f'"{refused.word}" does not exist in StoryWorld{near}')
        return ". ".join(parts) + ("." if parts else "")


def lexicon() -> dict[tuple[str, ...], str]:
    """Every everyday word or phrase, as tokens, with the world's word for it ("" for none)."""
    return {key: target.lstrip("~") for key, target in _entries().items()}


@cache
def _entries() -> dict[tuple[str, ...], str]:
    """The lexicon as it is written: "~red" is red before a noun alone ("a cherry hat").

    Raises:
        ValueError: a line of the data file without a target.
    """
    text = files("mmcourse.storyworld.language").joinpath("data/lexicon.txt").read_text("utf-8")
    out: dict[tuple[str, ...], str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        target, _, words = line.partition(":")
        if not words:
            raise ValueError(f"lexicon.txt line {number}: expected 'target: words', got {line!r}")
        for word in words.split(","):
            key = tuple(tokens(word))
            if key and not (len(key) == 1 and key[0] in KEEP):
                out.setdefault(key, "" if target == "-" else target.strip())
    return out


def stems(word: str) -> list[str]:
    """The word and what it may be an inflected form of, the likeliest first."""
    out = [word]
    if word.endswith("'s"):
        out.append(word[:-2])
    rules = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", ""), ("ied", "y"),
             ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("est", ""), ("est", "e"),
             ("iest", "y"), ("er", ""), ("ier", "y"), ("ly", ""), ("ily", "y"))  # fmt: skip
    for ending, base in rules:
        if word.endswith(ending) and len(word) - len(ending) >= (2 if base == "y" else 3):
            stem = word[: -len(ending)]
            out.append(stem + base)
            if base == "" and ending in ("ed", "ing", "er", "est") and stem[-1] == stem[-2:-1]:
                out.append(stem[:-1])
    irregular = {"mice": "mouse", "wolves": "wolf", "geese": "goose", "feet": "foot",
                 "teeth": "tooth", "children": "child", "sat": "sit", "slept": "sleep",
                 "ran": "run", "went": "go", "flew": "fly", "swam": "swim", "saw": "see",
                 "ate": "eat", "stood": "stand", "held": "hold", "calves": "calf"}  # fmt: skip
    return [irregular[word], *out] if word in irregular else out


@cache
def _known() -> frozenset[str]:
    """Single words of the world's phrases."""
    return frozenset(word for phrase in phrasebook() for word in phrase)


@cache
def _longest() -> int:
    return max(len(key) for key in (*_entries(), *phrasebook()))


def _look_up(words: list[str], at: int) -> tuple[int, str | None, bool]:
    """(tokens used, replacement, whether it is the world's own) at a place; None is unknown."""
    for n in range(min(_longest(), len(words) - at), 0, -1):
        part = words[at : at + n]
        if tuple(part) in phrasebook():
            return n, " ".join(part), True
        for stem in stems(part[-1]):
            target = _meaning((*part[:-1], stem), part[-1], words[at + n :])
            if target is not None:
                return n, _number(target, part[-1], stem), False
    word = words[at]
    return (1, word, True) if word in _known() or not word[0].isalnum() else (1, None, False)


def _meaning(key: tuple[str, ...], typed: str, after: list[str]) -> str | None:
    """The world's words for a key, if `typed` can be a form of it: a jumper is none of "jump"."""
    target, own = _entries().get(key), phrasebook().get(key)
    if target is None and own is not None and not typed.endswith(("ing", "ed")):
        target = own.words if own.kind in (*NOUNS, "colour", "mood") else None
    if target is None or (target.startswith("~") and not _noun(after)):
        return None
    target = target.lstrip("~")
    item = phrasebook().get(tuple(tokens(target)))
    verb = item is not None and item.kind not in ("colour", "mood")
    compared = typed != key[-1] and typed.endswith(("er", "est", "ly"))
    return None if verb and compared else target


def _noun(words: list[str]) -> bool:
    """Whether the next word is a noun, or another word for a colour."""
    for stem in stems(words[0]) if words else ():
        target = _entries().get((stem,), stem).lstrip("~")
        item = phrasebook().get((target,))
        if item and item.kind in (*NOUNS, "colour"):
            return True
    return False


def _number(target: str, typed: str, stem: str) -> str:
    """A plural stays a plural: "puppies" are "foxes"."""
    noun = target in (*v.SPECIES, *v.KINDS, "animal")
    many = typed != stem and typed.endswith(("s", "mice")) and not typed.endswith("'s")
    return plural(target) if noun and many else target


def read_prompt(text: str) -> Reading:
    """Read an everyday sentence in the world's words.

    Raises:
        ValueError: something that is not text.
    """
    if not isinstance(text, str):
        raise ValueError(f"a prompt is a str, got {type(text).__name__}")
    words, i = tokens(text), 0
    pieces: list[Piece] = []
    refused: dict[str, Refused] = {}
    while i < len(words):
        n, found, own = _look_up(words, i)
        typed = " ".join(words[i : i + n])
        if found is None and _is_a_name(typed, text, pieces):
            found = ""
        if found is None:
            refused[typed] = Refused(_as_typed(typed, text), _nearest(typed))
        else:
            pieces.append(Piece(typed, found, own))
        i += n
    said, lost = rephrase(pieces)
    swapped = {p.typed: p.words for p in pieces if p.words not in ("", p.typed) and not p.own}
    left_out = dict.fromkeys([p.typed for p in pieces if not p.words] + lost)
    kept = {a: b for a, b in swapped.items() if a not in left_out}
    return Reading(said, tuple(kept.items()), tuple(left_out), tuple(refused.values()))


def _is_a_name(word: str, text: str, before: list[Piece]) -> bool:
    """Whether an unknown word is what somebody is called: "my dog Rex"."""
    after = before[-1].kind if before else ""
    capital = re.search(rf"\b{re.escape(word.capitalize())}\b", text) is not None
    return capital and after in ("species", "called")


def _as_typed(word: str, text: str) -> str:
    """With the capital that it was typed with, for it may be a name."""
    capital = word.capitalize()
    return capital if re.search(rf"\b{re.escape(capital)}\b", text) else word


def _nearest(word: str) -> tuple[str, ...]:
    """Up to three words of the world, by spelling; species and things if none is alike."""
    values = sorted({x for values in v.ATTRIBUTES.values() for x in values} - {"none"})
    near = get_close_matches(word, values, n=3, cutoff=0.6)
    return tuple(near or (*v.SPECIES[:2], *v.KINDS[:1]))
