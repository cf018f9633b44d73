"""Four hands for one scene: cut paper (drawn in `render`), watercolour, neon and pencil."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from mmcourse.storyworld import neon, sketch, watercolour
from mmcourse.storyworld.backdrop import keeps, layout
from mmcourse.storyworld.scene import Scene
from mmcourse.storyworld.stage import Prop
from mmcourse.storyworld.views import View

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
    if place_cuts.lamps and (view.pan, view.angle, view.zoom) == (0, 0, 1):
        sheet = shine(sheet, place_cuts.lamps)
    return sheet


_kept = lru_cache(maxsize=512)(_backdrop)


@lru_cache(maxsize=64)
def halo(side: int) -> np.ndarray:
    """(side, side) float32: light that fades from 1 in the middle to 0 at the rim."""
    line = np.linspace(-1, 1, side, dtype=np.float32)
    distance = np.sqrt(line[:, None] ** 2 + line[None] ** 2)
    return np.clip(1 - distance, 0, 1) ** 1.6


def shine(picture: Image.Image, lamps: list[tuple[float, float, float]]) -> Image.Image:
    """Warm light about each lamp (x, y, radius), added to the picture."""
    size = picture.width
    pixels = np.asarray(picture).astype(np.float32)
    for x, y, radius in lamps:
        side = max(3, round(2 * radius * size))
        left, top = round(x * size - side / 2), round(y * size - side / 2)
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, size), min(top + side, size)
        if x0 >= x1 or y0 >= y1:
            continue
        light = halo(side)[y0 - top : y1 - top, x0 - left : x1 - left, None]
        patch = pixels[y0:y1, x0:x1]
        pixels[y0:y1, x0:x1] = (
            patch + (np.array([255, 214, 130], np.float32) - patch) * 0.55 * light
        )
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def lamps(scene: Scene, props: list[Prop]) -> list[tuple[float, float, float]]:
    """The lanterns that shine at night."""
    if scene.time != "night":
        return []
    lanterns = {f"thing:{t.position}" for t in scene.things if t.kind == "lantern"}
    return [
        (p.at[0], p.at[1] - 0.42 * p.scale[1], 0.95 * p.scale[1])
        for p in props
        if p.who in lanterns
    ]


def paint_in_style(
    scene: Scene, props: list[Prop], view: View, size: int, fine: int
) -> Image.Image:
    """A scene by another hand than cut paper's, `size` pixels square."""
    hand = HANDS[scene.style]
    key = (scene.style, scene.place, scene.time, scene.weather, scene.variation)
    make = _kept if keeps(size * fine, view) else _backdrop
    sheet = make(*key, view, size, fine).copy()
    lit = lamps(scene, props)
    sheet = hand.figures(sheet, props, scene.time)
    picture = hand.finish(sheet.reduce(fine) if fine > 1 else sheet, scene.time)
    return shine(picture, lit) if lit else picture
