"""Everyday verbs that no picture shows: who goes somewhere is there in the end, not "standing".

The lexicon reads them as "standing", which is right for a picture and wrong for a story.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmcourse.story.naming import listed
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.lexicon import lexicon, stems

if TYPE_CHECKING:
    from mmcourse.story.grammar.tale import Tale

GOING = listed(
    "go walk run wander stroll hike march travel roam ramble stride trot gallop hurry "
    "rush dash sprint jog race scurry scamper tiptoe sneak creep crawl climb swim sail "
    "ride drive row paddle wade come trudge plod saunter return arrive journey trek head"
)
PAST = {"went": "go", "gone": "go", "ran": "run", "came": "come", "swam": "swim", "rode": "ride",
        "drove": "drive", "crept": "creep", "goes": "go", "going": "go"}  # fmt: skip
STANDING = listed(
    "stand stood wait stay pose still motionless watch look stare gaze listen think "
    "wonder ponder pause linger loiter upright guard lean balance awake standing waiting"
)
AWAY = ("away", "off", "out", "along", "around", "back", "somewhere", "on")
WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[^\w\s]")


@dataclass(frozen=True)
class Gone:
    """A text without its verbs of moving: whether there were any, and whether nobody said where."""

    text: str
    goes: bool
    away: bool


def moving(word: str) -> bool:
    """Whether a word is a form of a verb of moving."""
    return PAST.get(word, word) in GOING or any(s in GOING for s in stems(word)[1:])


def still(words: str) -> bool:
    """Whether somebody of whom one says this does stand there."""
    return any(s in STANDING for word in words.split() for s in stems(word))


def gone(text: str, tale: Tale | None) -> Gone:
    """A text in which everybody is where they went, for the world's parser.

    "went to the beach" is "to the beach", "walked home" is "in the meadow" where the story began
    there. Phrases that mean something else stay: "runs after", "goes to sleep".
    """
    if tale is not None and re.search(r"\bhome\b", text, re.IGNORECASE):
        text = re.sub(r"\bhome\b", w.PLACE[tale.note.home][0], text, flags=re.IGNORECASE)
    spans = [(m[0].lower(), m.start(), m.end()) for m in WORD.finditer(text)]
    words, known = [x for x, _, _ in spans], lexicon()
    out, at, i, goes, away = "", 0, 0, False, False
    while i < len(words):
        n = next((n for n in range(5, 1, -1) if known.get(tuple(words[i : i + n]), "")), 1)
        if n > 1 and known[tuple(words[i : i + n])] not in ("standing", "next to"):
            i += n
            continue
        on = words[i + 1 : i + 2] == ["on"]  # "go on" means the story
        if not moving(words[i]) or (on and words[i] in ("go", "goes", "come")):
            i += 1
            continue
        goes, end = True, spans[i][2]
        if n > 1 and known[tuple(words[i : i + n])] == "next to":  # "walks to the bear"
            i += n
            continue
        begins = spans[i][1]
        if i + 1 < len(words) and words[i + 1] in AWAY:
            away, i, end = True, i + 1, spans[i + 1][2]
        out, at, i = out + text[at:begins], end, i + 1
    return Gone(" ".join((out + text[at:]).split()), goes, away)
