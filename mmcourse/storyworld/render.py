"""Draw a scene as a picture: backdrop, shadows, things, characters, weather."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from mmcourse.storyworld import characters, things
from mmcourse.storyworld.backdrop import backdrop, falling, shadow
from mmcourse.storyworld.cuts import Part
from mmcourse.storyworld.paint import PAPER, RGB, lit, shades
from mmcourse.storyworld.scene import Character, Scene, Thing
from mmcourse.storyworld.shapes import Points

MAX_SIZE = 2048
HEIGHT = {1: 0.56, 2: 0.47, 3: 0.375}
"""Height of a character's head above its feet, by how many share the picture."""
GROUND = 0.93
COLUMNS = {1: (0.31, 0.50, 0.69), 2: (0.27, 0.50, 0.73), 3: (0.18, 0.50, 0.82)}
"""Where left, middle and right are, by how many characters there are."""
THING_HEIGHT = 0.175
THING_COLUMNS = {"left": 0.085, "middle": 0.50, "right": 0.915}
JUMP = 0.13
SWAY = {"left": 1.0, "middle": 1.0, "right": -1.0}
"""Who stands on the right faces left."""


@lru_cache(maxsize=2048)
def _stack(parts: tuple[str, ...], *key: str) -> tuple[tuple[str, ...], Points, tuple[int, ...]]:
    cuts: Iterable[Part] = characters.parts(*key) if parts == ("character",) else things.parts(*key)
    colours, shapes = zip(*cuts, strict=True)
    ends = np.cumsum([0, *(len(s) for s in shapes)])
    return colours, np.concatenate(shapes), tuple(ends.tolist())


@lru_cache(maxsize=256)
def _paints(colour: str, time: str) -> dict[str, RGB]:
    """Every name of a colour that a cut may have, for one character in one light."""
    paper = {name: lit(code, time) for name, code in PAPER.items()}
    own = {name: lit(code, time) for name, code in shades(PAPER[colour]).items()}
    glow = lit("#fff2b0" if time == "night" else "#fff7d6", time, 1.0)
    white = lit("#ffffff", time, 0.5)
    return {**paper, **own, "glow": glow, "white": white}


def _paint(
    pen: ImageDraw.ImageDraw,
    stack: tuple[tuple[str, ...], Points, tuple[int, ...]],
    paints: dict[str, RGB],
    scale: tuple[float, float],
    at: tuple[float, float],
) -> None:
    colours, points, ends = stack
    placed = (points * scale + at).ravel().tolist()
    for name, start, end in zip(colours, ends, ends[1:], strict=False):
        pen.polygon(placed[2 * start : 2 * end], fill=paints[name])


def _shade(sheet: Image.Image, x: float, y: float, width: float, time: str) -> None:
    side = sheet.width
    w, h = max(4, round(width * side)), max(2, round(width * side * 0.22))
    long = 1.5 if time == "sunset" else 1.0
    mask = shadow(round(w * long), h)
    sheet.paste((24, 20, 50), (round(x * side - w / 2), round(y * side - h / 2)), mask)


def placement(scene: Scene, character: Character) -> tuple[float, float, float]:
    """(x, y of the feet, height) of a character, in parts of the picture's side."""
    n = len(scene.characters)
    x = COLUMNS[n][("left", "middle", "right").index(character.position)]
    lift = JUMP * HEIGHT[n] / HEIGHT[1] if character.action == "jumping" else 0.0
    return x, GROUND - lift, HEIGHT[n]


def thing_placement(thing: Thing) -> tuple[float, float, float]:
    """(x, y of the foot, height) of a thing: beside the characters, or in front of them."""
    y = 0.985 if thing.position == "middle" else 0.965
    if thing.kind == "balloon":
        y -= 0.25
    return THING_COLUMNS[thing.position], y, THING_HEIGHT


def render(scene: Scene, size: int = 64, supersample: int | None = None) -> Image.Image:
    """Draw a scene.

    Args:
        scene: what to draw.
        size: side of the square picture in pixels, 16 to 2048.
        supersample: how many times finer to draw before averaging down (default: enough).

    Returns:
        An RGB picture of `size` x `size`.

    Raises:
        ValueError: a size out of range.
    """
    if not 16 <= size <= MAX_SIZE:
        raise ValueError(f"size must be 16 to {MAX_SIZE} pixels, got {size}")
    fine = supersample or (4 if size <= 128 else 2)
    side = size * fine
    time = scene.time
    sheet = backdrop(scene.place, time, scene.weather, scene.variation, side)
    pen = ImageDraw.Draw(sheet)

    for thing in scene.things:
        x, _, h = thing_placement(thing)
        _shade(sheet, x, 0.965 if thing.position != "middle" else 0.985, 0.9 * h, time)
    in_order = sorted(scene.characters, key=lambda c: (c.position == "middle", c.position))
    for character in in_order:
        x, y, h = placement(scene, character)
        _shade(sheet, x, GROUND, h * (0.62 if y == GROUND else 0.42), time)

    def draw_thing(thing: Thing) -> None:
        x, y, h = thing_placement(thing)
        paints = _paints(thing.colour, time)
        scale = (h * side, h * side)
        _paint(pen, _stack(("thing",), thing.kind), paints, scale, (x * side, y * side))

    for thing in scene.things:
        if thing.kind == "balloon":
            draw_thing(thing)
    for c in in_order:
        x, y, h = placement(scene, c)
        stack = _stack(("character",), c.species, c.accessory, c.mood, c.action)
        scale = (h * side * SWAY[c.position], h * side)
        _paint(pen, stack, _paints(c.colour, time), scale, (x * side, y * side))
    for thing in scene.things:
        if thing.kind != "balloon":
            draw_thing(thing)

    picture = sheet.reduce(fine) if fine > 1 else sheet
    if scene.weather != "clear":
        mask, colour = falling(scene.weather, time, scene.variation, size)
        picture.paste(colour, (0, 0), mask)
    return picture
