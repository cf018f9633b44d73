"""What lies behind the characters, and what falls in front of them; kept once drawn."""

from __future__ import annotations

import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from mmcourse.storyworld.paint import lit
from mmcourse.storyworld.places import PLACES
from mmcourse.storyworld.shapes import ellipse, path, stroke
from mmcourse.storyworld.sheet import Sheet, lights

CACHED_PIXELS = 512
"""The largest backdrop that is kept: all of a world at this size take some 140 MB."""


def backdrop(place: str, time: str, weather: str, variation: int, pixels: int) -> Image.Image:
    """The picture behind the characters, `pixels` square, for the caller to draw on."""
    if pixels > CACHED_PIXELS:
        return _draw(place, time, weather, variation, pixels)
    return _kept(place, time, weather, variation, pixels).copy()


@lru_cache(maxsize=512)
def _kept(place: str, time: str, weather: str, variation: int, pixels: int) -> Image.Image:
    return _draw(place, time, weather, variation, pixels)


def _draw(place: str, time: str, weather: str, variation: int, pixels: int) -> Image.Image:
    b = Sheet(pixels, time, weather, random.Random(f"{place} {variation}"))
    lights(b)
    PLACES[place](b)
    return b.image


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
