"""Who can be asked: `world` (exact), `tiny` (this course's weights), `hub` (pretrained models by
name) and `fake` (for tests)."""

from __future__ import annotations

from collections.abc import Mapping

from mmcourse.story.team import Team


def default_team(wanted: Mapping[str, str] | None = None) -> Team:
    """The world's own pen, and this course's weights for what they can do."""
    from mmcourse.story.backends.tiny import tiny_backend
    from mmcourse.story.backends.world import world_backend

    return Team([world_backend(), tiny_backend()], wanted)
