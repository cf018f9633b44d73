"""What a picture's exact scene, its staging, tells without looking: who is where, and in words.

A staging is the JSON of a `mmcourse.storyworld.Scene`, or "" where nobody knows it. It may say what
some of its characters are called in the story: {"called": {"Alma": "Mia"}}, see `naming`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mmcourse.storyworld.language.captions import describe
from mmcourse.storyworld.world.scene import Character, Scene

Box = tuple[float, float, float, float]


@lru_cache(maxsize=256)
def scene_of(staging: str) -> Scene | None:
    """The scene, with the world's names, or None for an empty staging.

    Raises:
        ValueError: it is neither empty nor a saved scene.
    """
    if not names_in(staging):
        return Scene.from_json(staging) if staging else None
    data = json.loads(staging)
    del data["called"]
    return Scene.from_json(json.dumps(data))


@lru_cache(maxsize=256)
def names_in(staging: str) -> Mapping[str, str]:
    """What characters of a staging are called, by the world's name.

    Raises:
        ValueError: names that are no texts.
    """
    if '"called"' not in staging:
        return {}
    try:
        found = json.loads(staging)["called"]
        if all(isinstance(x, str) for x in found.values()):
            return dict(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError("the names in a saved scene are texts by the world's names; save it again")


def called(staging: str, names: Mapping[str, str]) -> str:
    """The same scene with the names that its characters have in the story, by the world's name."""
    scene = scene_of(staging)
    if scene is None:
        return staging
    own = {c.name: names[c.name] for c in scene.characters if c.name in names}
    plain = scene.to_json()
    return json.dumps({**json.loads(plain), "called": own}) if own else plain


def people(staging: str) -> dict[str, Character]:
    """Who is in the picture, by the name that is shown, from left to right."""
    scene, names = scene_of(staging), names_in(staging)
    order = ("left", "middle", "right")
    found = sorted(scene.characters, key=lambda c: order.index(c.position)) if scene else []
    return {names.get(c.name, c.name): c for c in found}


def in_style(staging: str, style: str) -> str:
    """The same scene, drawn in another style; identities stay."""
    scene = scene_of(staging)
    return called(replace(scene, style=style).to_json(), names_in(staging)) if scene else ""


def varied(staging: str, by: int) -> str:
    """The same scene with other hills, trees and clouds: what no caption speaks of."""
    scene = scene_of(staging)
    if scene is None:
        return ""
    other = replace(scene, variation=(scene.variation + by) % 4)
    return called(other.to_json(), names_in(staging))


def in_words(staging: str, otherwise: str = "") -> str:
    """The picture in words, with names, for those who cannot see it; `otherwise` if unknown."""
    scene = scene_of(staging)
    if scene is None:
        return otherwise
    said = describe(scene, names=True).text
    names = {c.name.lower(): names_in(staging).get(c.name, c.name) for c in scene.characters}
    said = re.sub(rf"\b(?:{'|'.join(names)})\b", lambda m: names[m[0]], said)
    parts = said.split(". ")
    return ". ".join(p[:1].upper() + p[1:] for p in parts)


def square_around(box: Box, room: float = 1.1) -> tuple[float, float, float]:
    """(left, top, side) of the square around a box that stays in the picture, so many times as
    large as the box's longer side."""
    left, top, right, bottom = box
    side = min(1.0, room * max(right - left, bottom - top))
    corner = ((left + right - side) / 2, (top + bottom - side) / 2)
    x, y = (min(max(0.0, at), 1 - side) for at in corner)
    return x, y, side


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
            out[names_in(staging).get(c.name, c.name)] = (left, top, right, bottom)
    return out
