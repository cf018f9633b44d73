"""This course's weights: each chapter's models do what they were trained for.

So far chapter 1's towers are the encoder, and read the attributes of a picture. What later chapters
train is named as missing, so that a team's fall-back says why.
"""

from __future__ import annotations

from mmcourse.story.abilities import Captioned, CaptionRequest
from mmcourse.story.backends.parts import Parts
from mmcourse.story.backends.towers import Towers

LATER = {
    "illustrator": "its models come with chapters 3 to 5",
    "writer": "its model comes with chapter 6",
    "extractor": "its model comes with chapter 6",
    "picture answerer": "its model comes with chapter 6",
    "story answerer": "its model comes with chapter 6",
    "mood reader": "its model comes with chapter 6",
    "checker": "the world's checker needs no weights",
    "narrator": "has no voice; a narrator is an extra",
}


class TowersCaptioner:
    """Describes every picture by looking, its own world's as well: no record is asked."""

    def __init__(self, towers: Towers) -> None:
        self.towers = towers

    def caption(self, request: CaptionRequest) -> Captioned:
        """The nearest thing that the towers know."""
        return self.towers.caption(request.picture)


def tiny_backend(weights: str = "joint") -> Parts:
    """The course's weights as a backend.

    Args:
        weights: the towers: a shipped name or a folder.
    """
    towers = Towers(weights)
    revision = towers.name
    return Parts(
        "tiny",
        "the course's own weights",
        {
            "encoder": (revision, lambda: towers),
            "captioner": (revision, lambda: TowersCaptioner(towers)),
        },
        LATER,
    )
