"""Who tells the stories of the app: the default team, and whoever can read aloud here."""

from __future__ import annotations

from mmcourse.story.backends import default_team
from mmcourse.story.team import Team
from mmcourse.story.voices import voice


def voiced_team(first: str = "") -> Team:
    """The default team and the voices of this machine.

    Args:
        first: a backend that is asked first for all it can do, such as "tiny".

    Raises:
        ValueError: there is no backend of that name.
    """
    backends = [*default_team().backends, voice()]
    named = {b.name: b for b in backends}
    if first and first not in named:
        raise ValueError(f"no backend is called {first!r}; there are {', '.join(named)}")
    wanted = dict.fromkeys(named[first].offers(), first) if first else {}
    return Team(backends, wanted)
