"""Put one figure on a sheet: its outline in pixels, its colours, its shadow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from PIL import Image, ImageDraw

from mmcourse.storyworld.drawing.backdrop import shadow
from mmcourse.storyworld.drawing.shapes import rotate
from mmcourse.storyworld.drawing.stage import Prop
from mmcourse.storyworld.world.colours import RGB


def outline(prop: Prop, side: int) -> Sequence[float]:
    """All points of a figure in pixels: x, y, x, y, ...

    Pillow fills polygons between whole pixels, and cuts off what is behind the point. Points that
    are whole already it takes from an array of float32 as they are, several times faster than from
    a list.
    """
    (sx, sy), (x, y) = prop.scale, prop.at
    placed = prop.figure.points * (sx * side, sy * side)
    if prop.lean:
        placed = rotate(placed, -prop.lean)
    whole = np.trunc(placed + (x * side, y * side)).astype(np.float32).ravel()
    return cast("Sequence[float]", whole)


def paint_prop(pen: ImageDraw.ImageDraw, prop: Prop, side: int, paints: dict[str, RGB]) -> None:
    """Fill all cuts of one figure."""
    placed, ends = outline(prop, side), prop.figure.ends
    for name, start, end in zip(prop.figure.names, ends, ends[1:], strict=False):
        pen.polygon(placed[2 * start : 2 * end], fill=paints[name])


LONG = 3.0
"""How many times longer a shadow is when the sun is low."""


def cast_shadow(sheet: Image.Image, prop: Prop, sun: float | None) -> None:
    """A soft dark ellipse where a figure stands; long, and away from the sun, if that is low.

    Args:
        sheet: drawn on.
        prop: the figure.
        sun: where the low sun stands, from 0 (left) to 1; None if there is none.
    """
    if prop.shadow is None:
        return
    x, y, width = prop.shadow
    side = sheet.width
    w, h = max(4, round(width * side)), max(2, round(width * side * 0.22))
    left, long = x * side - w / 2, w
    if sun is not None:
        long = round(w * LONG)
        left -= (long - w) * (0.04 if x >= sun else 0.96)
    mask = shadow(long, h)
    sheet.paste((24, 20, 50), (round(left), round(y * side - h / 2)), mask)
