"""What a writer who is told a context can know of what is true."""

from __future__ import annotations

import re
from collections.abc import Callable

from mmcourse.story.context import SCENES, Context, Item, count_tokens
from mmcourse.story.facts import SETTING, Fact
from mmcourse.story.measure.pages import Tally
from mmcourse.story.state import State
from mmcourse.story.story import Story

LOOKS = ("species", "colour", "accessory", "mood")


def truths(state: State) -> tuple[Fact, ...]:
    """What a writer should know: how everybody looks and feels, who has what, ties, open promises
    and goals, and the setting. Each fact knows the scene that told it last."""
    found = [state.now("scene", k) for k in SETTING]
    for name in state.characters:
        found += [state.now(name, k) for k in LOOKS]
        for thing in state.holds(name):
            found.append([f for f in state.history(name, "has") if f.value == thing][-1])
    out = [f for f in found if f is not None and f.value not in ("", "none")]
    out += state.relations()
    out += [Fact(p.who, "promised", p.what, p.made) for p in state.promises() if p.open]
    return (*out, *state.goals())


def remembered(context: Context, facts: tuple[Fact, ...]) -> Tally:
    """Of some facts, those that a context tells.

    A scene that is told whole tells all that it made true. Anything else, such as a portrait or
    the end of a scene, tells a fact if it names both the subject and the value, and is no other
    scene's.
    """
    hits = sum(any(_tells(item, f) for item in context.kept) for f in facts)
    return Tally(float(hits), float(len(facts)))


def _tells(item: Item, fact: Fact) -> bool:
    if item.kind in SCENES and not item.text.startswith("…"):
        return item.scene == fact.scene
    if item.scene not in (0, fact.scene):
        return False
    value = fact.words if fact.part == "goals" else fact.value
    who = [] if fact.subject == "scene" else [fact.subject]
    return all(re.search(rf"\b{re.escape(x)}\b", item.text) for x in (*who, value))


def newest_first(
    story: Story,
    id: int | None = None,
    budget: int = 400,
    count: Callable[[str], int] = count_tokens,
) -> Context:
    """The context of a sliding window: the last scenes, word for word, as many as fit."""
    kept: list[Item] = []
    left = budget
    for node in story.path(id)[::-1]:
        tokens = count(node.text)
        if tokens > left:
            break
        kept.append(Item("last turns", node.text, tokens, node.id, "just told"))
        left -= tokens
    return Context(budget, tuple(kept[::-1]))
