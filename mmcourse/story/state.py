"""What is true at one place of a story: a query over the facts along the path that leads there.

Nothing is stored twice. A mood is the last mood that was told, a possession the last "has" that no
later "lost" or other owner ended, a promise is open until it is kept. So what another branch says,
or what was undone, is never true here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mmcourse.story.facts import LOOKS, RELATIONS, SETTING, Fact
from mmcourse.story.tree import last_told

NOWHERE = ""


@dataclass(frozen=True)
class Promise:
    """`who` promised `what` in scene `made`; `kept` and `broken` name the scene that ended it."""

    who: str
    what: str
    made: int
    kept: int | None = None
    broken: int | None = None

    @property
    def open(self) -> bool:
        """Whether it still waits."""
        return self.kept is None and self.broken is None


@dataclass(frozen=True)
class Place:
    """A place of the map: where one can go from it, and the scenes that happened there."""

    name: str
    exits: tuple[str, ...]
    scenes: tuple[int, ...]


@dataclass(frozen=True)
class State:
    """What is true after the last scene of a path.

    facts: all facts along the path, the oldest first.
    scenes: the ids of the path's scenes.
    plan: the writer's own note from the last scene.
    """

    facts: tuple[Fact, ...] = ()
    scenes: tuple[int, ...] = ()
    plan: str = ""

    # -- single questions ------------------------------------------------------------------------

    def history(self, subject: str, attribute: str) -> tuple[Fact, ...]:
        """Every fact of one kind about one subject, the oldest first."""
        return tuple(f for f in self.facts if (f.subject, f.attribute) == (subject, attribute))

    def now(self, subject: str, attribute: str) -> Fact | None:
        """The fact of this kind that holds now: the last one told."""
        return last_told(self.facts).get((subject, attribute))

    def value(self, subject: str, attribute: str) -> str:
        """The value of `now`, or ""."""
        fact = self.now(subject, attribute)
        return fact.value if fact else ""

    # -- characters ------------------------------------------------------------------------------

    @property
    def characters(self) -> tuple[str, ...]:
        """Everyone who has a species, in the order of their coming."""
        return tuple(dict.fromkeys(f.subject for f in self.facts if f.attribute == "species"))

    def present(self, scene: int | None = None) -> tuple[str, ...]:
        """Who is there in a scene (the last one)."""
        here = scene if scene is not None else self.scenes[-1] if self.scenes else 0
        there = (f.subject for f in self.facts if f.attribute == "at" and f.scene == here)
        return tuple(dict.fromkeys(there))

    def looks(self, name: str) -> dict[str, str]:
        """How somebody looks now, by attribute; identity as JSON."""
        found = {f.attribute: f.value for f in self.facts if f.subject == name
                 and f.attribute in LOOKS}  # fmt: skip
        return dict(sorted(found.items()))

    def identity(self, name: str) -> tuple[float, ...]:
        """What words cannot say of somebody; empty where nothing is known."""
        text = self.value(name, "identity")
        return tuple(json.loads(text)) if text else ()

    def mood(self, name: str) -> str:
        """How somebody feels."""
        return self.value(name, "mood")

    # -- possessions, relations, promises, goals -------------------------------------------------

    def owner(self, thing: str) -> str:
        """Who has a thing now, or ""."""
        who = ""
        for f in self.facts:
            if f.value != thing:
                continue
            if f.attribute == "has":
                who = f.subject
            elif f.attribute == "lost" and f.subject == who:
                who = ""
        return who

    def holds(self, name: str) -> tuple[str, ...]:
        """What somebody has now."""
        things = dict.fromkeys(f.value for f in self.facts if f.attribute == "has")
        return tuple(thing for thing in things if self.owner(thing) == name)

    def relations(self) -> tuple[Fact, ...]:
        """Who is what to whom, each once, as last told. Nobody waits for whoever has kept a
        promise since, and who became friends compete no more."""
        last: dict[tuple[str, str, str], Fact] = {}
        for f in self.facts:
            if f.attribute in RELATIONS:
                last[f.triple] = f
            for key in [k for k in last if _ends(f, k)]:
                del last[key]
        return tuple(last.values())

    def ties(self) -> tuple[Fact, ...]:
        """The relations, and after them what one character did to another, each once."""
        here = set(self.characters)
        met = {f.triple: f for f in self.facts if f.part == "events" and f.value in here}
        return (*self.relations(), *met.values())

    def promises(self) -> tuple[Promise, ...]:
        """Every promise in the order in which they were made."""
        made: dict[tuple[str, str], Promise] = {}
        for f in self.facts:
            key = (f.subject, f.value)
            if f.attribute == "promised" and (key not in made or not made[key].open):
                made.pop(key, None)
                made[key] = Promise(f.subject, f.value, f.scene)
            elif f.attribute in ("kept", "broke") and key in made:
                old = made[key]
                kept = f.scene if f.attribute == "kept" else old.kept
                broken = f.scene if f.attribute == "broke" else old.broken
                made[key] = Promise(old.who, old.what, old.made, kept, broken)
        return tuple(made.values())

    def goals(self) -> tuple[Fact, ...]:
        """What is wanted and not yet got."""
        wanted: dict[tuple[str, str], Fact] = {}
        for f in self.facts:
            key = (f.subject, f.value)
            if f.attribute == "wants":
                wanted[key] = f
            elif f.attribute == "got":
                wanted.pop(key, None)
        return tuple(wanted.values())

    # -- the world -------------------------------------------------------------------------------

    def setting(self) -> dict[str, str]:
        """Place, time and weather now."""
        return {name: self.value("scene", name) for name in SETTING}

    def places(self) -> tuple[Place, ...]:
        """The map: every place that the path has been to or heard of, with its exits."""
        visited: dict[str, list[int]] = {}
        exits: dict[str, dict[str, None]] = {}
        before = NOWHERE
        for f in self.facts:
            if (f.subject, f.attribute) == ("scene", "place"):
                visited.setdefault(f.value, [])
                if f.scene not in visited[f.value]:
                    visited[f.value].append(f.scene)
                if before and before != f.value:
                    exits.setdefault(before, {})[f.value] = None
                    exits.setdefault(f.value, {})[before] = None
                before = f.value
            elif f.attribute == "exit":
                exits.setdefault(f.subject, {})[f.value] = None
        names = dict.fromkeys([*visited, *exits, *(b for way in exits.values() for b in way)])
        return tuple(
            Place(name, tuple(exits.get(name, ())), tuple(visited.get(name, ()))) for name in names
        )

    def ledger(self) -> dict[str, tuple[Fact, ...]]:
        """Every fact by the part of the ledger that it belongs to (see `facts.LEDGER`)."""
        parts: dict[str, list[Fact]] = {}
        for f in self.facts:
            parts.setdefault(f.part, []).append(f)
        return {part: tuple(found) for part, found in parts.items()}


def _ends(told: Fact, tie: tuple[str, str, str]) -> bool:
    who, how, whom = tie
    if how in ("awaits", "hopes"):
        return told.subject == whom and told.attribute in ("kept", "broke")
    friends = told.attribute == "friend of" and {told.subject, told.value} == {who, whom}
    return how == "rivals" and friends


def dated(facts: Sequence[Fact], scene: int) -> tuple[Fact, ...]:
    """The facts, made true by a scene."""
    return tuple(Fact(f.subject, f.attribute, f.value, scene) for f in facts)
