"""What a storyteller must be able to do, one small protocol an ability.

A backend offers some of these abilities; `mmcourse.story.team` chooses who does what. Each ability
takes one frozen request and gives one frozen result (see `told` and `pictured`, whose names can be
imported from here too). What may last (writing, drawing, speaking) is a generator: it yields signs
of progress and, last, its result, and whoever closes it stops the work at its next yield. Pictures
are RGB `PIL.Image.Image`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mmcourse.story.pictured import (  # noqa: F401  (also imported from here)
    Captioned,
    CaptionRequest,
    CheckRequest,
    Drawn,
    DrawRequest,
    Finding,
    Reference,
    SpeakRequest,
    Spoken,
    SpokenWord,
)
from mmcourse.story.told import (  # noqa: F401  (also imported from here)
    Answer,
    AnswerRequest,
    Choice,
    Extracted,
    ExtractRequest,
    FoundCharacter,
    FoundSetting,
    Hero,
    Mood,
    MoodRequest,
    PlotPoint,
    WriteRequest,
    Written,
)

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

ABILITIES = (
    *("writer", "extractor", "captioner", "picture answerer", "story answerer"),
    *("encoder", "illustrator", "mood reader", "checker", "narrator"),
)
"""The names by which abilities are asked for and recorded. Of the two answerers one looks at the
picture, the other reads the story."""


class Writer(Protocol):
    """Writes one scene."""

    def write(self, request: WriteRequest) -> Iterator[str | Written]:
        """Yield pieces of text as they come and, last, the whole as `Written`.

        Raises:
            ValueError: a request that cannot be fulfilled, in one line.
        """
        ...


class Extractor(Protocol):
    """Reads a text as characters, settings and plot points."""

    def extract(self, request: ExtractRequest) -> Extracted:
        """Structure from text."""
        ...


class Captioner(Protocol):
    """Says what a picture shows."""

    def caption(self, request: CaptionRequest) -> Captioned:
        """Words from a picture."""
        ...


class Answerer(Protocol):
    """Answers questions about a scene."""

    def answer(self, request: AnswerRequest) -> Answer:
        """An answer in words."""
        ...


class MoodReader(Protocol):
    """Reads a mood. What it reads is never stored."""

    def read(self, request: MoodRequest) -> Mood:
        """What was told goes before what was written, and that before what was drawn."""
        ...


class Encoder(Protocol):
    """Texts and pictures as unit vectors of one space; `name` is stored beside them."""

    name: str

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) float32, each row of length 1."""
        ...

    def pictures(self, pictures: Sequence[Image]) -> np.ndarray:
        """(N, D) float32, each row of length 1."""
        ...


class Illustrator(Protocol):
    """Draws a scene."""

    def draw(self, request: DrawRequest) -> Iterator[float | Drawn]:
        """Yield how much is done (0 to 1) and, last, the picture."""
        ...


class Checker(Protocol):
    """Holds a picture against the story. It is never the judge of `mmcourse.storyworld`."""

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """All findings; a picture passes if each of them does."""
        ...


class Narrator(Protocol):
    """Reads aloud."""

    def speak(self, request: SpeakRequest) -> Iterator[Spoken]:
        """Yield one stretch after another."""
        ...


class Backend(Protocol):
    """Somebody who has some of the abilities."""

    name: str
    """"world", "tiny", "hub", "fake"."""
    title: str
    """What readers are shown: "the world's own pen"."""

    def offers(self) -> Mapping[str, str]:
        """The abilities that this backend has, each with the revision of what does it."""
        ...

    def lacks(self) -> Mapping[str, str]:
        """The abilities that it has not, each with the reason in a few words."""
        ...

    def ability(self, name: str) -> object:
        """The object that does it: a `Writer` for "writer", and so on.

        Raises:
            ValueError: an ability that it lacks, with the reason.
        """
        ...


@dataclass(frozen=True)
class Credit:
    """Who did one thing, and why they and nobody else: `why` is empty for the one who was asked."""

    ability: str
    backend: str
    revision: str = ""
    why: str = ""
