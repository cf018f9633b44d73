"""What a story of the writer's can be about: the goals of the plots that it learned from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from mmcourse.story.abilities import Choice
from mmcourse.story.grammar.tale import Bound, Tale
from mmcourse.story.grammar.telling import in_names
from mmcourse.story.grammar.wish import Wish
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.language.plots import PLOTS, Plot
from mmcourse.storyworld.language.words import SHE
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.scene import Character

WAYS = 3


@dataclass(frozen=True)
class Goal:
    """What somebody wants, in the words that the writer is asked with: "find the red ball"."""

    words: str
    title: str = ""
    plot: str = ""

    def choice(self) -> Choice:
        """What the reader is offered."""
        label = self.words[:1].upper() + self.words[1:]
        reason = f"It may become a story like \u201c{self.plot}\u201d."
        return Choice(label, reason, json.dumps({"goal": self.words}))


def first_goal(hero: Character, wish: Wish, prompt: str, dice: Dice) -> Goal:
    """The goal that suits a reader's words best, of equal ones any: with the thing that they speak
    of, in the place where they are, in words that they use."""
    said = {word for word in tokens(prompt) if len(word) > 3}
    others = [
        Character("fox", "red", name=n) for n in wish.people if n in v.NAMES and n != hero.name
    ]
    free = [n for n in v.NAMES if (n in SHE) != (hero.name in SHE)]
    friend = others[0] if others else Character("fox", "red", name=dice.pick(free))
    found = []
    for plot in dice.sample(PLOTS, len(PLOTS)):
        things: dict[str, tuple[str, str]] = {}
        for letter, kinds in plot.things.items():
            wished = next(
                (t for t in wish.things if t[1] in kinds and t not in things.values()), None
            )
            colour, kind = wished or (
                "",
                dice.pick([k for k in kinds if k not in {x for _, x in things.values()}]),
            )
            things[letter] = (colour or dice.pick(v.COLOURS), kind)
        goal = filled(plot, {"A": hero, "B": friend}, things)
        mine = [t for t in wish.things if t[1] in {k for _, k in things.values()}]
        shared = len(said & set(tokens(f"{plot.goal} {plot.name}")))
        home = wish.setting.get("place") in plot.places.get("home", ())
        found.append((2 * len(mine) + shared + home, goal))
    return max(found, key=lambda x: x[0])[1]


def filled(
    plot: Plot, cast: Mapping[str, Character], things: Mapping[str, tuple[str, str]]
) -> Goal:
    """A plot's goal and title, with somebody and something in it."""
    bound = Bound(dict(cast), dict(things))
    words = in_names(plot.goal, bound)
    title = in_names(plot.title, bound) if "{C" not in plot.title else ""
    return Goal(words[:1].lower() + words[1:], title, plot.name)


def next_goals(tale: Tale, now: str, dice: Dice) -> tuple[Choice, ...]:
    """Up to three ways on: goals that those who are in the story could have, with what is in it."""
    seen: dict[str, Goal] = {}
    for plot in dice.sample(PLOTS, len(PLOTS)):
        for goal in _goals(plot, tale):
            if goal.words != now:
                seen.setdefault(goal.words, goal)
    return tuple(goal.choice() for goal in list(seen.values())[:WAYS])


def _goals(plot: Plot, tale: Tale) -> Iterator[Goal]:
    """A plot's goal, if the story has all that it speaks of."""
    cast = dict(zip("AB", [tale.cast[n] for n in (tale.hero, *_others(tale)) if n in tale.cast]))
    if "{B" in plot.goal and "B" not in cast:
        return
    things = {
        letter: next((t for t in tale.things.values() if t[1] in kinds), ("", ""))
        for letter, kinds in plot.things.items()
    }
    if any("{" + letter in plot.goal and not kind for letter, (_, kind) in things.items()):
        return
    yield replace(filled(plot, {**{"A": cast["A"], "B": cast["A"]}, **cast}, things), title="")


def _others(tale: Tale) -> Collection[str]:
    """Who is with the hero now, and after them everybody else."""
    return [n for n in dict.fromkeys((*tale.here, *tale.cast)) if n != tale.hero]
