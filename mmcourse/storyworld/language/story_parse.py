"""Read a story back: page by page, with a memory for who is who and what has been mentioned.

Sentences that a plot or a voice could have told are recognised whole. Any other sentence is read
by the general reader of `parse`, with the words that it could not read reported.
"""

from __future__ import annotations

from functools import cache

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.parse import Account, Entity, Reader
from mmcourse.storyworld.language.phrases import chunk, tokens
from mmcourse.storyworld.language.plots import PLOTS, lines_of
from mmcourse.storyworld.language.plots.slots import (
    Bound,
    Pattern,
    meanings,
    patterns,
    sentences,
    state,
    state_literal,
)
from mmcourse.storyworld.language.plots.voices import VOICES
from mmcourse.storyworld.world.facts import Fact

PRONOUN = {".he": 0, ".him": 1, ".his": 2}


@cache
def all_patterns() -> dict[str, list[Pattern]]:
    """Every sentence of every plot and voice once, by the number of its tokens that are fixed."""
    lines = [line for plot in PLOTS for line in lines_of(plot.beats)]
    for voice in VOICES:
        for name in ("opening", "hero", "other", "place", "time", "weather", "mood", "ending"):
            lines += getattr(voice, name)
    found: dict[str, Pattern] = {}
    for line in lines:
        for pattern in patterns(line):
            found.setdefault(pattern.shape, pattern)
    by_first: dict[str, list[Pattern]] = {}
    for shape, pattern in sorted(found.items(), key=lambda x: -len(x[0])):
        word = shape.split(" ", 1)[0]
        by_first.setdefault("" if "(" in word or "\\" in word or "?" in word else word, []).append(
            pattern
        )
    return by_first


class StoryReader:
    """Reads the pages of one story in order."""

    def __init__(self) -> None:
        self.recent: list[str] = []
        self.things: list[str] = []

    def page(self, text: str) -> Account:
        facts: set[Fact] = set()
        unread: list[str] = []
        for words in sentences(tokens(text)):
            found = self._sentence(" ".join(words))
            if found is None:
                found, missed = self._other(words)
                unread += missed
            facts |= found
            self._remember(words, found)
        return Account(frozenset(facts), tuple(unread))

    def _remember(self, words: list[str], found: set[Fact]) -> None:
        names = {n.lower(): n for n in w.PRONOUNS}
        for word in words:
            name = names.get(word.removesuffix("'s"))
            if name:
                self.recent = [name, *(n for n in self.recent if n != name)]
        for who, attribute, _ in found:
            if attribute == "kind" and " " in who:
                self.things = [who, *(t for t in self.things if t != who)]

    def _sentence(self, text: str) -> set[Fact] | None:
        table = all_patterns()
        first, words = text.split(" ", 1)[0], frozenset(text.split(" "))
        for pattern in (*table.get(first, ()), *table[""]):
            match = pattern.match(words, text)
            if match:
                facts = self._facts(pattern, match.groups())
                if facts is not None:
                    return facts
        return None

    def _facts(self, pattern: Pattern, groups: tuple[str, ...]) -> set[Fact] | None:
        bound = Bound()
        values = [
            words if slot == "trait" else meanings(slot)[words]
            for slot, words in zip(pattern.slots, groups, strict=True)
        ]
        filled = list(zip(pattern.slots, values, strict=True))
        for slot, value in filled:
            if len(slot) == 1 and slot in "ABCX":
                bound.characters[slot] = value
            elif slot in ("T", "U"):
                colour, kind = value.split()
                bound.things[slot] = (colour, kind)
        for slot, value in filled:
            if slot[1:] in PRONOUN and slot[0] not in bound.characters:
                name = self._who(value, PRONOUN[slot[1:]], set(bound.characters.values()))
                if name is not None:
                    bound.characters[slot[0]] = name
        for slot, value in filled:
            if slot[1:2] in ("!", ".") and slot[1:] not in PRONOUN and slot[1:] != ".kind" and (
                slot[0] not in bound.characters
            ):  # fmt: skip
                return None
            state(slot, value, bound)
        for literal in pattern.literals:
            if not self._bind(literal, bound):
                return None
            state_literal(literal, bound)
        return set(bound.facts)

    def _who(self, pronoun: str, form: int, others: set[str]) -> str | None:
        """The last one mentioned whom a pronoun fits."""
        fitting = [n for n in self.recent if w.PRONOUNS[n][form] == pronoun and n not in others]
        return fitting[0] if fitting else None

    def _bind(self, literal: str, bound: Bound) -> bool:
        """Give the letters of a fact without words their meaning from what came before."""
        words = literal[1:].split()
        if len(words) == 2:
            return True
        free = [x for x in (words[0], words[2]) if x in "ABC" and x not in bound.characters]
        taken = set(bound.characters.values())
        recent = [n for n in self.recent if n not in taken]
        if len(free) > len(recent):
            return False
        bound.characters.update(zip(free, recent, strict=False))
        if words[2] in ("T", "U") and words[2] not in bound.things:
            if len(self.things) != 1:
                return False
            colour, kind = self.things[0].split()
            bound.things[words[2]] = (colour, kind)
        return True

    def _other(self, words: list[str]) -> tuple[set[Fact], list[str]]:
        """A sentence that no plot tells: the general reader's facts and unread words."""
        known = [Entity(name, "") for name in reversed(self.recent)]
        reader = Reader(chunk([x for x in words if x != '"']), known)
        reader.run()
        rename = {e.who: " ".join(filter(None, (e.known.get("colour"), e.what)))
                  for e in reader.entities if "kind" in e.known}  # fmt: skip
        facts = {(rename.get(a, a), k, rename.get(b, b)) for a, k, b in reader.facts if k != "name"}
        return facts, list(reader.unread)


def read_story(text: str) -> list[Account]:
    """Read a story, its pages apart by empty lines.

    Returns:
        An account for each page. Characters go by their names, things by colour and kind.

    Raises:
        ValueError: something that is not text.
    """
    if not isinstance(text, str):
        raise ValueError(f"a story is a str, got {type(text).__name__}")
    reader = StoryReader()
    return [reader.page(page) for page in text.split("\n\n") if page.strip()]
