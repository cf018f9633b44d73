"""The phrase tables turned round: from words back to what they mean."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world import vocabulary as v


class Item(NamedTuple):
    """A stretch of text with one meaning: its kind ("mood", "place", "does", ...) and value."""

    kind: str
    value: str
    words: str


GLUE = (
    "this picture happens lies floats grows shines seems looks has its and his her their of there",
    "some very so then now also together still too again both in on at by into from of as",
    "animals animal creatures creature",
)
"""Words that the reader may pass over."""
BOUNDARIES = (".", ";", ",", ":", "!", "?", '"', "while", "and", "but", "because", "when")
STATES = ("is", "are", "was", "were", "seems", "looks", "feels", "felt", "looked", "seemed")
PRONOUNS = ("it", "he", "she", "they", "him", "them")
CALLED = ("called", "named")


TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]|_")


def tokens(text: str) -> list[str]:
    """Lower-cased words and punctuation marks."""
    return TOKEN.findall(text.lower().replace("\u2019", "'"))


def _entries() -> list[tuple[str, str, str]]:
    """(phrase, kind, value) of everything that the parser knows."""
    tables: dict[str, w.Table] = {
              "does": w.DOES, "did": w.DID, "mood": w.FEELS, "position": w.WHERE_CHARACTER,
              "place": w.PLACE, "time": w.TIME, "weather": w.WEATHER, "style": w.STYLE,
              "camera": w.CAMERA, "act": w.ACTS, "acted": w.ACTED, "both": w.TOGETHER,
              "relation": w.RELATIONS, "wears": w.WEARS, "number": w.NUMBERS,
              "count": w.COUNTS}  # fmt: skip
    past = {"did": "does", "acted": "act"}
    out = [
        (phrase, past.get(kind, kind), value)
        for kind, table in tables.items()
        for value, phrases in table.items()
        for phrase in phrases
    ]
    out += [(phrase, "wears", "none") for phrase in w.BARE]
    out += [(phrase, "does", "standing") for phrase in w.WALKS]
    out += [(f"was {action}", "does", action) for action in v.ACTIONS]
    out += [(action, "doing", action) for action in v.ACTIONS]
    for worn in w.WORN:
        out += [(worn, "worn", worn), (w.plural(worn), "worn", worn)]
        out += [(f"{verb} {w.article(worn)}", "wears", worn) for verb in ("wears", "wore")]
        out += [(f"with {w.article(worn)}", "wears", worn)]
    for kind, nouns in (("species", v.SPECIES), ("kind", v.KINDS)):
        out += [(noun, kind, noun) for noun in nouns]
        out += [(w.plural(noun), kind + "s", noun) for noun in nouns if w.plural(noun) != noun]
    out += [(colour, "colour", colour) for colour in v.COLOURS]
    out += [(name.lower(), "name", name) for name in v.NAMES]
    out += [(word, "state", word) for word in STATES]
    out += [(word, "pronoun", word) for word in PRONOUNS]
    out += [(word, "called", word) for word in CALLED]
    out += [(word, "the", word) for word in ("the", "that")]
    out += [(word, "a", word) for word in ("a", "an", "another")]
    out += [(mark, "boundary", mark) for mark in BOUNDARIES]
    out += [(phrase, "there", phrase) for phrase in (*w.THERE, "there are", "we are")]
    out += [
        ("to", "to", "to"),
        ("wears", "wear", "wears"),
        ("with", "with", "with"),
        ("a present", "present", "present"),
        ("the picture is", "glue", ""),
    ]
    out += [(word, "glue", word) for line in GLUE for word in line.split()]
    return out


@cache
def phrasebook() -> dict[tuple[str, ...], Item]:
    """Every phrase, as its tokens; where two mean different things the first table wins."""
    book: dict[tuple[str, ...], Item] = {}
    for phrase, kind, value in _entries():
        book.setdefault(tuple(tokens(phrase)), Item(kind, value, phrase))
    return book


@cache
def _longest() -> int:
    return max(map(len, phrasebook()))


def chunk(words: list[str]) -> list[Item]:
    """Tokens to items, the longest phrase first; an unknown word is an item of kind "unread"."""
    book, out, i = phrasebook(), list[Item](), 0
    while i < len(words):
        for n in range(min(_longest(), len(words) - i), 0, -1):
            item = book.get(tuple(words[i : i + n]))
            if item is not None:
                out.append(item)
                i += n
                break
        else:
            out.append(Item("unread", words[i], words[i]))
            i += 1
    return out
