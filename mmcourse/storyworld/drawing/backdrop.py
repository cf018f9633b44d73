"""What lies behind the characters, and what falls in front of them; kept once drawn."""

from __future__ import annotations

import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from mmcourse.storyworld.drawing.glow import shine
from mmcourse.storyworld.drawing.paint import lit
from mmcourse.storyworld.drawing.places import PLACES
from mmcourse.storyworld.drawing.shapes import ellipse, path, stroke
from mmcourse.storyworld.drawing.sheet import Sheet, lights, sky
from mmcourse.storyworld.drawing.views import FRONT, View, lamps_seen, shifted
from mmcourse.storyworld.world.scene import Scene


@lru_cache(maxsize=512)
def layout(place: str, time: str, weather: str, variation: int) -> Sheet:
    """All cuts of a place, from the farthest to the nearest. Never change it: it is shared."""
    b = Sheet(time, weather, random.Random(f"{place} {variation}"))
    lights(b)
    PLACES[place](b)
    return b


def backdrop(
    place: str, time: str, weather: str, variation: int, pixels: int, view: View = FRONT
) -> Image.Image:
    """The flat picture behind the characters, `pixels` square. Callers copy it before drawing."""
    if keeps(pixels, view):
        return _kept(place, time, weather, variation, pixels, view)
    return _flat(place, time, weather, variation, pixels, view)


def low_sun(scene: Scene) -> float | None:
    """Where the sun stands if it throws long shadows."""
    if scene.time != "sunset":
        return None
    return layout(scene.place, scene.time, scene.weather, scene.variation).sun


def keeps(pixels: int, view: View) -> bool:
    """Whether a backdrop is worth its memory: small, and seen from where most pictures are."""
    return pixels <= KEPT_SIDE and view in (FRONT, View(close=True))


KEPT_SIDE = 512


def _flat(
    place: str, time: str, weather: str, variation: int, pixels: int, view: View
) -> Image.Image:
    image = sky(time, weather, pixels)
    pen = ImageDraw.Draw(image)
    cuts = layout(place, time, weather, variation)
    for cut in cuts.cuts:
        points = (shifted(cut, view) * pixels).ravel().tolist()
        pen.polygon(points, fill=lit(cut.colour, time, cut.glow))
    return shine(image, lamps_seen(cuts, view)) if cuts.lamps else image


_kept = lru_cache(maxsize=512)(_flat)


@lru_cache(maxsize=64)
def falling(
    weather: str, time: str, variation: int, size: int
) -> tuple[Image.Image, tuple[int, int, int]]:
    """Rain or snow in front of everything: how much of each pixel it covers, and its colour."""
    rng = random.Random(f"{weather} {variation}")
    scale = 4
    mask = Image.new("L", (size * scale, size * scale), 0)
    pen = ImageDraw.Draw(mask)
    side = size * scale
    if weather == "rain":
        for _ in range(46):
            x, y, length = rng.random(), rng.uniform(-0.1, 1.0), rng.uniform(0.07, 0.11)
            drop = stroke(path((x, y), (x - 0.28 * length, y + length)), 0.013)
            pen.polygon((drop * side).ravel().tolist(), fill=190)
    else:
        for _ in range(60):
            r = rng.uniform(0.009, 0.016)
            flake = ellipse(rng.random(), rng.random(), r, r, n=12)
            pen.polygon((flake * side).ravel().tolist(), fill=235)
    colour = {"rain": "#cfe6f7", "snow": "#ffffff"}[weather]
    return mask.reduce(scale), lit(colour, time, 0.6)


@lru_cache(maxsize=64)
def shadow(width: int, height: int) -> Image.Image:
    """A soft dark ellipse, as a mask, to stand on."""
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).ellipse((width * 0.06, height * 0.1, width * 0.94, height * 0.9), fill=90)
    return mask.filter(ImageFilter.GaussianBlur(height * 0.08))
