"""A story: a tree of scenes, played from its steps. Nothing is ever overwritten.

A scene keeps every version of its text and every picture that was drawn for it. What the reader
does is a step; the story that they see is what the steps up to a pointer make (see `steps`), and
undo and redo move that pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcourse.story.abilities import Choice, Credit, Extracted, Finding, Hero
from mmcourse.story.facts import Fact
from mmcourse.story.state import State
from mmcourse.story.tree import path_to


@dataclass(frozen=True)
class Picture:
    """The record of a picture: all that it takes to draw it again, and what was found when it was
    checked. The pixels are in the library, under `hash`.

    hash: SHA-256 of the PNG's bytes, in hex.
    prompt, staging, seed, style, size, view: as in `DrawRequest`; `size` is (width, height).
    drawn: who drew it (`backend` is "reader" for an upload).
    references: (name, hash) of the pictures that it was drawn from.
    findings, checked: what the checker found, and who it was.
    failed: earlier tries that did not pass, each with its own record.
    safety: see `Drawn`.
    alt: the picture in words, for those who cannot see it.
    """

    hash: str
    prompt: str
    seed: int
    size: tuple[int, int]
    style: str
    drawn: Credit
    staging: str = ""
    view: Mapping[str, float] = field(default_factory=dict)
    references: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    checked: Credit | None = None
    failed: tuple[Picture, ...] = ()
    safety: str = "unchecked"
    alt: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the checker let it pass."""
        return all(f.passed for f in self.findings)


@dataclass(frozen=True)
class Node:
    """One scene of the tree.

    id, parent: ids are numbers of steps; the first scene's parent is None.
    texts: every version of its text, the oldest first. pictures: every picture that was drawn.
    facts: what its newest text makes true. found: the same as characters, settings, plot points.
    choices: the ways on that were offered here, with their reasons.
    asked: what the reader typed. chosen: the label of the proposed way that they took.
    tone, voice, style, staging, plan, notes: see `Written`.
    credits: who did what for it.
    remembered: the context that it was written from, as `Context.lines()` shows it.
    marked: the reader's note on a marked moment; None if it is not marked.
    """

    id: int
    parent: int | None
    texts: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    facts: tuple[Fact, ...] = ()
    found: Extracted = field(default_factory=Extracted)
    choices: tuple[Choice, ...] = ()
    asked: str = ""
    chosen: str = ""
    tone: str = ""
    voice: str = ""
    style: str = ""
    staging: str = ""
    plan: str = ""
    notes: tuple[str, ...] = ()
    credits: tuple[Credit, ...] = ()
    remembered: tuple[str, ...] = ()
    marked: str | None = None

    @property
    def text(self) -> str:
        """The newest version of its text."""
        return self.texts[-1]

    @property
    def picture(self) -> Picture | None:
        """The picture that is shown: the newest one."""
        return self.pictures[-1] if self.pictures else None


@dataclass(frozen=True)
class Portrait:
    """A picture of one character, as it was in a scene."""

    name: str
    scene: int
    picture: Picture


@dataclass(frozen=True)
class Settings:
    """What a reader chose for a story.

    every: how many scenes get a picture: 1 each, 2 every other, 0 none.
    size: side of the pictures in pixels.
    tries: how often a picture is drawn, at most, until it passes its checks.

    Raises:
        ValueError: a number out of range.
    """

    every: int = 1
    size: int = 256
    tries: int = 2

    def __post_init__(self) -> None:
        for name, low, high in (("every", 0, 100), ("size", 16, 2048), ("tries", 1, 10)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} is a whole number from {low} to {high}, got {value!r}")


@dataclass(frozen=True)
class Story:
    """What the steps up to `step` make.

    id, title, prompt, seed, hero: how it began. source: hash of the picture that it began from.
    nodes: every scene by its id. current: the scene where the reader is, 0 before the first.
    style, voice, tone: what the next scene gets. settings: see `Settings`.
    portraits: all of them, the oldest first.
    """

    id: str
    title: str
    prompt: str = ""
    seed: int = 0
    hero: Hero | None = None
    source: str = ""
    style: str = "flat"
    voice: str = ""
    tone: str = ""
    settings: Settings = field(default_factory=Settings)
    nodes: Mapping[int, Node] = field(default_factory=dict)
    current: int = 0
    portraits: tuple[Portrait, ...] = ()
    step: int = 0

    def node(self, id: int) -> Node:
        """A scene.

        Raises:
            ValueError: no scene has this id.
        """
        if id not in self.nodes:
            raise ValueError(f"this story has no scene {id}; its scenes are {sorted(self.nodes)}")
        return self.nodes[id]

    @property
    def parents(self) -> dict[int, int | None]:
        """The tree: each scene's parent."""
        return {node.id: node.parent for node in self.nodes.values()}

    def path(self, id: int | None = None) -> tuple[Node, ...]:
        """The scenes from the first one to a scene (the current one)."""
        at = self.current if id is None else id
        if not at:
            return ()
        return tuple(self.nodes[scene] for scene in path_to(self.parents, at))

    def children(self, id: int | None = None) -> tuple[Node, ...]:
        """The scenes that go on from a scene (the current one), the oldest first; 0 asks for the
        beginnings."""
        at = (self.current if id is None else id) or None
        return tuple(n for n in self.nodes.values() if n.parent == at)

    def state(self, id: int | None = None) -> State:
        """What is true after a scene (the current one)."""
        path = self.path(id)
        facts = tuple(f for node in path for f in node.facts)
        plan = path[-1].plan if path else ""
        return State(facts, tuple(node.id for node in path), plan)

    def text(self, id: int | None = None) -> str:
        """The scenes' texts along a path, with an empty line between two."""
        return "\n\n".join(node.text for node in self.path(id))

    def portraits_of(self, name: str, id: int | None = None) -> tuple[Portrait, ...]:
        """The portraits of a character along a path, as they changed."""
        on = {node.id for node in self.path(id)}
        return tuple(p for p in self.portraits if p.name == name and p.scene in on)
