# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""What a reader wishes for, in the world's terms, and a scene that grants it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mmcourse.story.grammar.going import gone, still
from mmcourse.story.grammar.granted import (
    AFTER,
    AGAIN,
    FINDS,
    FOLLOWS,
    GIVES,
    GOES,
    HAS,
    HUGS,
    QUARRELS,
    STILL,
    lettered,
)
from mmcourse.story.grammar.tale import Bound, Tale, Thing
from mmcourse.storyworld.language.lexicon import read_prompt
from mmcourse.storyworld.language.noun_phrases import Entity
from mmcourse.storyworld.language.parse import Reader
from mmcourse.storyworld.language.phrases import chunk, tokens
from mmcourse.storyworld.language.plots.grammar import Beat
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.scene import AWAKE

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

    @property
    def empty(self) -> bool:
        """Whether nothing is wished for."""
        said = self.people or self.things or self.acts or self.setting or self.style
        return not (said or self.goes)


def read_wish(text: str, tale: Tale | None) -> Wish:
    """A reader's text, with the notes that say how it was read.

    Raises:
        ValueError: words that the world does not know, and nothing else.
    """
    if not text.strip():
        return Wish()
    away = gone(text, tale)
    text = away.text
    reading = read_prompt(text)
    known = []
    if tale is not None:
        for name, c in tale.cast.items():
            known.append(Entity(name, c.species, {"species": c.species, "colour": c.colour}))
        for name, (colour, kind) in tale.things.items():
            known.append(Entity(name, kind, {"kind": kind, "colour": colour}))
    reader = Reader(chunk(tokens(reading.text)), known)
    reader.run()
    wish = from_facts(reader.facts, {e.who: e for e in reader.entities})
    wish.goes, wish.away = away.goes, away.away
    undrawn = tuple(a for a, b in reading.substitutions if b == "standing" and not still(a))
    if undrawn:  # who sings is not told to have stood still
        for look in wish.people.values():
            if look.get("action") == "standing":
                del look["action"]
        kept = tuple(x for x in reading.substitutions if x[0] not in undrawn)
        reading = replace(
            reading,
            substitutions=kept,
            left_out=tuple(dict.fromkeys((*reading.left_out, *undrawn))),
        )
    if reading.explain():
        wish.notes = (reading.explain(),)
    if wish.empty and reading.refused:
        raise ValueError(f"{reading.explain()} Try it with words of the world.")
    return wish


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


@dataclass(frozen=True)
class Granted:
    """A wish as a beat, with its letters bound; `first` are lines for newcomers' things."""

    bound: Bound
    beat: Beat
    lines: tuple[str, ...]


def grant(wish: Wish, tale: Tale, bound: Bound, dice: Dice, found: bool = True) -> Granted:
    """A scene in which a wish comes true.

    Args:
        wish: what is wished for.
        tale: what is true so far.
        bound: who A is, at least; newcomers of the wish are added.
        dice: decides every choice of words.
        found: things are found; else A has them already.
    """
    letters = _letters(wish, tale, bound, dice)
    bound = letters[1]
    said = letters[0]
    lines: list[str] = []
    wear: list[str] = []
    states: list[str] = []
    acts = [a for a in wish.acts if a[0] in said]
    act = _act(acts, said, bound, wish)
    things, things_lines, bound = _things(wish, tale, bound, dice, found, act)
    for who, letter in said.items():
        mood, action = _mood(wish.people.get(who, {}), letter, bound, act)
        states.append(f"{letter} {mood} {action}")
        lines += _of(letter, wish.people.get(who, {}), mood, action, wear)
        if letter != "A" and letter not in bound.new and bound.cast[letter].name not in tale.here:
            lines.insert(0, lettered("{X} came by.", letter))
    lines = things_lines + lines
    if wish.goes:
        first = next((said[who] for who in wish.people if who in said), "A")
        lines.insert(0, lettered(dice.pick(GOES), first))
    if act:
        kind, a, b = act.split()[:3]
        table = {"give": GIVES, "hug": HUGS, "quarrel": QUARRELS, "follow": FOLLOWS}[kind]
        lines.append(lettered(dice.pick(table), a, b))
        if kind == "give":
            things = f"T@{a}"
    if len(lines) < 2:
        lines.append(dice.pick(AFTER))
    beat = Beat("here", ", ".join(states), tuple(lines), act, ", ".join(wear), things,
                wish.setting.get("time", ""), wish.setting.get("weather", ""))  # fmt: skip
    return Granted(bound, beat, tuple(lines))


def _letters(wish: Wish, tale: Tale, bound: Bound, dice: Dice) -> tuple[dict[str, str], Bound]:
    """A letter for everybody in the wish and for the hero, at most three."""
    said: dict[str, str] = {}
    hero = bound.cast["A"]
    cast, new = dict(bound.cast), set(bound.new)
    for who, look in wish.people.items():
        alike = look.get("species") == hero.species and look.get("colour") in (None, hero.colour)
        if who == hero.name or (alike and who not in tale.cast and "A" not in said.values()):
            said[who] = "A"
    if "A" not in said.values():
        said = {hero.name: "A", **said}
    for who, look in wish.people.items():
        if who in said or len(said) == 3:
            continue
        letter = "BC"[len([x for x in said.values() if x != "A"])]
        known = tale.cast.get(who) or next(
            (c for c in tale.cast.values() if c.name not in said and c.name != hero.name
             and c.species == look.get("species") and look.get("colour") in (None, c.colour)),
            None,
        )  # fmt: skip
        named = {**look, **({"name": who} if who in v.NAMES else {})}
        somebody = known or tale.newcomer(dice, named, list(cast.values()))
        if somebody is None:
            continue
        cast[letter], said[who] = somebody, letter
        if known is None:
            new.add(letter)
    return said, replace(bound, cast=cast, new=frozenset(new))


def _act(acts: list[Triple], said: dict[str, str], bound: Bound, wish: Wish) -> str:
    """The first act that two of the scene can do: "hug A B", "give A B T"."""
    for a, kind, b in acts:
        if kind == "gives":
            others = [x for x in said.values() if x != said[a]]
            pair = next((c for x, k, c in acts if (x, k) == (a, "give")), None)
            other = said.get(pair or "", others[0] if others else "")
            if other and wish.things:
                return f"give {said[a]} {other} T"
        elif kind == "give":
            if wish.things and b in said:
                return f"give {said[a]} {said[b]} T"
        elif b in said:
            return f"{kind} {said[a]} {said[b]}"
    return ""


def _mood(look: dict[str, str], letter: str, bound: Bound, act: str) -> tuple[str, str]:
    mood = look.get("mood") or ("happy" if letter in bound.new else bound.cast[letter].mood)
    action = look.get("action", "standing")
    acting = letter in act.split()[1:3]
    if acting:
        action = "standing"
        if act.startswith("quarrel"):
            mood = "angry"
        elif act.startswith(("hug", "give")) and mood == "angry":
            mood = "happy"
    if action == "sleeping" and mood in AWAKE:
        mood = "happy"
    return mood, action


def _of(letter: str, look: dict[str, str], mood: str, action: str, wear: list[str]) -> list[str]:
    """What is said of somebody: worn, felt, done."""
    lines = []
    worn = look.get("accessory", "")
    if worn:
        wear.append(f"{letter} {worn}")
        bare = worn == "none"
        line = "{X} had nothing on {X.his} head." if bare else "Here came {X}, {X!wears}."
        lines.append(lettered(line, letter))
    if look.get("mood"):
        lines.append(lettered("{X} was {X!mood}.", letter))
    if look.get("action") == action:
        lines.append(lettered("{X} {X!does}.", letter))
    return lines


def _things(
    wish: Wish, tale: Tale, bound: Bound, dice: Dice, found: bool, act: str
) -> tuple[str, list[str], Bound]:
    """(what lies where, lines, bound) for the first thing of a wish."""
    if not wish.things:
        return "", [], bound
    colour, kind = wish.things[0]
    known = [t for t in tale.things.values() if t[1] == kind and colour in ("", t[0])]
    giver = act.split()[1] if act.startswith("give") else "A"
    thing = known[0] if known else (
        (colour, kind) if colour else tale.new_thing(dice, (kind,)) or (v.COLOURS[0], kind))  # fmt: skip
    bound = replace(bound, things={**bound.things, "T": thing})
    name = " ".join(thing)
    owner = tale.state.owner(name)
    if owner and owner == bound.cast[giver].name:
        lines = [lettered(STILL, giver)]
    elif name in tale.wants and giver == "A":
        lines = list(AGAIN)
    else:
        lines = [lettered(dice.pick(FINDS if found and giver == "A" else HAS), giver)]
        if owner and owner != bound.cast[giver].name and name in tale.things:
            lines = []  # somebody else has it: it is only seen
    return f"T@{giver}", lines, bound
