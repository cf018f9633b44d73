"""The cast of a story and the scenes that they stand in, from one beat of the plot to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.plots.grammar import Beat, Fork, Plot
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.sampling import Dice, held_out, sample_identity
from mmcourse.storyworld.world.scene import Character, Interaction, Scene, Thing


def _cast(plot: Plot, dice: Dice, split: str) -> dict[str, Character]:
    """The plot's characters: neighbours in the cast have different pronouns, so "she" is clear."""
    barred = held_out("species", "colour") if split != "compositional" else frozenset()
    names = {
        True: dice.sample(w.SHE, 3),
        False: dice.sample([n for n in v.NAMES if n not in w.SHE], 3),
    }
    she = dice.chance(0.5)
    species = dice.sample(v.SPECIES, len(plot.cast))
    cast = {}
    for i, letter in enumerate(plot.cast):
        colours = [c for c in v.COLOURS if (species[i], c) not in barred]
        identity = sample_identity(dice)
        cast[letter] = Character(
            species[i], dice.pick(colours), name=names[she ^ bool(i % 2)].pop(), identity=identity
        )
    return _dress(cast, plot.starts)


def _dress(cast: dict[str, Character], changes: str) -> dict[str, Character]:
    for change in filter(None, changes.split(", ")):
        letter, accessory = change.split()
        cast = {**cast, letter: replace(cast[letter], accessory=accessory)}
    return cast


def _things(plot: Plot, dice: Dice, split: str) -> dict[str, tuple[str, str]]:
    barred = held_out("kind", "thing_colour") if split != "compositional" else frozenset()
    out: dict[str, tuple[str, str]] = {}
    for letter, kinds in plot.things.items():
        kind = dice.pick([k for k in kinds if k not in {x for _, x in out.values()}])
        out[letter] = (dice.pick([c for c in v.COLOURS if (kind, c) not in barred]), kind)
    return out


class Stage:
    """What holds from one page to the next."""

    def __init__(self, plot: Plot, dice: Dice, split: str, style: str) -> None:
        self.cast, self.things = _cast(plot, dice, split), _things(plot, dice, split)
        self.places: dict[str, str] = {}
        for role, places in plot.places.items():
            left = [p for p in places if p not in self.places.values()]
            self.places[role] = dice.pick(left or list(places))
        self.setting = {
            "place": "",
            "time": "day",
            "weather": dice.pick(("clear", "clear", "rain")),
        }
        if any(b.weather == "rain" for b in _all_beats(plot.beats)):
            self.setting["weather"] = "clear"
        self.style, self.variation = style, dice.pick(v.VARIATIONS)

    def show(self, beat: Beat) -> Scene:
        """Move on to a beat and set its scene."""
        self.cast = _dress(self.cast, beat.wear)
        self.setting["place"] = self.places[beat.where]
        self.setting["time"] = beat.time or self.setting["time"]
        self.setting["weather"] = beat.weather or self.setting["weather"]
        here = []
        for state in beat.state.split(", "):
            letter, mood, *action = state.split()
            self.cast[letter] = replace(
                self.cast[letter], mood=mood, action=action[0] if action else "standing"
            )
            here.append(letter)
        lying = [x.split("@") for x in filter(None, beat.things.split(", "))]
        act = beat.act.split()
        places = self._positions(here, act, [owner for _, owner in lying if owner in here])
        for letter in here:
            self.cast[letter] = replace(self.cast[letter], position=places[letter])
        taken = {places[o] for _, o in lying if o in here and len(here) > 1}
        things = []
        for letter, owner in lying:
            at = places[owner] if owner in here and len(here) > 1 else None
            free = [p for p in ("left", "right", "middle") if p not in taken
                    and (len(here) > 1 or p not in places.values())]  # fmt: skip
            at = at or free[0]
            taken.add(at)
            colour, kind = self.things[letter]
            things.append(Thing(kind, colour, at))
        interaction = None
        if act:
            thing = self.things[act[3]][1] if len(act) > 3 else None
            interaction = Interaction(act[0], places[act[1]], places[act[2]], thing)
        return Scene(
            tuple(self.cast[x] for x in here),
            tuple(things),
            **self.setting,
            style=self.style,
            variation=self.variation,
            interaction=interaction,
        )

    @staticmethod
    def _positions(here: list[str], act: list[str], owners: list[str]) -> dict[str, str]:
        """Who stands where: neighbours if they act together, owners of things at the edges."""
        if len(here) < 3:
            slots = {1: ("middle",), 2: ("left", "right")}[len(here)]
            return dict(zip(here, slots, strict=True))
        for order in permutations(here):
            middle = order[1]
            if middle not in owners and (not act or middle in act[1:3]):
                return dict(zip(order, v.POSITIONS, strict=True))
        return dict(zip(here, v.POSITIONS, strict=True))


def _all_beats(path: Sequence[Beat | Fork]) -> list[Beat]:
    return [
        b
        for step in path
        for b in (
            [step]
            if isinstance(step, Beat)
            else [x for _, way in step.options for x in _all_beats(way)]
        )
    ]
