"""A scene in which a reader's wish comes true."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mmcourse.story.grammar.granted import (
    AFTER,
    AGAIN,
    FINDS,
    FOLLOWS,
    FRIENDS,
    GIVES,
    GOES,
    HAS,
    HUGS,
    LENT,
    LOSES,
    QUARRELS,
    STILL,
    lettered,
)
from mmcourse.story.grammar.tale import Bound, Tale
from mmcourse.story.grammar.wish import Triple, Wish
from mmcourse.storyworld.language.plots.grammar import Beat
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.scene import AWAKE


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
    if wish.lost and things:
        things, things_lines = "", [lettered(dice.pick(LOSES), "A")]
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
    if wish.friends and len(said) > 1:
        lines.append(lettered(dice.pick(FRIENDS), *[*said.values()][:2]))
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
    new = (colour, kind) if colour else tale.new_thing(dice, (kind,)) or (v.COLOURS[0], kind)
    thing = known[0] if known else new
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
            lines = (
                [lettered(LENT, giver)] if act.startswith("give") else []
            )  # else it is only seen
    return f"T@{giver}", lines, bound
