"""What chapter 6's writer is told: its one line of what is known, and the page before.

A reader's words become that line as far as it has a place for them: heroes and their looks, where
it happens, and what the page is about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmcourse.story.abilities import Choice, WriteRequest
from mmcourse.story.backends.tiny_goals import first_goal
from mmcourse.story.backends.tiny_stage import newcomer
from mmcourse.story.backends.world_writer import a_hero, from_picture, joined
from mmcourse.story.grammar.tale import Note, Tale
from mmcourse.story.grammar.wish import Wish, read_wish, renamed
from mmcourse.story.state import State
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice

if TYPE_CHECKING:
    from mmcourse.lora.writer import Memory

PAGES = 5
"""As many as most stories have that it learned from; none has more than `MOST`."""
MOST = 8
KNOWN = 6
"""So many characters are told to the model at most: those who are there, and the last who came."""


@dataclass(frozen=True)
class Plan:
    """What the writer keeps from scene to scene: what the story is about, how many pages there may
    be, the page that it wrote last, the shape of its landscape."""

    goal: str = ""
    pages: int = PAGES
    before: str = ""
    variation: int = 0

    def to_json(self) -> str:
        """As text, for `Written.plan`."""
        return json.dumps([self.goal, self.pages, self.before, self.variation])

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """What `to_json` wrote; a plan of another writer is forgotten."""
        try:
            goal, pages, before, variation = json.loads(text)
            return cls(str(goal), int(pages), str(before), int(variation) % len(v.VARIATIONS))
        except (ValueError, TypeError):
            return cls()


@dataclass(frozen=True)
class Task:
    """A page that is to be written: what the model is told, and what is true before it."""

    memory: Memory
    tale: Tale
    plan: Plan
    wish: Wish
    title: str = ""


def told_before(request: WriteRequest) -> tuple[int, ...]:
    """The scenes that are told already."""
    return request.state.scenes if request.state else ()


def begins(request: WriteRequest) -> bool:
    """Whether there is nobody yet whom the story could go on with."""
    return request.purpose == "enhance" or not (request.state and Tale(request.state, Note()).cast)


def wished(request: WriteRequest, tale: Tale | None) -> Wish:
    """What the reader asks for, by words and by a picture."""
    wish = read_wish(request.prompt, tale)
    return wish if request.seen is None else joined(wish, from_picture(request.seen))


def begun(request: WriteRequest, dice: Dice) -> Task:
    """The first page: the hero and whoever else is asked for, where it happens, and a goal."""
    from mmcourse.lora.writer import Memory

    wish = wished(request, None)
    hero, who = a_hero(request.hero, wish, dice)
    wish = renamed(wish, who, hero.name)
    cast = {
        hero.name: replace(
            hero, accessory=wish.people.get(hero.name, {}).get("accessory", hero.accessory)
        )
    }
    for name, look in wish.people.items():
        if name != hero.name and look.get("species") and len(cast) < 3:
            free = [n for n in v.NAMES if n not in cast and n not in wish.people]
            name = name if name in v.NAMES else dice.pick(free)
            said = {(name, k): x for k, x in look.items()}
            cast[name] = newcomer(name, look["species"], said, [*cast.values()], dice)
    variation = dice.pick(v.VARIATIONS)
    tale = Tale(State(), Note(variation=variation))
    tale.cast = cast
    setting = {"place": dice.pick(v.PLACES), "time": "day", "weather": "clear", **wish.setting}
    goal = first_goal(hero, wish, request.prompt, dice)
    pages = PAGES if request.left is None else min(MOST, request.left + 1)
    memory = Memory(goal.words, pages, looks_of(tale), setting)
    return Task(memory, tale, Plan(goal.words, pages, variation=variation), wish, goal.title)


def gone_on(request: WriteRequest, dice: Dice) -> Task:
    """The next page: what is true by now, the page before, and what the reader wants of it."""
    from mmcourse.lora.writer import Memory

    assert request.state is not None
    plan = Plan.from_json(request.state.plan)
    tale = Tale(request.state, Note(variation=plan.variation))
    wish = wished(request, tale)
    goal = asked_goal(request, wish) or plan.goal or "be happy"
    number = len(tale.state.scenes) + 1
    page, pages = numbered(number, plan.pages, request.left)
    setting = {"place": "meadow", "time": "day", "weather": "clear", **tale.setting, **wish.setting}
    setting = {
        k: x if x in v.SCENE_ATTRIBUTES[k] else v.SCENE_ATTRIBUTES[k][0] for k, x in setting.items()
    }
    holds = {
        thing: owner for thing in tale.things if (owner := tale.state.owner(thing)) in tale.cast
    }
    before = last_page(request) or plan.before
    memory = Memory(goal, pages, looks_of(tale), setting, holds, before, page)
    return Task(memory, tale, replace(plan, goal=goal, pages=pages), wish)


def looks_of(tale: Tale) -> dict[str, tuple[str, str, str]]:
    """The looks that the model is told, in the order of coming."""
    last = list(tale.cast)[-KNOWN:]
    kept = [n for n in tale.cast if n == tale.hero or n in tale.here or n in last][:KNOWN]
    return {n: (c.colour, c.species, c.accessory) for n, c in tale.cast.items() if n in kept}


def numbered(number: int, pages: int, left: int | None) -> tuple[int, int]:
    """Which page it is, of how many: the model learned from stories of eight pages at most, so the
    last page of any story is told to be the last, and of a longer one the rest go round before it.
    """
    if left is None:
        pages = max(pages, PAGES)
        return (number, pages) if number <= pages else (2 + (number - 2) % (pages - 2), pages)
    whole = number + left
    if whole <= MOST:
        return number, whole
    return (MOST, MOST) if left == 0 else (min(number, MOST - min(left, MOST - 2)), MOST)


def asked_goal(request: WriteRequest, wish: Wish) -> str:
    """What the reader wants of a page: the way that was taken, or their words as the world reads
    them."""
    from mmcourse.storyworld.language.lexicon import read_prompt

    if request.choice is not None:
        return goal_of(request.choice)
    if wish.empty and not wish.named:
        return ""
    return read_prompt(request.prompt).text


def goal_of(choice: Choice) -> str:
    """The goal that a proposed way stands for; another writer's way is taken by its label."""
    try:
        return str(json.loads(choice.plan)["goal"])
    except (ValueError, KeyError, TypeError):
        return choice.label.lower()


def last_page(request: WriteRequest) -> str:
    """The page before, as the reader may have changed it, if the context holds it whole."""
    items = request.context.kept if request.context else ()
    last = next((i.text for i in items if i.kind in ("marked", "last turns")
                 and i.scene == told_before(request)[-1]), "")  # fmt: skip
    return "" if last.startswith("…") else last
