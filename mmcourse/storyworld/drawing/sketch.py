"""Sketch: pencil outlines and coloured hatching on paper."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from mmcourse.storyworld.drawing.brush import cast_shadow, outline
from mmcourse.storyworld.drawing.paint import lit
from mmcourse.storyworld.drawing.sheet import Sheet, sky
from mmcourse.storyworld.drawing.stage import Prop
from mmcourse.storyworld.drawing.textures import clouds, grain, hatching, margin
from mmcourse.storyworld.drawing.views import View, shifted
from mmcourse.storyworld.world.colours import RGB, blend

PAPER = np.array([250, 246, 236], np.float32)
PENCIL: RGB = (66, 62, 72)
FAINT: RGB = (128, 122, 128)
PLAIN = ("edge", "light", "pink", "mark", "band", "white", "ink", "tear", "tongue")
"""Cuts without an outline of their own."""
SOLID = ("ink",)


def _pale(colour: RGB, amount: float) -> RGB:
    return blend(colour, (250, 246, 236), amount)


def backdrop(place: Sheet, view: View, side: int) -> Image.Image:
    """Land and sky in pale crayon with faint outlines."""
    wash = 0.58 if place.time == "day" else 0.38
    image = sky(place.time, place.weather, side).point(
        [round(c + (p - c) * wash) for p in (250, 246, 236) for c in range(256)]
    )
    pen = ImageDraw.Draw(image)
    width = max(1, round(0.004 * side))
    for cut in place.cuts:
        points = (shifted(cut, view) * side).ravel().tolist()
        colour = lit(cut.colour, place.time, cut.glow)
        line = _pale(FAINT, 0.30 * cut.far)
        pen.polygon(points, fill=_pale(colour, wash - 0.06), outline=line, width=width)
    return image


def figures(sheet: Image.Image, props: list[Prop], sun: float | None) -> Image.Image:
    """Figures in stronger crayon with dark outlines, each line drawn twice."""
    side = sheet.width
    pen = ImageDraw.Draw(sheet)
    width = max(1, round(0.0075 * side))
    for prop in props:
        cast_shadow(sheet, prop, sun)
    for prop in props:
        placed, ends = outline(prop, side), prop.figure.ends
        for name, start, end in zip(prop.figure.names, ends, ends[1:], strict=False):
            points = placed[2 * start : 2 * end]
            if name == "edge":
                continue
            colour = prop.paints[name]
            fill = colour if name == "ink" else _pale(colour, 0.12)
            line = None if name in PLAIN else PENCIL
            pen.polygon(points, fill=fill, outline=line, width=width)
    return sheet


def finish(picture: Image.Image, time: str) -> Image.Image:
    """Crayon reaches only the ridges of the paper; dark lines reach everywhere."""
    size = picture.width
    pixels = np.asarray(picture, dtype=np.float32)
    dark = 1 - pixels.max(axis=2, keepdims=True) / 255
    reach = 0.60 + 0.40 * hatching(size) + 0.12 * grain(size) + 0.06 * clouds(size, 81)
    reach = np.maximum(np.clip(reach, 0.3, 1.0)[..., None], np.clip(3.0 * dark - 1.4, 0, 1))
    pixels = PAPER + (pixels - PAPER) * reach * margin(size, 0.05)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
