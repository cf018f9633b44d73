"""A story's state as the grammar needs it, and which moves fit it, for whom and what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mmcourse.story.grammar.move import Move
from mmcourse.story.portrait import as_character
from mmcourse.story.state import State
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import Character

Thing = tuple[str, str]
"""(colour, kind)."""


@dataclass(frozen=True)
class Bound:
    """Who (by letter) and what a move's letters stand for; `new` are letters of newcomers."""

    cast: dict[str, Character] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    new: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Note:
    """What the writer keeps from scene to scene: the moves used so far, the home of the hero, the
    shape of its landscape, the sentences of tone that were said, a mark of every text."""

    used: tuple[str, ...] = ()
    home: str = "meadow"
    variation: int = 0
    said: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As text, for `Written.plan`."""
        return json.dumps([self.used, self.home, self.variation, self.said, self.told])

    @classmethod
    def from_json(cls, text: str) -> Note:
        """What `to_json` wrote; a note of another writer is forgotten."""
        try:
            used, home, variation, said, told = json.loads(text)
            return cls(tuple(used), str(home), int(variation), tuple(said), tuple(told))
        except (ValueError, TypeError):
            return cls()


class Tale:
    """What is true where the story goes on, in the world's terms."""

    def __init__(self, state: State, note: Note) -> None:
        self.state, self.note = state, note
        known = {name: as_character(name, state) for name in state.characters}
        self.cast: dict[str, Character] = {n: c for n, c in known.items() if c is not None}
        self.here = tuple(name for name in state.present() if name in self.cast)
        self.setting = {k: x for k, x in state.setting().items() if x}
        self.things: dict[str, Thing] = {}
        for f in state.facts:
            if f.attribute == "kind" and f.value in v.KINDS and f.subject.endswith(" " + f.value):
                self.things[f.subject] = (f.subject.split()[0], f.value)
            colour, _, kind = f.value.partition(" ")
            if f.attribute in ("has", "lost") and colour in v.COLOURS and kind in v.KINDS:
                self.things.setdefault(f.value, (colour, kind))  # lost before it was ever seen
        self.wants = {f.value: f.scene for f in state.goals() if f.subject == self.hero}
        self.promised = {p.what for p in state.promises() if p.open and p.who == self.hero}

    @property
    def hero(self) -> str:
        """The first who came into the story."""
        return next(iter(self.cast), "")

    def age(self, scene: int) -> int:
        """How many scenes ago something became true."""
        later = [s for s in self.state.scenes if s > scene]
        return len(later)

    def owned(self, name: str) -> list[Thing]:
        """The things that somebody has."""
        return [t for x, t in self.things.items() if self.state.owner(x) == name]

    # -- newcomers -------------------------------------------------------------------------------

    def newcomer(
        self, dice: Dice, look: dict[str, str], others: list[Character]
    ) -> Character | None:
        """Somebody whom nobody has met, with a look as far as it is given; None if the world has no
        such name or look left. Whoever stands beside them has another pronoun and species."""
        names = [n for n in v.NAMES if n not in self.cast and n not in {c.name for c in others}]
        if look.get("name"):
            names = [look["name"]]
        she = bool(others) and others[0].name in w.SHE
        names = [n for n in names if (n in w.SHE) != she] or names
        taken = {(c.species, c.colour) for c in (*self.cast.values(), *others)}
        species = [look["species"]] if look.get("species") else list(v.SPECIES)
        colours = [look["colour"]] if look.get("colour") else list(v.COLOURS)
        beside = {c.species for c in others}
        looks = [(s, c) for s in species for c in colours if (s, c) not in taken]
        looks = [x for x in looks if x[0] not in beside] or looks
        if not names or not looks:
            return None
        kind, colour = dice.pick(looks)
        return Character(kind, colour, name=dice.pick(names), identity=sample_identity(dice))

    def new_thing(self, dice: Dice, kinds: tuple[str, ...]) -> Thing | None:
        """A thing that is not in the story yet, of one of the kinds."""
        known = {kind for _, kind in self.things.values()}
        free = [k for k in kinds if k not in known] or list(kinds)
        kind = dice.pick(free)
        colours = [c for c in v.COLOURS if f"{c} {kind}" not in self.things]
        return (dice.pick(colours), kind) if colours else None

    # -- binding ---------------------------------------------------------------------------------

    def bindings(self, move: Move, dice: Dice) -> Iterator[Bound]:
        """Every way in which a move fits here."""
        start = Bound({"A": self.cast[self.hero]})
        yield from self._bind(move, list(move.needs), start, dice)

    def _bind(self, move: Move, needs: list[str], bound: Bound, dice: Dice) -> Iterator[Bound]:
        if not needs:
            looks = {(c.species, c.colour) for c in bound.cast.values()}
            if len(looks) == len(bound.cast):
                yield bound
            return
        for found in self._clause(needs[0].split(), bound, dice):
            yield from self._bind(move, needs[1:], found, dice)

    def _clause(self, words: list[str], bound: Bound, dice: Dice) -> Iterator[Bound]:
        match words:
            case ["B" | "C" as letter, "present" | "away" | "known" | "new" as how]:
                yield from self._somebody(letter, how, bound, dice)
            case ["B" | "C" as letter, "awaits" | "hopes" | "rivals" as how]:
                told = [f for f in self.state.facts if (f.attribute, f.value) == (how, self.hero)]
                if told and told[-1].subject in self.cast:
                    somebody = self.cast[told[-1].subject]
                    yield replace(bound, cast={**bound.cast, letter: somebody})
            case ["A", "here"]:
                yield bound
            case ["A", "bare"]:
                if bound.cast["A"].accessory == "none":
                    yield bound
            case [letter, word] if letter in bound.cast and word in (*v.MOODS, *w.WORN):
                if word in (bound.cast[letter].mood, bound.cast[letter].accessory):
                    yield bound
            case [letter, "has", "T"] if letter in bound.cast:
                for thing in self.owned(bound.cast[letter].name):
                    yield replace(bound, things={**bound.things, "T": thing})
            case ["T", "lost"]:
                for name, thing in self.things.items():
                    if name in self.wants and not self.state.owner(name):
                        yield replace(bound, things={**bound.things, "T": thing})
            case ["T", "new", *kinds]:
                new = self.new_thing(dice, tuple(kinds))
                if new is not None:
                    yield replace(bound, things={**bound.things, "T": new})
            case ["wants", "nothing"]:
                if not self.wants:
                    yield bound
            case ["wants", goal]:
                if goal in self.wants:
                    yield bound
            case ["promised", *what]:
                if " ".join(what) in self.promised:
                    yield bound
            case ["not", word]:
                if word not in self.setting.values():
                    yield bound
            case [word] if word in (*v.TIMES, *v.WEATHERS):
                if word in self.setting.values():
                    yield bound
            case _:
                raise ValueError(f"a move cannot need {' '.join(words)!r}")

    def _somebody(self, letter: str, how: str, bound: Bound, dice: Dice) -> Iterator[Bound]:
        taken = {c.name for c in bound.cast.values()}
        if how == "new":
            found = self.newcomer(dice, {}, list(bound.cast.values()))
            if found is not None and len(self.cast) < MOST_CAST:
                yield replace(bound, cast={**bound.cast, letter: found}, new=bound.new | {letter})
            return
        for name, character in self.cast.items():
            there = name in self.here
            if name not in taken and (how == "known" or there == (how == "present")):
                yield replace(bound, cast={**bound.cast, letter: character})


MOST_CAST = 12
"""After so many, the story meets old friends rather than strangers."""
