"""This course's weights: each chapter's models do what they were trained for.

Chapter 1's towers are the encoder, and read the attributes of a picture; chapter 3's eye checks
what chapter 5's transformer draws. What has no weights yet is named as missing, so that a team's
fall-back says why.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmcourse.story.abilities import Captioned, CaptionRequest
from mmcourse.story.backends.parts import Parts
from mmcourse.story.backends.tiny_eye import EyeChecker
from mmcourse.story.backends.tiny_pictures import DitIllustrator
from mmcourse.story.backends.towers import Towers, file_hash, shipped

LATER = {
    "illustrator": "its model comes with chapter 5",
    "writer": "its model comes with chapter 6",
    "extractor": "its model comes with chapter 6",
    "picture answerer": "its model comes with chapter 6",
    "story answerer": "its model comes with chapter 6",
    "mood reader": "its model comes with chapter 6",
    "checker": "its model comes with chapter 3",
    "narrator": "has no voice; a narrator is an extra",
}


class TowersCaptioner:
    """Describes every picture by looking, its own world's as well: no record is asked."""

    def __init__(self, towers: Towers) -> None:
        self.towers = towers

    def caption(self, request: CaptionRequest) -> Captioned:
        """The nearest thing that the towers know."""
        return self.towers.caption(request.picture)


def tiny_backend(weights: str = "joint", illustrator: str = "dit", eye: str = "features") -> Parts:
    """The course's weights as a backend. An illustrator or an eye that is neither shipped nor a
    folder is missing.

    Args:
        weights: the towers: a shipped name or a folder.
        illustrator: a `DiT`, likewise.
        eye: `Features`, likewise.
    """
    towers = Towers(weights)
    revision = towers.name
    makers: dict[str, tuple[str, Callable[[], object]]] = {
        "encoder": (revision, lambda: towers),
        "captioner": (revision, lambda: TowersCaptioner(towers)),
    }
    if known(illustrator):
        makers["illustrator"] = (named(illustrator), lambda: DitIllustrator(illustrator))
    if known(eye):
        makers["checker"] = (named(eye), lambda: EyeChecker(eye))
    return Parts("tiny", "the course's own weights", makers, LATER)


def known(weights: str) -> bool:
    """Whether there are such weights, shipped or in a folder."""
    return shipped(weights) or (Path(weights) / "model.safetensors").is_file()


def named(weights: str) -> str:
    """A revision for the record: these very weights."""
    return f"{Path(weights).name}@{file_hash(weights)}"
