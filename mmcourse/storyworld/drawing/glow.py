"""Light that spreads: lit windows and lanterns at night."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from PIL import Image

from mmcourse.storyworld.drawing.stage import Prop
from mmcourse.storyworld.world.scene import Scene

Lamp = tuple[float, float, float]
"""x, y and radius of a light, in parts of the picture's side."""
WARM = (255.0, 214.0, 130.0)
STRENGTH = 0.6


@lru_cache(maxsize=64)
def halo(side: int) -> np.ndarray:
    """(side, side) float32: light that fades from 1 in the middle to 0 at the rim."""
    line = np.linspace(-1, 1, side, dtype=np.float32)
    distance = np.sqrt(line[:, None] ** 2 + line[None] ** 2)
    return np.clip(1 - distance, 0, 1) ** 1.6


def shine(picture: Image.Image, lamps: Iterable[Lamp]) -> Image.Image:
    """Warm light about each lamp, added to a copy of the picture."""
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
        pixels[y0:y1, x0:x1] = patch + (np.array(WARM, np.float32) - patch) * STRENGTH * light
    return Image.fromarray(pixels.astype(np.uint8))


def lanterns(scene: Scene, props: Iterable[Prop]) -> list[Lamp]:
    """The lanterns of a scene that shine, as a view shows them: all at night, none by day."""
    if scene.time != "night":
        return []
    lit = {f"thing:{t.position}" for t in scene.things if t.kind == "lantern"}
    return [
        (p.at[0], p.at[1] - 0.42 * p.scale[1], 1.25 * p.scale[1]) for p in props if p.who in lit
    ]
