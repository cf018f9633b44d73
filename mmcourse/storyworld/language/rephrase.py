"""Make a sentence of the words that a prompt was read as.

Word for word, "a dark forest with my sad cat" becomes "a in the forest with sad cat", for many of
the world's words are phrases. Here articles and prepositions that lead to nothing go, phrases of
the setting leave the middle of a noun phrase, and there is one of each kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mmcourse.storyworld.language.parse import OWN
from mmcourse.storyworld.language.phrases import chunk, tokens
from mmcourse.storyworld.language.words import TOGETHER

ARTICLES = ("a", "an", "the", "another")
PREPOSITIONS = ("in", "on", "at", "by", "of", "with", "to", "from", "into", "as")
SETTING = ("place", "time", "weather", "style", "camera")
NOUNS = ("species", "speciess", "kind", "kinds", "worn")
MODIFIERS = ("colour", "mood", "doing")
CLOSERS = (*SETTING, "end", "boundary", "does", "act", "both", "state", "wears", "wear", "with",
           "relation", "position", "count", "there")  # fmt: skip
"""What no noun phrase begins with, so that an article or a preposition before it is idle."""
OBJECTS = ("a", "the", "number", "name", "pronoun", "present", *NOUNS, *MODIFIERS)


@dataclass(frozen=True)
class Piece:
    """Some typed words, the world's words for them ("" for none), and whether they are the same."""

    typed: str
    words: str
    own: bool

    @property
    def kind(self) -> str:
        """What the parser takes the words for, or the first of them; "" for no words."""
        items = chunk(tokens(self.words))
        return items[0].kind if items else ""


def rephrase(pieces: list[Piece]) -> tuple[str, list[str]]:
    """A sentence of the pieces, and the typed words that found no place in it."""
    found = [p for p in pieces if p.words]
    if all(p.own for p in pieces):
        return _join(found), []
    kept = _one_of_each(found)
    kept = _moods_first(_out_of_noun_phrases(kept))
    kept = _leading_somewhere(kept)
    told = {*ARTICLES, *PREPOSITIONS, "and", "that", "animal", "animals"}
    lost = [p.typed for p in found if p not in kept and p.words not in told]
    return _join(_verbs(kept)), lost


def _one_of_each(pieces: list[Piece]) -> list[Piece]:
    """One place, time, weather, style and camera: what was typed as such, or else the last."""
    out = pieces
    for kind in SETTING:
        same = [p for p in pieces if p.kind == kind]
        own = [p for p in same if p.own] or same[-1:]
        out = [p for p in out if p.kind != kind or p in own]
    return out


def _out_of_noun_phrases(pieces: list[Piece]) -> list[Piece]:
    """ "a red in the forest fox" becomes "a red fox in the forest"."""
    out = list(pieces)
    for i in range(len(out) - 2, -1, -1):
        before, here = (out[i - 1] if i else Piece("", "the", True)), out[i]
        if here.own or here.kind not in (*SETTING, "wears"):
            continue
        if before.words not in ARTICLES and before.kind not in ("number", *MODIFIERS):
            continue
        end = i + 1
        while end < len(out) and out[end].kind in MODIFIERS:
            end += 1
        if end < len(out) and out[end].kind in NOUNS and (i or here.kind == "wears"):
            out.insert(end, out.pop(i))
    return out


def _moods_first(pieces: list[Piece]) -> list[Piece]:
    """ "a frog jumping happy" becomes "a happy frog jumping"."""
    out = list(pieces)
    for i in reversed(range(1, len(out))):
        noun = i - 1
        while noun > 0 and out[noun].kind == "doing":
            noun -= 1
        after = out[i + 1].kind if i + 1 < len(out) else ""
        if out[i].own or out[i].kind != "mood" or after in NOUNS or out[noun].kind != "species":
            continue
        while noun > 0 and out[noun - 1].kind == "colour":
            noun -= 1
        mood = out.pop(i)
        if noun == 0 or out[noun - 1].kind != "mood":
            out.insert(noun, mood)
    return out


def _leading_somewhere(pieces: list[Piece]) -> list[Piece]:
    """Without what leads to nothing: articles, prepositions and adjectives before no noun."""
    out: list[Piece] = []
    for piece in reversed(pieces):
        if not _idle(piece, out[::-1]):
            out.append(piece)
    while out and out[-1].words in (*PREPOSITIONS, "and", "has"):
        out.pop()
    return out[::-1]


def _noun(rest: list[Piece]) -> str:
    """The kind of what follows articles and adjectives."""
    skipped = (*MODIFIERS, "a", "the")
    return next((p.kind for p in rest if p.kind not in skipped and p.words not in OWN), "")


def _idle(piece: Piece, rest: list[Piece]) -> bool:
    """Whether a piece means nothing before the rest of the sentence."""
    after = rest[0] if rest else Piece("", "", True)
    noun = _noun(rest)
    closes = not rest or after.kind in CLOSERS or after.words in PREPOSITIONS
    if piece.words in (*ARTICLES, *OWN):
        plural = piece.words in ("a", "an") and _noun(rest) in ("speciess", "kinds")
        return closes or plural or after.words in ARTICLES
    if piece.words in PREPOSITIONS:
        return closes or piece.words == "of"
    if piece.kind == "called":
        return after.kind != "name"
    if piece.words == "that":
        return noun not in NOUNS
    if piece.words in ("animal", "animals"):
        return noun in ("species", "speciess")
    if piece.kind in ("colour", "mood"):  # nothing worn has a colour of its own
        return (after.kind == "place" and not after.own) or (
            piece.kind == "colour" and noun == "worn"
        )
    if piece.kind == "relation":
        return closes and not piece.own
    return piece.kind == "state" and after.kind in ("act", "both")


def _verbs(pieces: list[Piece]) -> list[Piece]:
    """ "two bears hugs" becomes "two bears hug"; "standing a ball", "standing next to a ball"; "at
    night and a fox", "at night, a fox"."""
    out = list(pieces)
    for i in reversed(range(len(out))):
        piece, after = out[i], out[i + 1] if i + 1 < len(out) else Piece("", "", True)
        ends = not after.words or after.kind in CLOSERS or after.words in (*PREPOSITIONS, "and")
        act = chunk(tokens(piece.words))[0].value
        if piece.kind == "act" and act in TOGETHER and ends:
            out[i] = replace(piece, words=TOGETHER[act][0])
        if piece.words == "waves to" and ends:
            out[i] = replace(piece, words="waves")
        if piece.kind == "relation" and not piece.own and _noun(out[i + 1 :]) == "worn":
            out[i] = replace(piece, words="with")
        led = i > 0 and out[i - 1].kind in (*NOUNS, "pronoun", "name", "state")
        if piece.kind == "doing" and not piece.own and led and after.kind in OBJECTS:
            out[i] = replace(piece, words=f"{piece.words} next to")
        opening = i > 0 and all(p.kind in SETTING for p in out[:i])
        if opening and piece.words in ("and", "with") and not ends:
            out[i] = replace(piece, words=",")
    return out


def _join(pieces: list[Piece]) -> str:
    text = re.sub(r" ([,.;:!?])", r"\1", " ".join(p.words for p in pieces))
    text = re.sub(r"\b(?:a|an|the) (?:\w+ )?(?=a present\b)", "", text)
    return re.sub(r"\b(a|an) (?=([a-z]))", lambda m: "an " if m[2] in "aeiou" else "a ", text)
