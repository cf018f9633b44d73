"""What is asked of those who look, draw, check and speak, and what they give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmcourse.story.facts import Fact

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


@dataclass(frozen=True)
class CaptionRequest:
    """A picture to be described. `staging` is the exact scene, where the picture's record has it;
    empty for a picture from outside."""

    picture: Image
    staging: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Captioned:
    """A picture in words. `exact` is True if the facts come from the picture's record and not from
    looking; `how` says in a few words where they come from, `staging` is a scene like it."""

    text: str
    facts: tuple[Fact, ...] = ()
    exact: bool = False
    how: str = ""
    staging: str = ""


@dataclass(frozen=True)
class Reference:
    """A picture that shows how somebody looks, with their looks and identity as far as known.

    box: where in the picture they are, (left, top, right, bottom) in parts of its side; None if
    nobody knows. staging: the exact scene that it shows, where there is one.
    """

    name: str
    picture: Image | None = None
    box: tuple[float, float, float, float] | None = None
    staging: str = ""
    looks: Mapping[str, str] = field(default_factory=dict)
    identity: tuple[float, ...] = ()


@dataclass(frozen=True)
class DrawRequest:
    """A picture to be drawn.

    prompt: the scene in words.
    staging: the exact scene, for illustrators that can use it.
    style, size, seed: how; the same request gives the same picture.
    references: those in the scene who have been drawn before.
    view: where one looks from, as `mmcourse.storyworld.View` takes it: {"pan": 0.4}.
    """

    prompt: str
    staging: str = ""
    style: str = "flat"
    size: int = 256
    seed: int = 0
    references: tuple[Reference, ...] = ()
    view: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """A picture. `safety` is what a safety checker said: "ok", "flagged", "unchecked" (there was
    none) or "drawn by rule" (nothing was generated). `staged` is False if it was drawn from words
    alone, so that the request's staging does not say what it shows."""

    picture: Image
    safety: str = "unchecked"
    staged: bool = True


@dataclass(frozen=True)
class CheckRequest:
    """A picture to be held against what it should show.

    facts: what the text says of the scene; staging: the exact scene that was asked for.
    references: how those in it have looked, the first accepted picture of each.
    """

    picture: Image
    facts: tuple[Fact, ...] = ()
    staging: str = ""
    style: str = "flat"
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: `what` ("identity of Pip", "place"), what was expected and found,
    and how far apart they are (0 is equal, 1 is the most that passes; None where nothing was
    measured)."""

    what: str
    passed: bool
    expected: str = ""
    found: str = ""
    distance: float | None = None


@dataclass(frozen=True)
class SpeakRequest:
    """A text to be read aloud, at a pace (1 is the voice's own)."""

    text: str
    pace: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class SpokenWord:
    """A word with its place in the text (characters) and in the sound (seconds)."""

    start: int
    end: int
    begins: float
    ends: float


@dataclass(frozen=True)
class Spoken:
    """A stretch of sound, usually a sentence: float32 (N,) in [-1, 1] at `rate` samples a second.
    `words` count from the beginning of the whole text and of this stretch."""

    samples: np.ndarray
    rate: int
    words: tuple[SpokenWord, ...] = ()
