"""Captioners with weights: chapter 6's BLIP-2, and until it has any chapter 1's towers.

Each describes every picture by looking, those of its own world as well: no record is asked.
"""

from __future__ import annotations

from mmcourse.story.abilities import Captioned, CaptionRequest
from mmcourse.story.backends.tiny_models import Seer
from mmcourse.story.backends.towers import Towers
from mmcourse.story.backends.world_reader import staged
from mmcourse.story.facts import Fact
from mmcourse.story.state import State

HOW = "looked at by chapter 6's BLIP-2, which knows nothing but StoryWorld"
TOKENS = 96


class TowersCaptioner:
    """The nearest thing that chapter 1's towers know."""

    def __init__(self, towers: Towers) -> None:
        self.towers = towers

    def caption(self, request: CaptionRequest) -> Captioned:
        """One animal, with the attributes that are nearest to the picture."""
        return self.towers.caption(request.picture)


class Blip2Captioner:
    """What BLIP-2 says of a picture, and what the world's parser reads in that.

    Args:
        weights: a shipped name or a folder.
    """

    def __init__(self, weights: str = "blip2") -> None:
        self.seer = Seer("blip2", weights)

    def caption(self, request: CaptionRequest) -> Captioned:
        """Its caption. The facts are those that the caption states, the staging a scene that is
        like it; both are empty where the parser reads nothing."""
        from mmcourse.storyworld.language.parse import read

        (text,) = self.seer.say([""], [request.picture], TOKENS)
        if not text:
            return Captioned("nothing that it could name", how=HOW)
        facts = tuple(Fact(*fact) for fact in sorted(read(text).facts))
        return Captioned(text, facts, False, HOW, staged(text, State(), list(facts)))
