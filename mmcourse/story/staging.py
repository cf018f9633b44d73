"""What a picture's exact scene, its staging, tells without looking: who is where, and in words.

A staging is the JSON of a `mmcourse.storyworld.Scene`, or "" where nobody knows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mmcourse.storyworld.language.captions import describe
from mmcourse.storyworld.world.scene import Character, Scene

Box = tuple[float, float, float, float]


@lru_cache(maxsize=256)
def scene_of(staging: str) -> Scene | None:
    """The scene, or None for an empty staging.

    Raises:
        ValueError: it is neither empty nor a saved scene.
    """
    return Scene.from_json(staging) if staging else None


def people(staging: str) -> dict[str, Character]:
    """Who is in the picture, by name, from left to right."""
    scene = scene_of(staging)
    order = ("left", "middle", "right")
    found = sorted(scene.characters, key=lambda c: order.index(c.position)) if scene else []
    return {c.name: c for c in found}


def in_style(staging: str, style: str) -> str:
    """The same scene, drawn in another style; identities stay."""
    scene = scene_of(staging)
    return replace(scene, style=style).to_json() if scene else ""


def varied(staging: str, by: int) -> str:
    """The same scene with other hills, trees and clouds: what no caption speaks of."""
    scene = scene_of(staging)
    return replace(scene, variation=(scene.variation + by) % 4).to_json() if scene else ""


def in_words(staging: str, otherwise: str = "") -> str:
    """The picture in words, with names, for those who cannot see it; `otherwise` if unknown."""
    scene = scene_of(staging)
    if scene is None:
        return otherwise
    said = describe(scene, names=True).text
    for name in (c.name for c in scene.characters):
        said = re.sub(rf"\b{name.lower()}\b", name, said)
    parts = said.split(". ")
    return ". ".join(p[:1].upper() + p[1:] for p in parts)


@lru_cache(maxsize=256)
def boxes(staging: str) -> Mapping[str, Box]:
    """Where each character is in the picture: (left, top, right, bottom) in parts of its side.
    Whoever is hidden altogether is left out."""
    import numpy as np

    from mmcourse.storyworld.drawing.depth import LABELS, segmentation

    scene = scene_of(staging)
    if scene is None:
        return {}
    mask = segmentation(scene, 64)
    out = {}
    for c in scene.characters:
        y, x = np.nonzero(mask == LABELS.index(f"character:{c.position}"))
        if len(y):
            edges = (x.min(), y.min(), x.max() + 1, y.max() + 1)
            left, top, right, bottom = (float(e) / 64 for e in edges)
            out[c.name] = (left, top, right, bottom)
    return out
