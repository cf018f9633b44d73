"""Who tells the stories of the app: the default team, and whoever can read aloud here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmcourse.story.backends import default_team
from mmcourse.story.team import Team
from mmcourse.story.voices import voice

if TYPE_CHECKING:
    from mmcourse.story.backends.parts import Parts


def voiced_team(*asked: str) -> Team:
    """The default team and the voices of this machine.

    Args:
        asked: who is asked first, in this order: a backend, such as "tiny", or a pretrained model
            for one thing, as "writer=NAME" (a folder or a hub id, with what `hub_names` knows after
            it; all of them are the backend "hub"). What they lack, the others do, and the credit
            says why.

    Raises:
        ValueError: there is no backend of that name, or a model for nothing.
    """
    models = [name for name in asked if "=" in name]
    order = list(dict.fromkeys("hub" if "=" in name else name for name in asked))
    backends = [*default_team().backends, voice()]
    if "hub" in order:
        backends.append(_pretrained(models))
    named = {b.name: b for b in backends}
    for name in order:
        if name not in named:
            raise ValueError(f"no backend is called {name!r}; there are {', '.join(named)}")
    return Team(list({name: named[name] for name in (*order, *named)}.values()))


def _pretrained(models: Sequence[str]) -> Parts:
    from mmcourse.story.backends.hub import KNOWN, hub_backend

    chosen = dict(model.partition("=")[::2] for model in models)
    if not chosen or not set(chosen) <= set(KNOWN) or not all(chosen.values()):
        raise ValueError(
            f"pretrained models are asked by name: --backend writer={KNOWN['writer']}, and so for "
            f"any of {', '.join(KNOWN)}; a folder will do, and @REVISION or ,4bit after the name"
        )
    return hub_backend(**chosen)  # type: ignore[arg-type]
