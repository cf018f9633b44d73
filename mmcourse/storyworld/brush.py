"""Put one figure on a sheet: its outline in pixels, its colours, its shadow."""

from __future__ import annotations

from PIL import Image, ImageDraw

from mmcourse.storyworld.backdrop import shadow
from mmcourse.storyworld.paint import RGB
from mmcourse.storyworld.shapes import rotate
from mmcourse.storyworld.stage import Prop


def outline(prop: Prop, side: int) -> list[float]:
    """All points of a figure in pixels: x, y, x, y, ..."""
    (sx, sy), (x, y) = prop.scale, prop.at
    placed = prop.figure.points * (sx * side, sy * side)
    if prop.lean:
        placed = rotate(placed, -prop.lean)
    return (placed + (x * side, y * side)).ravel().tolist()


def paint_prop(pen: ImageDraw.ImageDraw, prop: Prop, side: int, paints: dict[str, RGB]) -> None:
    """Fill all cuts of one figure."""
    placed, ends = outline(prop, side), prop.figure.ends
    for name, start, end in zip(prop.figure.names, ends, ends[1:], strict=False):
        pen.polygon(placed[2 * start : 2 * end], fill=paints[name])


def cast_shadow(sheet: Image.Image, prop: Prop, time: str) -> None:
    """A soft dark ellipse where a figure stands."""
    if prop.shadow is None:
        return
    x, y, width = prop.shadow
    side = sheet.width
    w, h = max(4, round(width * side)), max(2, round(width * side * 0.22))
    long = 1.5 if time == "sunset" else 1.0
    mask = shadow(round(w * long), h)
    sheet.paste((24, 20, 50), (round(x * side - w / 2), round(y * side - h / 2)), mask)
