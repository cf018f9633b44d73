"""Neon: dark ground, and every outline a tube of light."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from mmcourse.storyworld.drawing.brush import outline
from mmcourse.storyworld.drawing.figure import GROUPS
from mmcourse.storyworld.drawing.sheet import Sheet
from mmcourse.storyworld.drawing.stage import Prop
from mmcourse.storyworld.drawing.views import View, shifted
from mmcourse.storyworld.world.colours import RGB, blend, rgb

SKY: dict[str, tuple[RGB, RGB]] = {
    "day": ((16, 58, 104), (30, 112, 140)),
    "sunset": ((66, 18, 92), (160, 52, 84)),
    "night": ((5, 6, 24), (18, 16, 52)),
}
DARK: dict[str, RGB] = {"day": (14, 34, 66), "sunset": (44, 14, 58), "night": (8, 8, 28)}
INK: RGB = (236, 248, 255)
WELL: RGB = (10, 12, 34)
BLACK: RGB = (10, 4, 26)
EAR = GROUPS.index("ear")
TUBES = ("base", "cream", "gold", "navy", "teal", "wood", "beak", "leaf", "sock", "glow")
"""Cuts with an outline of light; the rest is filled without one."""


@lru_cache(maxsize=16384)
def _bright(colour: RGB) -> RGB:
    """The same hue at full light."""
    top = max(colour)
    x, y, z = (min(255, round(c * 250 / max(top, 1))) for c in colour)
    return blend((x, y, z), (255, 255, 255), 0.05)


def backdrop(place: Sheet, view: View, side: int) -> Image.Image:
    """A dark sky and outlined land."""
    top, low = (np.array(c, dtype=np.float32) for c in SKY[place.time])
    if place.weather != "clear":
        top, low = top * 0.75 + 14, low * 0.65 + 18
    t = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    rows = top + (low - top) * np.clip(t / 0.75, 0, 1)
    square = np.broadcast_to(rows[:, None], (side, side, 3))
    image = Image.fromarray(square.astype(np.uint8), "RGB")
    pen = ImageDraw.Draw(image)
    dark, width = DARK[place.time], max(1, round(0.006 * side))
    for cut in place.cuts:
        points = (shifted(cut, view) * side).ravel().tolist()
        colour = rgb(cut.colour)
        if cut.glow >= 1:
            pen.polygon(points, fill=blend(colour, dark, 0.15))
            continue
        dim = 0.45 + 0.35 * cut.far
        tube = blend(_bright(colour), dark, 0.30 + 0.35 * cut.far)
        pen.polygon(points, fill=blend(colour, dark, min(0.86, 0.42 + dim * 0.5)), outline=tube,
                    width=width)  # fmt: skip
    return image


def figures(sheet: Image.Image, props: list[Prop], sun: float | None) -> Image.Image:
    """Dim bodies in bright tubes; what was ink is light, what was white is a dark well."""
    del sun  # tubes give their own light
    side = sheet.width
    pen = ImageDraw.Draw(sheet)
    width = max(1, round(0.0105 * side))
    for prop in props:
        placed, ends = outline(prop, side), prop.figure.ends
        cuts = zip(prop.figure.names, prop.figure.cut_groups, ends, ends[1:], strict=False)
        for name, group, start, end in cuts:
            points = placed[2 * start : 2 * end]
            colour = prop.paints[name]
            if name in ("edge", "rim"):
                continue
            if name == "ink":
                pen.polygon(points, fill=WELL if group == EAR else INK)
            elif name == "white":
                pen.polygon(points, fill=WELL, outline=INK, width=max(1, width // 2))
            elif name in TUBES:
                fill = blend(colour, BLACK, 0.05 if name == "glow" else 0.42)
                pen.polygon(points, fill=fill, outline=_bright(colour), width=width)
            else:
                pen.polygon(points, fill=blend(colour, BLACK, 0.36))
    return sheet


def finish(picture: Image.Image, time: str) -> Image.Image:
    """Let the tubes glow."""
    size = picture.width
    light = picture.point([round(255 * max(0.0, i / 255 - 0.30) / 0.70) for i in range(256)] * 3)
    near = light.filter(ImageFilter.GaussianBlur(0.012 * size))
    wide = light.filter(ImageFilter.GaussianBlur(0.040 * size))
    halo = ImageChops.add(near, wide, scale=1.6).point([round(0.62 * i) for i in range(256)] * 3)
    return ImageChops.screen(picture, halo)
