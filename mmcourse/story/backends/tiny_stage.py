"""A page of the writer's, set on the stage: a scene that can be drawn, made of its facts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mmcourse.story.backends.tiny_reader import shown_name
from mmcourse.story.facts import Fact
from mmcourse.story.grammar.tale import Tale
from mmcourse.story.grammar.telling import plain
from mmcourse.story.state import State
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import AWAKE, Character, Scene, Thing

Triple = tuple[str, str, str]
PLACES = {1: ("middle",), 2: ("left", "right"), 3: ("left", "middle", "right")}


def stage(
    found: Mapping[str, Any],
    read: Collection[Triple],
    tale: Tale,
    setting: Mapping[str, str],
    style: str,
    dice: Dice,
) -> Scene | None:
    """The scene of a page, or None where the world allows none like it.

    Whoever is known looks as they always have. A newcomer's colour is the one that the prose says;
    where it says none, dice choose.

    Args:
        found: the page's facts as the writer put them down (see `lora.models.structure`).
        read: what its prose says, by the world's parser.
        tale: what was true before.
        setting: place, time and weather, as far as the page does not change them.
        style: how it is drawn.
        dice: for all that nobody says.
    """
    said = {(who, what): value for who, what, value in sorted(read)}
    here: list[Character] = []
    for one in found["characters"]:
        name = shown_name(one["name"])
        if name in {c.name for c in here}:
            continue
        who = tale.cast.get(name) or newcomer(
            name, one["species"], said, [*tale.cast.values(), *here], dice
        )
        here.append(as_told(who, one["mood"], said))
    here = [replace(c, position=p) for c, p in zip(here, PLACES[len(here)], strict=True)]
    where = {**setting, **found["place"]}
    where |= {k: said["scene", k] for k in v.SCENE_ATTRIBUTES if ("scene", k) in said}
    try:
        return Scene(
            tuple(here),
            held(here, read, dice),
            **{k: where[k] for k in v.SCENE_ATTRIBUTES},
            style=style,
            variation=tale.note.variation,
        )  # fmt: skip
    except ValueError:
        return None


def newcomer(
    name: str,
    species: str,
    said: Mapping[tuple[str, str], str],
    others: list[Character],
    dice: Dice,
) -> Character:
    """Somebody whom the story has not met, unlike everybody whom it has."""
    species = said.get((name, "species"), species)
    taken = {c.colour for c in others if c.species == species}
    colour = said.get((name, "colour")) or dice.pick([c for c in v.COLOURS if c not in taken])
    return Character(species, colour, name=name, identity=sample_identity(dice))


def as_told(who: Character, mood: str, said: Mapping[tuple[str, str], str]) -> Character:
    """Somebody as the page has them: mood, action and what they wear."""
    mood = said.get((who.name, "mood"), mood)
    action = said.get((who.name, "action"), "standing")
    if action == "sleeping" and mood in AWAKE:
        action = "standing"
    worn = said.get((who.name, "accessory"), who.accessory)
    return replace(who, mood=mood, action=action, accessory=worn)


def held(here: list[Character], read: Collection[Triple], dice: Dice) -> tuple[Thing, ...]:
    """What lies where: a thing beside whoever the page says has it."""
    out: list[Thing] = []
    free = [p for p in ("left", "right") if len(here) > 1 or p not in {c.position for c in here}]
    for who, what, thing in sorted(read):
        colour, _, kind = thing.partition(" ")
        owner = next((c for c in here if c.name == who), None)
        fits = is_thing(thing) and kind not in {t.kind for t in out}
        if what == "has" and owner is not None and fits and free:
            place = owner.position if owner.position in free else dice.pick(free)
            free.remove(place)
            out.append(Thing(kind, colour, place))
    return tuple(out)


def points(found: Mapping[str, Any]) -> set[Triple]:
    """What happens on a page, as the writer put it down."""
    return {(shown_name(p["who"]), p["what"], shown_name(p["whom"])) for p in found["points"]}


def said_facts(triples: Collection[Triple], state: State) -> list[Fact]:
    """Triples as facts. Whoever loses a thing had it, and what is lost is lost before somebody else
    has it; a path or the way home is nothing that one has."""
    begun, lost, rest = [], [], []
    for who, what, value in sorted(triples, key=lambda t: (t[1] in ("has", "got", "kept"), t)):
        if what != "lost":
            rest.append(plain(who, what, value))
        elif is_thing(value):
            lost.append(plain(who, what, value))
            if state.owner(value) != who:
                begun.append(plain(who, "has", value))
    return [*begun, *lost, *rest]


def is_thing(value: str) -> bool:
    """Whether this is a thing of the world, by colour and kind."""
    colour, _, kind = value.partition(" ")
    return colour in v.COLOURS and kind in v.KINDS
