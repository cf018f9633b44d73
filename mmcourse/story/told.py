"""What is asked of those who write and read, and what they give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmcourse.story.facts import Fact

if TYPE_CHECKING:
    from PIL.Image import Image

    from mmcourse.story.context import Context
    from mmcourse.story.pictured import Captioned
    from mmcourse.story.state import State


@dataclass(frozen=True)
class Choice:
    """One way on that a writer proposes. `label` is what the reader sees, `reason` why the story
    would go there, `plan` the writer's own note on how to carry it out (empty, or JSON)."""

    label: str
    reason: str
    plan: str = ""


@dataclass(frozen=True)
class Hero:
    """Somebody whom the reader brings along.

    looks: attributes by name, such as {"species": "fox", "colour": "red"}.
    identity: what words cannot say (see `mmcourse.storyworld.world.identity`), or empty.
    """

    name: str
    looks: Mapping[str, str] = field(default_factory=dict)
    identity: tuple[float, ...] = ()


@dataclass(frozen=True)
class WriteRequest:
    """What is to be written next.

    purpose: "start", "continue" or "enhance" (tell `prompt` again, with what `seen` shows).
    prompt: what the reader typed, as they typed it; may be empty.
    choice: the proposed way that the reader took.
    seen: what a picture of the reader's was read as.
    hero: the reader's own hero, at the start of a story.
    state: what is true where the story goes on (None at the start).
    context: what is remembered (see `mmcourse.story.context`).
    tone, voice, style: how it is told and drawn; empty lets the writer choose.
    seed: the same request with the same seed gives the same words.
    left: how many scenes are still to come after this one; None for an open end. A writer that
    can, closes its arc when it is 0.
    """

    purpose: str = "start"
    prompt: str = ""
    choice: Choice | None = None
    seen: Captioned | None = None
    hero: Hero | None = None
    state: State | None = None
    context: Context | None = None
    tone: str = ""
    voice: str = ""
    style: str = ""
    seed: int = 0
    left: int | None = None


@dataclass(frozen=True)
class Written:
    """One scene in words.

    text: the scene's prose.
    title: a title for the story, where it has none yet.
    facts: what the scene makes true, if the writer knows it exactly; else the extractor reads it.
    choices: up to three ways on.
    staging: how the scene looks, exactly, for illustrators that can use it (JSON of
    `mmcourse.storyworld.Scene`), or empty.
    tone, voice, style: what was used; a style only if the request's words asked for one.
    notes: what the reader should be told, such as how everyday words were read.
    plan: the writer's own note for its next scene, kept in the state (empty, or JSON).
    """

    text: str
    title: str = ""
    facts: tuple[Fact, ...] = ()
    choices: tuple[Choice, ...] = ()
    staging: str = ""
    tone: str = ""
    voice: str = ""
    style: str = ""
    notes: tuple[str, ...] = ()
    plan: str = ""


@dataclass(frozen=True)
class ExtractRequest:
    """A scene's text to be read. `state` is what was true before, `staging` the exact scene where
    there is one."""

    text: str
    state: State | None = None
    staging: str = ""


@dataclass(frozen=True)
class FoundCharacter:
    """A character of a text, with what the text says of it."""

    name: str
    looks: Mapping[str, str] = field(default_factory=dict)
    mood: str = ""
    role: str = ""


@dataclass(frozen=True)
class FoundSetting:
    """Where and when a text happens; what it does not say is empty."""

    place: str = ""
    time: str = ""
    weather: str = ""


@dataclass(frozen=True)
class PlotPoint:
    """Something that happens: who does what to whom or to what. `text` says it in words."""

    who: str
    what: str
    to: str = ""
    text: str = ""


@dataclass(frozen=True)
class Extracted:
    """A scene as structure. `facts` say all of it as triples; `unread` is what was not understood.

    staging: a drawable scene made of what was read, if the extractor can make one.
    """

    characters: tuple[FoundCharacter, ...] = ()
    settings: tuple[FoundSetting, ...] = ()
    plot_points: tuple[PlotPoint, ...] = ()
    facts: tuple[Fact, ...] = ()
    unread: tuple[str, ...] = ()
    staging: str = ""


@dataclass(frozen=True)
class AnswerRequest:
    """A question about a scene: its picture and record, its text, and the state there."""

    question: str
    picture: Image | None = None
    staging: str = ""
    text: str = ""
    state: State | None = None
    context: Context | None = None


@dataclass(frozen=True)
class Answer:
    """An answer. `known` is False where the answerer says that it cannot tell; `because` names what
    it looked at."""

    text: str
    known: bool = True
    because: str = ""


@dataclass(frozen=True)
class MoodRequest:
    """How the reader may be: told in a word, written in a text, or drawn as a face."""

    told: str = ""
    text: str = ""
    face: Image | None = None


@dataclass(frozen=True)
class Mood:
    """A mood of the world's ("" if none could be read), the tone that suits it, and why."""

    mood: str
    tone: str
    because: str
