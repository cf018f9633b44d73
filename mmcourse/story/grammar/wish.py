"""What a reader wishes for, in the world's terms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mmcourse.story.grammar.everyday import both, everyday, spoken_of
from mmcourse.story.grammar.going import gone
from mmcourse.story.grammar.tale import Tale, Thing
from mmcourse.storyworld.language.lexicon import read_prompt
from mmcourse.storyworld.language.noun_phrases import Entity
from mmcourse.storyworld.language.parse import Reader
from mmcourse.storyworld.language.phrases import chunk, tokens
from mmcourse.storyworld.world import vocabulary as v

Triple = tuple[str, str, str]
ATTRIBUTES = ("species", "colour", "accessory", "mood", "action", "name")


@dataclass
class Wish:
    """Who (by name or order of mention) with what is said of them, things, acts, the setting."""

    people: dict[str, dict[str, str]] = field(default_factory=dict)
    things: list[Thing] = field(default_factory=list)
    acts: list[Triple] = field(default_factory=list)
    setting: dict[str, str] = field(default_factory=dict)
    style: str = ""
    notes: tuple[str, ...] = ()
    goes: bool = False
    """Somebody goes somewhere; `away`: and it is not said where."""
    away: bool = False
    lost: bool = False
    """The thing was lost; `friends`: two of them are friends now; `ends`: it is the end."""
    friends: bool = False
    ends: bool = False
    named: tuple[str, ...] = ()
    """Who is spoken of, and nothing is said of them that a picture shows."""

    @property
    def empty(self) -> bool:
        """Whether nothing is wished for, except, maybe, that somebody is there."""
        told = any(self.people.values()) or {*self.people} - {*self.named}
        said = self.things or self.acts or self.setting or self.style
        return not (told or said or self.goes or self.friends)


def read_wish(text: str, tale: Tale | None) -> Wish:
    """A reader's text, with the notes that say how it was read.

    Raises:
        ValueError: words that the world does not know, and nothing else.
    """
    if not text.strip():
        return Wish()
    said = everyday(text)
    away = gone(said.text, tale)
    reading = read_prompt(away.text)
    known = []
    if tale is not None:
        for name, c in tale.cast.items():
            known.append(Entity(name, c.species, {"species": c.species, "colour": c.colour}))
        for name, (colour, kind) in tale.things.items():
            known.append(Entity(name, kind, {"kind": kind, "colour": colour}))
    reader = Reader(chunk(tokens(reading.text)), known)
    reader.run()
    wish = from_facts(reader.facts, {e.who: e for e in reader.entities})
    wish.goes, wish.away, wish.ends = away.goes, away.away, said.ends
    wish.lost, wish.friends = said.lost, said.friends
    if said.undrawn(reading):  # who sings is not told to have stood still
        for look in wish.people.values():
            if look.get("action") == "standing":
                del look["action"]
    if tale is not None:
        _join(wish, said.text, tale)
    moods = [item.value for item in chunk(tokens(reading.text)) if item.kind == "mood"]
    told = [look for look in wish.people.values() if look.get("mood")]
    if moods and both(said.text) and not told:  # "everybody laughs"
        for look in wish.people.values():
            look["mood"] = moods[-1]
    elif moods and len(told) == 1:  # who is scared and cries, cries at the end of it
        told[0]["mood"] = moods[-1]
    if said.asleep and both(said.text):
        for look in wish.people.values():
            look["action"] = "sleeping"
    if wish.lost:
        for look in wish.people.values():
            look.setdefault("mood", "sad")
            if look.get("accessory"):
                look["accessory"] = "none"
    reading = said.noted(reading)
    if reading.explain():
        wish.notes = (reading.explain(),)
    if wish.empty and reading.refused and not wish.named:
        raise ValueError(f"{reading.explain()} Try it with words of the world.")
    return wish


def _join(wish: Wish, text: str, tale: Tale) -> None:
    """Whoever is spoken of joins those of whom something is said."""
    come = spoken_of(text, {name: c.species for name, c in tale.cast.items()})
    if both(text) and len({*come, *wish.people, tale.hero}) == 1:
        come += [x for x in (*tale.here, *reversed(tale.cast)) if x != tale.hero][:1]
    if not wish.things:
        wish.things = [
            thing for thing in tale.things.values()
            if re.search(rf"\b(?:the|her|his|my|their) (?:{thing[0]} )?{thing[1]}\b", text)
        ]  # fmt: skip
    wish.named = tuple(x for x in come if x not in wish.people)
    if both(text):
        wish.people.setdefault(tale.hero, {})
        wish.named = tuple(dict.fromkeys((*wish.named, tale.hero)))
    for name in wish.named:
        wish.people[name] = {}


def from_facts(facts: Iterable[Triple], entities: dict[str, Entity]) -> Wish:
    """The wish that a text's facts make. "thing 1" and so on are read by their colour and kind."""
    wish = Wish()
    given: dict[str, dict[str, str]] = {}
    order = list(entities)  # whoever was named first comes first
    rank = {who: i for i, who in enumerate(order)}
    for who, attribute, value in sorted(facts, key=lambda f: (rank.get(f[0], len(order)), f)):
        if who == "scene" and attribute in ("place", "time", "weather"):
            wish.setting[attribute] = value
        elif (who, attribute) == ("scene", "style"):
            wish.style = value
        elif attribute in v.INTERACTIONS or attribute == "gives":
            wish.acts.append((who, attribute, value))
        elif attribute in (*ATTRIBUTES, "kind"):
            given.setdefault(who, {})[attribute] = value
    for who, said in given.items():
        entity = entities.get(who)
        whole = {**(entity.known if entity else {}), **said}
        if "kind" in whole:
            wish.things.append((whole.get("colour", ""), whole["kind"]))
        else:
            wish.people[who] = said
    for a, kind, b in wish.acts:
        for who in (a, b):
            entity = entities.get(who)
            thing = entity is not None and "kind" in entity.known
            if thing and kind == "gives" and entity is not None:
                pair = (entity.known.get("colour", ""), entity.known["kind"])
                if pair not in wish.things:
                    wish.things.append(pair)
            elif not thing and who != "scene":
                wish.people.setdefault(who, {})
    return wish


def renamed(wish: Wish, old: str, new: str) -> Wish:
    """The wish with somebody under another name."""
    people = {new if who == old else who: look for who, look in wish.people.items()}
    acts = [(new if a == old else a, k, new if b == old else b) for a, k, b in wish.acts]
    return replace(wish, people=people, acts=acts)
