"""The world's own pen: which move comes next, and how a scene is put together from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmcourse.story.abilities import Choice, WriteRequest, Written
from mmcourse.story.facts import Fact
from mmcourse.story.grammar.granted import AFTER
from mmcourse.story.grammar.granting import grant
from mmcourse.story.grammar.move import Move
from mmcourse.story.grammar.tale import Bound, Note, Tale
from mmcourse.story.grammar.telling import (
    NEW_TONE,
    TONES,
    Page,
    Standing,
    in_names,
    places_from,
    shown,
    voice_called,
)
from mmcourse.story.grammar.ways import CLOSING, HELP, QUIET, TROUBLE
from mmcourse.story.grammar.wish import Wish
from mmcourse.story.grammar.wishes import OPENING, TURNING
from mmcourse.story.state import State
from mmcourse.storyworld.language.plots.grammar import Beat
from mmcourse.storyworld.language.plots.voices import Voice
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.scene import Scene

MOVES: dict[str, Move] = {
    m.name: m for m in (*OPENING, *TURNING, *TROUBLE, *HELP, *QUIET, *CLOSING)
}
RESTING = 12
"""For so many scenes a move is not used again, unless nothing else fits."""
AFTER_MOVE = {"a quarrel": "made up", "homesick": "comfort", "a scarf": "the scarf"}
"""What often comes after a move, if it can."""
WAYS = 3
"""How many ways on are proposed."""


class Impossible(Exception):
    """A scene that the world does not allow: other dice may do better."""


@dataclass(frozen=True)
class Fitting:
    """A move that fits, with what its letters stand for."""

    move: Move
    bound: Bound

    def choice(self) -> Choice:
        """What the reader is offered."""
        cast = {k: c.name for k, c in self.bound.cast.items() if k not in self.bound.new}
        things = {k: " ".join(t) for k, t in self.bound.things.items()}
        reason = in_names(self.move.reason, self.bound)
        return Choice(
            in_names(self.move.label, self.bound),
            reason[:1].upper() + reason[1:] + ".",
            json.dumps({"move": self.move.name, "cast": cast, "things": things}),
        )


def fitting(tale: Tale, dice: Dice, kinds: Sequence[str]) -> list[Fitting]:
    """The moves of some kinds that fit, one binding each, the rested ones only if there are any."""
    found = []
    for move in MOVES.values():
        if move.kind in kinds:
            ways = list(tale.bindings(move, dice))
            if ways:
                found.append(Fitting(move, dice.pick(ways)))
    rested = [f for f in found if f.move.name not in tale.note.used[-RESTING:]]
    return rested or found


def next_kinds(tale: Tale, left: int | None, dice: Dice) -> list[tuple[str, ...]]:
    """Kinds of moves in the order of liking: how a story breathes.

    A wish is made, something is in its way, somebody helps, it comes true, and there is a rest.
    With `left` scenes to go, the wish comes true in the last but one and the last one closes.
    """
    wished = max((tale.age(scene) for scene in tale.wants.values()), default=None)
    anything: tuple[str, ...] = ("quiet", "help", "trouble")
    if left == 0:
        return [("close",), ("turn",), anything] if wished is None else [
            ("turn",), ("close",), anything]  # fmt: skip
    if wished is None:
        never = not any(f.attribute == "wants" for f in tale.state.facts)
        likely = 0.0 if left is not None and left < 2 else 1.0 if never else 0.75
        first = ("open",) if dice.chance(likely) else ("quiet",)
        return [first, ("quiet", "help"), anything]
    if left == 1 or (wished >= 2 and dice.chance(0.3 + 0.2 * (wished - 2))):
        return [("turn",), ("help",), anything]
    if wished == 0:
        return [("trouble",), ("help",), anything]
    return [("help", "trouble") if dice.chance(0.6) else ("help", "quiet"), anything]


def choose(tale: Tale, left: int | None, dice: Dice) -> Fitting:
    """The move that the pen takes if nobody says otherwise."""
    after = AFTER_MOVE.get(tale.note.used[-1] if tale.note.used else "")
    if after and dice.chance(0.7):
        ways = list(tale.bindings(MOVES[after], dice))
        if ways:
            return Fitting(MOVES[after], dice.pick(ways))
    for kinds in [*next_kinds(tale, left, dice), ("open", "close")]:
        found = fitting(tale, dice, kinds)
        if found:
            return dice.pick(found)
    raise ValueError("this story has no way on; go back a scene and take another")


def about(names: set[str], tale: Tale, left: int | None, dice: Dice) -> Fitting | None:
    """A move in which all of these are; None if there is none at the moment."""
    for kinds in [*next_kinds(tale, left, dice), ("help", "quiet", "open", "trouble")]:
        ways = [
            Fitting(f.move, bound)
            for f in fitting(tale, dice, kinds)
            for bound in tale.bindings(f.move, dice)
            if names <= {c.name for c in bound.cast.values()}
        ]
        if ways:
            return dice.pick(ways)
    return None


def taken(choice: Choice, tale: Tale, dice: Dice) -> Fitting | None:
    """The move that a proposed way stands for, if it still fits."""
    try:
        plan = json.loads(choice.plan)
        move, cast, things = MOVES[plan["move"]], plan["cast"], plan["things"]
    except (ValueError, KeyError, TypeError):
        return None
    ways = list(tale.bindings(move, dice))
    same = [
        b for b in ways
        if all(b.cast[k].name == name for k, name in cast.items() if k in b.cast)
        and all(" ".join(b.things[k]) == t for k, t in things.items() if k in b.things)
    ]  # fmt: skip
    found = (same or ways)[:1]
    if found and not same:  # a new thing was promised by name: keep the promise
        named = {k: (t.split()[0], t.split()[1]) for k, t in things.items()}
        found = [replace(found[0], things={**found[0].things, **named})]
    return Fitting(move, found[0]) if found else None


def proposals(tale: Tale, dice: Dice) -> tuple[Choice, ...]:
    """Three ways on, each of another kind where that can be, with their reasons."""
    out: list[Fitting] = []
    order = ("turn", "trouble", "help", "open", "quiet", "close")
    groups = [fitting(tale, dice, (kind,)) for kind in order]
    while len(out) < WAYS and any(groups):
        for group in groups:
            if group and len(out) < WAYS:
                found = group.pop(int(dice.number() * len(group)))
                if found.move.name not in {f.move.name for f in out}:
                    out.append(found)
    return tuple(f.choice() for f in out)


@dataclass
class Draft:
    """A scene before it is told: the beat, its letters, and how the story is told."""

    bound: Bound
    beat: Beat
    lines: list[str]
    used: str = ""
    title: str = ""
    first: bool = False


def from_move(found: Fitting, dice: Dice) -> Draft:
    """The draft of a move, one of each line's alternatives chosen."""
    beat = found.move.beat
    lines = [dice.pick(line.split(" | ")) for line in beat.lines]
    return Draft(found.bound, beat, lines, found.move.name, found.move.title)


def from_wish(wish: Wish, tale: Tale, bound: Bound, dice: Dice, found: bool = True) -> Draft:
    """The draft of a wish."""
    granted = grant(wish, tale, bound, dice, found)
    return Draft(granted.bound, granted.beat, list(granted.lines), "wish")


def with_a_goal(draft: Draft, wish: Wish, tale: Tale, dice: Dice) -> Draft:
    """The opening with a wish of the hero's, unless the reader has said how they are or what they
    do: then that is enough for one scene."""
    hero = draft.bound.cast["A"]
    look = wish.people.get(hero.name, {})
    if draft.beat.act or wish.lost or look.get("mood") or look.get("action"):
        return draft
    facts = [Fact("scene", k, x, 1) for k, x in tale.setting.items()]
    for c in draft.bound.cast.values():
        facts += [Fact(c.name, "species", c.species, 1), Fact(c.name, "colour", c.colour, 1)]
        facts.append(Fact(c.name, "at", tale.setting["place"], 1))
    things = {" ".join(t): t for t in draft.bound.things.values()}
    for name, (colour, kind) in things.items():
        facts += [Fact(name, "colour", colour, 1), Fact(name, "kind", kind, 1)]
        facts.append(Fact(hero.name, "has", name, 1))
    so_far = Tale(State(tuple(facts), (1,)), tale.note)
    names = {c.name: k for k, c in draft.bound.cast.items()}
    fits = [
        f
        for f in fitting(so_far, dice, ("open",))
        if f.move.name not in (("gone",) if len(names) == 1 else ("gone", "a friend"))
        and all(names.get(c.name) == k for k, c in f.bound.cast.items())
        and (not things or set(f.bound.things.values()) <= set(things.values()))
    ]
    about = [f for f in fits if f.bound.things] if things else fits
    if not (about or fits):
        return draft
    found = from_move(dice.pick(about or fits), dice)
    mine = {state.split()[0] for state in found.beat.state.split(", ")}
    others = [x for x in draft.beat.state.split(", ") if x.split()[0] not in mine]
    beat = replace(
        found.beat,
        state=", ".join([found.beat.state, *others]),
        wear=draft.beat.wear,
        things=found.beat.things or draft.beat.things,
    )
    lines = [line for line in draft.lines if line not in AFTER] + found.lines
    bound = replace(draft.bound, things={**found.bound.things, **draft.bound.things})
    return Draft(bound, beat, lines, found.used, found.title)


def tell(draft: Draft, tale: Tale, wish: Wish, request: WriteRequest, dice: Dice) -> Written:
    """Set a draft on the stage, and put it into words and facts.

    Raises:
        Impossible: the world does not allow this scene.
        ValueError: a voice or a tone that does not exist.
    """
    voice: Voice = voice_called(request.voice, request.tone, dice)
    places = places_from(tale, dice)
    if wish.setting.get("place"):
        places = dict.fromkeys(places, wish.setting["place"])
    style = wish.style or request.style or "flat"
    stage = Standing(draft.bound, tale, places, style)
    stage.setting.update({k: x for k, x in wish.setting.items() if k != "place"})
    try:
        scene: Scene = stage.show(draft.beat)
    except ValueError as error:
        raise Impossible(str(error)) from None
    page = Page(stage, draft.bound, tale, dice)
    page.tell(voice, draft.beat, draft.lines, draft.first)
    said = tale.note.said
    if request.tone and dice.chance(NEW_TONE):
        fresh = [s for s in TONES[request.tone][1] if s not in said[-3:]]
        said = (*said, dice.pick(fresh))
        page.say(said[-1])
    if request.left == 0:
        page.say(dice.pick(voice.ending))
    facts = tuple(dict.fromkeys((*shown(scene, tale), *page.stated())))
    home = tale.note.home if tale.state.scenes else scene.place
    used = (*tale.note.used, draft.used)[-2 * RESTING :]
    mark = hashlib.blake2b(page.text.encode(), digest_size=3).hexdigest()
    if mark in tale.note.told:
        raise Impossible("this scene was told before, word for word")
    note = Note(used, home, tale.note.variation, said[-8:], (*tale.note.told, mark)[-200:])
    title = in_names(draft.title, draft.bound) if draft.title else ""
    after = _after(tale, facts, note)
    return Written(
        page.text,
        title,
        facts,
        proposals(after, dice),
        scene.to_json(),
        request.tone,
        voice.name,
        wish.style,
        wish.notes,
        note.to_json(),
    )


def _after(tale: Tale, facts: tuple[Fact, ...], note: Note) -> Tale:
    """The tale with a scene more, whose number is not known yet."""
    id = max(tale.state.scenes, default=0) + 1
    dated = tuple(replace(f, scene=id) for f in facts)
    state = State((*tale.state.facts, *dated), (*tale.state.scenes, id), note.to_json())
    return Tale(state, note)
