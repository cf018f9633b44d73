"""Pictures of the page itself, drawn by the world when they are asked for: invitations, styles,
faces, a hero as their looks are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mmcourse.story.app.invitations import INVITATIONS
from mmcourse.story.pixels import to_png
from mmcourse.storyworld.drawing.render import render
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import Character, Scene, Thing

SIZE = 256


def sample(what: str, query: Mapping[str, str]) -> bytes:
    """A picture as PNG: "invitation-3", "style-neon", "mood-sad", or "hero" with its looks.

    Raises:
        ValueError: there is no such picture.
    """
    kind, _, which = what.partition("-")
    if kind == "invitation" and which.isdigit() and int(which) < len(INVITATIONS):
        scene = INVITATIONS[int(which)].scene
        return _png(replace(scene, style=query.get("style", "flat")), SIZE)
    if kind == "style":
        someone = Character("fox", "orange", position="left")
        scene = Scene((someone,), (Thing("lantern", "yellow", "right"),), "forest", "sunset")
        return _png(replace(scene, style=which), SIZE)
    if kind == "mood":
        who = Character("cat", "orange", mood=which)
        return _png(Scene((who,), (), "meadow", camera="close"), 128)
    if kind == "hero":
        looks = {k: query[k] for k in ("species", "colour", "accessory") if k in query}
        numbers = tuple(float(x) for x in query.get("identity", "").split(",") if x)
        who = Character(**{"species": "fox", "colour": "orange", **looks}, identity=numbers)
        return _png(Scene((who,), (), "meadow", camera="close"), SIZE)
    raise ValueError(f"there is no picture {what!r}")


@lru_cache(maxsize=128)
def _png(scene: Scene, size: int) -> bytes:
    return to_png(render(scene, size))


def choices() -> dict[str, object]:
    """What the page offers: invitations, and the world's own words for looks, styles, moods."""
    from mmcourse.story.grammar.telling import TONES
    from mmcourse.storyworld.language.plots.voices import VOICES

    return {
        "invitations": [{"title": i.title, "prompt": i.prompt} for i in INVITATIONS],
        "styles": v.STYLES,
        "voices": [{"name": x.name, "says": x.ending[0]} for x in VOICES],
        "tones": [*TONES],
        "moods": v.MOODS,
        "species": v.SPECIES,
        "colours": v.COLOURS,
        "accessories": v.ACCESSORIES,
        "names": v.NAMES,
    }
