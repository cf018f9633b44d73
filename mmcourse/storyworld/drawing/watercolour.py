"""Watercolour: washes on rough paper, darker where they dried, running where they met."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from mmcourse.storyworld.drawing.brush import cast_shadow, outline
from mmcourse.storyworld.drawing.paint import lit
from mmcourse.storyworld.drawing.sheet import Sheet, sky
from mmcourse.storyworld.drawing.stage import Prop
from mmcourse.storyworld.drawing.textures import clouds, grain, margin, taken, wander
from mmcourse.storyworld.drawing.views import View, shifted
from mmcourse.storyworld.world.colours import RGB, blend

PAPER = np.array([252, 247, 236], np.float32)
NIGHT_PAPER = np.array([226, 226, 236], np.float32)
DETAILS = ("ink", "white", "tear", "tongue", "beak", "gold", "navy", "teal", "sock", "mark", "band")
"""Colours that stay opaque: what a face is read by."""


def backdrop(place: Sheet, view: View, side: int) -> Image.Image:
    """Wet paint: washes that bleed into each other."""
    image = sky(place.time, place.weather, side)
    pen = ImageDraw.Draw(image)
    for cut in place.cuts:
        points = (shifted(cut, view) * side).ravel().tolist()
        pen.polygon(points, fill=lit(cut.colour, place.time, cut.glow))
    frayed = Image.fromarray(taken(np.asarray(image), wander(side, 0.008, 15, 41)))
    sharp = np.asarray(frayed, dtype=np.float32)
    blurred = frayed.filter(ImageFilter.GaussianBlur(0.016 * side))
    wet = np.asarray(blurred, dtype=np.float32)
    run = np.clip(0.45 + 0.75 * clouds(side, 51), 0, 1)[..., None]
    washed = sharp + (wet - sharp) * run
    return Image.fromarray((washed + (PAPER - washed) * 0.14).astype(np.uint8))


def _thin(colour: RGB, amount: float) -> RGB:
    return blend(colour, (252, 247, 236), amount)


def figures(sheet: Image.Image, props: list[Prop], sun: float | None) -> Image.Image:
    """Figures in thinner paint, each with a rim of paper that keeps it apart."""
    side = sheet.width
    pen = ImageDraw.Draw(sheet)
    for prop in props:
        cast_shadow(sheet, prop, sun)
    for prop in props:
        placed, ends = outline(prop, side), prop.figure.ends
        for name, start, end in zip(prop.figure.names, ends, ends[1:], strict=False):
            if name == "edge":
                continue
            colour = prop.paints[name]
            pen.polygon(
                placed[2 * start : 2 * end],
                fill=colour if name in DETAILS else _thin(colour, 0.10),
                outline=prop.paints["dark"] if name == "base" else None,
                width=max(1, round(0.006 * side)),
            )
    return Image.fromarray(taken(np.asarray(sheet), wander(side, 0.006, 18, 61)))


def finish(picture: Image.Image, time: str) -> Image.Image:
    """Dry it: pigment gathers at edges and in the hollows of the paper."""
    size = picture.width
    paper = NIGHT_PAPER if time == "night" else PAPER
    pixels = np.asarray(picture, dtype=np.float32)
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.018 * size)), dtype=np.float32)
    pixels = pixels - 0.40 * np.clip(soft - pixels, 0, 60)
    density = (0.93 + 0.16 * clouds(size, 71) + 0.07 * grain(size))[..., None]
    pixels = paper - (paper - pixels) * np.clip(density, 0.5, 1.15)
    pixels = paper + (pixels - paper) * margin(size)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
