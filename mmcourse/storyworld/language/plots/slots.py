"""Lines with slots: fill them from a scene, and read them back out of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.facts import SYMMETRIC, Fact
from mmcourse.storyworld.world.sampling import Dice
from mmcourse.storyworld.world.scene import Character

SLOT = re.compile(r"\{([^}]+)\}")
SPEECH = ("said", "asked", "called", "cried", "whispered", "shouted", "says", "told")
END = (".", "!", "?")


@dataclass
class Bound:
    """What the letters of a line stand for: characters by name, things as (colour, kind), and the
    facts that its slots have stated."""

    characters: dict[str, str] = field(default_factory=dict)
    things: dict[str, tuple[str, str]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)


def sentences(words: list[str]) -> list[list[str]]:
    """Split tokens after a full stop; a quotation and its "said" stay together."""
    out: list[list[str]] = [[]]
    quoted = False
    for i, word in enumerate(words):
        out[-1].append(word)
        after = words[i + 1] if i + 1 < len(words) else ""
        if word == '"':
            quoted = not quoted
            done = not quoted and i > 0 and words[i - 1] in END and after not in SPEECH
        else:
            done = not quoted and word in END
        if done:
            out.append([])
    return [s for s in out if s]


def tidy(line: str) -> str:
    """Move facts that follow a full stop into the sentence before it."""
    return re.sub(r'([.!?]"?)((?:\s*\{=[^}]*\})+)', lambda m: m[2].strip() + m[1], line)


def _values(slot: str) -> dict[str, str]:
    """The words that a slot may be filled with, each with its value."""
    if slot in ("place", "time", "weather"):
        table = {"place": w.PLACE, "time": w.TIME_TOLD, "weather": w.WEATHER_TOLD}[slot]
        return {phrase: value for value, phrases in table.items() for phrase in phrases}
    tail = slot[1:]
    tables = {"!mood": w.FEELS, "!does": w.DID, "!wears": w.WEARS}
    if tail in tables:
        return {phrase: x for x, phrases in tables[tail].items() for phrase in phrases}
    if tail in (".he", ".him", ".his"):
        i = (".he", ".him", ".his").index(tail)
        return {forms[i]: forms[i] for forms in w.PRONOUNS.values()}
    if tail == ".look":
        return {w.article(f"{c} {s}"): f"{c} {s}" for c in v.COLOURS for s in v.SPECIES}
    if tail == ".species":
        return {s: s for s in v.SPECIES}
    if slot in ("T", "U"):
        return {f"{c} {k}": f"{c} {k}" for c in v.COLOURS for k in v.KINDS}
    if tail == ".kind":
        return {k: k for k in v.KINDS}
    if slot == "trait":
        return {}
    return {name.lower(): name for name in v.NAMES}


ATTRIBUTE = {"!mood": "mood", "!does": "action", "!wears": "accessory"}


def state(slot: str, value: str, bound: Bound) -> None:
    """Record what a filled slot says."""
    who = bound.characters.get(slot[0], "")
    tail = slot[1:]
    if slot in ("place", "time", "weather"):
        bound.facts.append(("scene", slot, value))
    elif tail in ATTRIBUTE:
        bound.facts.append((who, ATTRIBUTE[tail], value))
    elif tail == ".look":
        colour, species = value.split()
        bound.facts += [(who, "colour", colour), (who, "species", species)]
    elif tail == ".species":
        bound.facts.append((who, "species", value))
    elif slot in ("T", "U"):
        colour, kind = value.split()
        bound.facts += [(value, "colour", colour), (value, "kind", kind)]


def state_literal(slot: str, bound: Bound) -> None:
    """Record a fact without words: "=A has T" or "=weather rain"."""
    words = slot[1:].split()
    if len(words) == 2:
        bound.facts.append(("scene", words[0], words[1]))
        return
    a, relation, b = words
    first = bound.characters.get(a, a)
    second = bound.characters.get(b) or " ".join(bound.things.get(b, (b,)))
    bound.facts.append((first, relation, second))
    if relation in SYMMETRIC:
        bound.facts.append((second, relation, first))


def fill(
    line: str, cast: Mapping[str, Character], bound: Bound, setting: Mapping[str, str], dice: Dice
) -> str:
    """The line in words. `bound` names the characters and things, and collects the facts."""

    def put(match: re.Match[str]) -> str:
        slot = match[1]
        if slot.startswith("="):
            state_literal(slot, bound)
            return ""
        letter, tail = slot[0], slot[1:]
        if slot in setting:
            value = setting[slot]
        elif slot in bound.things:
            value = " ".join(bound.things[slot])
        elif tail == ".kind":
            return bound.things[letter][1]
        elif tail in ATTRIBUTE:
            value = getattr(cast[letter], ATTRIBUTE[tail])
        elif tail == ".look":
            value = f"{cast[letter].colour} {cast[letter].species}"
        elif tail == ".species":
            value = cast[letter].species
        elif tail in (".he", ".him", ".his"):
            i = (".he", ".him", ".his").index(tail)
            return w.PRONOUNS[cast[letter].name][i]
        else:
            return cast[letter].name
        state(slot, value, bound)
        return dice.pick([words for words, x in _values(slot).items() if x == value])

    text = SLOT.sub(put, tidy(line))
    text = re.sub(r"\s+([.!?,])", r"\1", re.sub(r"  +", " ", text)).strip()
    text = re.sub(r"\b([Aa]) (?=(?:orange|elephant|owl)\b)", r"\1n ", text)
    start = rf'(^|[.!?] |[.!?]" (?!(?:{"|".join(SPEECH)})\b))([a-z])'
    return re.sub(start, lambda m: m[1] + m[2].upper(), text)


@dataclass(frozen=True)
class Pattern:
    """A sentence that a line may say, to be recognised.

    shape: a regular expression. slots: what its groups hold. literals: facts that it has no words
    for. fixed: the words that stand in every such sentence.
    """

    shape: str
    slots: tuple[str, ...]
    literals: tuple[str, ...]
    fixed: frozenset[str]

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        """Hundreds of patterns take a third of a second, and a page needs a dozen of them."""
        return re.compile(self.shape)

    def match(self, words: frozenset[str], text: str) -> re.Match[str] | None:
        """The sentence, given its different words and all of them as one string, if it is one of
        this pattern's."""
        return self._compiled.fullmatch(text) if self.fixed <= words else None


def patterns(line: str) -> list[Pattern]:
    """One pattern for each sentence of a line."""
    slots: list[str] = []

    def mark(match: re.Match[str]) -> str:
        slots.append(match[1])
        return f" slot{len(slots) - 1}x " if match[1].startswith("=") else f"slot{len(slots) - 1}x"

    return [_pattern(s, slots) for s in sentences(tokens(SLOT.sub(mark, tidy(line))))]


def _pattern(words: list[str], slots: list[str]) -> Pattern:
    parts: list[str] = []
    used, literals, named = list[str](), list[str](), dict[str, str]()
    fixed = set[str]()
    for word in words:
        found = re.fullmatch(r"slot(\d+)x('s)?", word)
        if not found:
            if word not in ("a", "an"):
                fixed.add(word)
            parts.append("an?" if word in ("a", "an") else re.escape(word))
            continue
        slot = slots[int(found[1])]
        if slot.startswith("="):
            literals.append(slot)
            continue
        if slot in named:
            parts.append(f"(?P={named[slot]})")
            continue
        used.append(slot)
        named[slot] = f"s{len(used) - 1}"
        parts.append(f"(?P<{named[slot]}>{_alternatives(slot)})" + re.escape(found[2] or ""))
    return Pattern(" ".join(parts), tuple(used), tuple(literals), frozenset(fixed))


@cache
def _alternatives(slot: str) -> str:
    if slot == "trait":
        from mmcourse.storyworld.language.plots.voices import TRAITS

        return "|".join(re.escape(" ".join(tokens(t))) for t in TRAITS)
    forms = sorted((" ".join(tokens(p)) for p in _values(slot)), key=len, reverse=True)
    return "|".join(map(re.escape, forms))


@cache
def meanings(slot: str) -> dict[str, str]:
    """The values of a slot by their words, as `patterns` match them."""
    return {" ".join(tokens(p)): value for p, value in _values(slot).items()}
