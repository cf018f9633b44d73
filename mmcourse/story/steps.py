"""What can happen to a story, as steps, and how a story is played from them.

A step is never changed. Each knows the step before it, so steps are a tree as well: undo moves the
pointer to the step before, and what is done then grows beside what was undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mmcourse.story.abilities import Credit, Extracted
from mmcourse.story.codec import from_data, to_data
from mmcourse.story.facts import Fact
from mmcourse.story.state import dated
from mmcourse.story.story import Node, Picture, Portrait, Settings, Story


@dataclass(frozen=True)
class Step:
    """One thing that happened. `parent` is the step before it, 0 for the first; `at` is when, in
    ISO 8601; `data` is JSON."""

    id: int
    parent: int
    kind: str
    data: Mapping[str, Any]
    at: str = ""


# -- making steps: (kind, data) ------------------------------------------------------------------

Change = tuple[str, dict[str, Any]]


def start(story: Story) -> Change:
    """A story begins: its title, prompt, style, voice, tone, settings, hero."""
    data = to_data(replace(story, nodes={}, current=0, portraits=(), step=0))
    return "start", data


def scene(node: Node) -> Change:
    """A scene is added under `node.parent`. Its id becomes the step's number."""
    return "scene", to_data(replace(node, id=0))


def edit(id: int, text: str, facts: Iterable[Fact], found: Extracted, by: Credit) -> Change:
    """A scene's text gets a new version, with the facts that it states now and, if `found` has a
    staging, another look."""
    return "edit", {
        "scene": id,
        "text": text,
        "facts": to_data(tuple(facts)),
        "found": to_data(found),
        "credit": to_data(by),
    }


def draw(pictures: Mapping[int, Picture], style: str = "") -> Change:
    """Scenes get new pictures, and the story, if `style` is given, a new style."""
    return "draw", {"pictures": to_data(pictures), "style": style}


def portrait(new: Portrait) -> Change:
    """A character is visualised."""
    return "portrait", to_data(new)


def go(id: int) -> Change:
    """The reader moves to another scene."""
    return "go", {"scene": id}


def mark(id: int, note: str | None) -> Change:
    """The reader marks a moment, with a note that may be empty; None takes the mark away."""
    return "mark", {"scene": id, "note": note}


def choose(**changes: object) -> Change:
    """The reader chooses another title, style, voice, tone or settings."""
    return "choose", {k: to_data(x) for k, x in changes.items()}


# -- playing them --------------------------------------------------------------------------------


def play(steps: Iterable[Step]) -> Story:
    """The story that a path of steps makes, from the first to the last.

    Raises:
        ValueError: no steps, a first one that is no start, or a step that does not fit.
    """
    story: Story | None = None
    for step in steps:
        if story is None:
            if step.kind != "start":
                raise ValueError(f"a story begins with a start, got {step.kind!r}")
            story = replace(from_data(Story, step.data), step=step.id)
        else:
            story = apply(story, step)
    if story is None:
        raise ValueError("a story without steps; start one first")
    return story


def apply(story: Story, step: Step) -> Story:
    """The story after one more step.

    Raises:
        ValueError: a kind that does not exist, or a scene that the story does not have.
    """
    if step.kind not in _PLAYERS:
        raise ValueError(f"a step of kind {step.kind!r} does not exist; one of {list(_PLAYERS)}")
    return replace(_PLAYERS[step.kind](story, step), step=step.id)


def _with(story: Story, node: Node) -> Story:
    return replace(story, nodes={**story.nodes, node.id: node})


def _scene(story: Story, step: Step) -> Story:
    node = from_data(Node, {**step.data, "id": step.id, "parent": step.data.get("parent")})
    if node.parent is not None:
        story.node(node.parent)
    node = replace(node, facts=dated(node.facts, node.id))
    return replace(_with(story, node), current=node.id)


def _edit(story: Story, step: Step) -> Story:
    d = step.data
    node = story.node(d["scene"])
    facts = tuple(from_data(Fact, f) for f in d["facts"])
    found = from_data(Extracted, d["found"])
    new = replace(
        node,
        texts=(*node.texts, d["text"]),
        facts=dated(facts, node.id),
        found=found,
        staging=found.staging or node.staging,
        credits=(*node.credits, from_data(Credit, d["credit"])),
    )
    return _with(story, new)


def _draw(story: Story, step: Step) -> Story:
    for id, data in step.data["pictures"].items():
        node = story.node(int(id))
        story = _with(story, replace(node, pictures=(*node.pictures, from_data(Picture, data))))
    return replace(story, style=step.data["style"] or story.style)


def _portrait(story: Story, step: Step) -> Story:
    return replace(story, portraits=(*story.portraits, from_data(Portrait, step.data)))


def _go(story: Story, step: Step) -> Story:
    return replace(story, current=story.node(step.data["scene"]).id)


def _mark(story: Story, step: Step) -> Story:
    return _with(story, replace(story.node(step.data["scene"]), marked=step.data["note"]))


def _choose(story: Story, step: Step) -> Story:
    changes = dict(step.data)
    if "settings" in changes:
        changes["settings"] = from_data(Settings, changes["settings"])
    unknown = sorted(set(changes) - {"title", "style", "voice", "tone", "settings"})
    if unknown:
        raise ValueError(f"a reader cannot choose {unknown[0]!r}")
    return replace(story, **changes)


_PLAYERS: dict[str, Callable[[Story, Step], Story]] = {
    "scene": _scene,
    "edit": _edit,
    "draw": _draw,
    "portrait": _portrait,
    "go": _go,
    "mark": _mark,
    "choose": _choose,
}
