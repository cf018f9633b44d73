"""Four hands for one scene: cut paper (drawn in `render`), watercolour, neon and pencil."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image

from mmcourse.storyworld.drawing import neon, sketch, watercolour
from mmcourse.storyworld.drawing.backdrop import keeps, layout, low_sun
from mmcourse.storyworld.drawing.glow import shine
from mmcourse.storyworld.drawing.stage import Prop
from mmcourse.storyworld.drawing.views import View, lamps_seen
from mmcourse.storyworld.world.scene import Scene

HANDS = {"watercolour": watercolour, "neon": neon, "sketch": sketch}


def _backdrop(
    style: str,
    place: str,
    time: str,
    weather: str,
    variation: int,
    view: View,
    size: int,
    fine: int,
) -> Image.Image:
    place_cuts = layout(place, time, weather, variation)
    sheet = HANDS[style].backdrop(place_cuts, view, size * fine)
    return shine(sheet, lamps_seen(place_cuts, view))


_kept = lru_cache(maxsize=512)(_backdrop)


def paint_in_style(
    scene: Scene, props: list[Prop], view: View, size: int, fine: int
) -> Image.Image:
    """A scene by another hand than cut paper's, `size` pixels square."""
    hand = HANDS[scene.style]
    key = (scene.style, scene.place, scene.time, scene.weather, scene.variation)
    make = _kept if keeps(size * fine, view) else _backdrop
    sheet = make(*key, view, size, fine).copy()
    sheet = hand.figures(sheet, props, low_sun(scene))
    return hand.finish(sheet.reduce(fine) if fine > 1 else sheet, scene.time)
