"""The animals: each a short list of paper cuts, known by its outline alone.

A character stands with its feet at (0, 0) and its head about one unit above them (y = -1); ears
and hats may go higher. `parts` returns the cuts in the order of painting.
"""

from __future__ import annotations

from functools import cache

from mmcourse.storyworld.cuts import Part, cut, flat_pair, pair
from mmcourse.storyworld.heads import HEADS
from mmcourse.storyworld.shapes import ellipse, mirror, path, polygon, smooth, stroke

GIRTH = {"fox": 0.90, "cat": 0.90, "rabbit": 0.88, "bear": 1.18, "frog": 1.08, "owl": 1.12}
HAT_LINE = {"fox": -0.90, "cat": -0.89, "rabbit": -0.87, "bear": -0.91, "frog": -0.96, "owl": -0.89}
"""Where the brim of a hat rests, for each head."""


def _arms(action: str, mood: str, girth: float) -> list[Part]:
    shoulder = (0.16 * girth, -0.30)
    up = path(shoulder, (0.36 * girth, -0.36), (0.47 * girth, -0.60))
    hands = {
        "happy": path(shoulder, (0.30 * girth, -0.22), (0.37 * girth, -0.27)),
        "sad": path(shoulder, (0.23 * girth, -0.20), (0.215 * girth, -0.10)),
        "angry": path(shoulder, (0.37 * girth, -0.22), (0.19 * girth, -0.13)),
        "surprised": path(shoulder, (0.33 * girth, -0.30), (0.43 * girth, -0.37)),
    }
    right = up if action in ("waving", "jumping") else hands[mood]
    left = up if action == "jumping" else hands[mood]
    return [*cut("base", stroke(right, 0.115)), *cut("base", mirror(stroke(left, 0.115)))]


def _body(species: str, action: str) -> list[Part]:
    g = GIRTH[species]
    foot_x, foot_y, tilt = (
        (0.17 * g, -0.005, 30.0) if action == "jumping" else (0.12 * g, -0.028, 0.0)
    )
    foot = ellipse(foot_x, foot_y, 0.105, 0.052, tilt)
    torso = smooth(
        (0, -0.42),
        (0.17 * g, -0.38),
        (0.245 * g, -0.18),
        (0.19 * g, -0.035),
        (0, -0.02),
        (-0.19 * g, -0.035),
        (-0.245 * g, -0.18),
        (-0.17 * g, -0.38),
    )
    belly = ellipse(0, -0.165, 0.135 * g, 0.125)
    feet = "beak" if species == "owl" else "dark"
    return [*pair(feet, foot), *cut("base", torso), ("light", belly)]


def _accessory(species: str, accessory: str) -> tuple[list[Part], list[Part]]:
    """What is worn below the chin, and what is worn on the head."""
    y = HAT_LINE[species]
    if accessory == "hat":
        brim = ellipse(0, y, 0.34, 0.062)
        crown = smooth(
            (-0.20, y),
            (-0.205, y - 0.16),
            (-0.18, y - 0.31),
            (0, y - 0.34),
            (0.18, y - 0.31),
            (0.205, y - 0.16),
            (0.20, y),
            (0, y + 0.02),
        )
        band = polygon(
            (-0.203, y - 0.04), (0.203, y - 0.04), (0.206, y - 0.125), (-0.206, y - 0.125)
        )
        return [], [("ink", brim + (0, 0.016)), ("navy", brim), ("navy", crown), ("pink", band)]
    if accessory == "crown":
        points = (
            (-0.25, y + 0.04),
            (-0.29, y - 0.25),
            (-0.135, y - 0.11),
            (0, y - 0.30),
            (0.135, y - 0.11),
            (0.29, y - 0.25),
            (0.25, y + 0.04),
        )
        gems = [
            ("tongue", ellipse(0, y - 0.045, 0.042, 0.042)),
            *flat_pair("teal", ellipse(0.145, y - 0.035, 0.033, 0.033)),
        ]
        balls = [("gold", ellipse(px, py, 0.036, 0.036)) for px, py in points if py < y - 0.2]
        crown = polygon(*points)
        return [], [("wood", crown + (0.006, 0.02)), ("gold", crown), *balls, *gems]
    if accessory == "scarf":
        wrap = smooth(
            (-0.25, -0.375),
            (0, -0.325),
            (0.25, -0.375),
            (0.265, -0.275),
            (0, -0.215),
            (-0.265, -0.275),
        )
        end = smooth((0.06, -0.26), (0.185, -0.27), (0.235, -0.04), (0.09, -0.03))
        fringe = [("cream", stroke(path((0.082, -0.105), (0.215, -0.12)), 0.042))]
        stripe = [
            (
                "cream",
                stroke(path((x, -0.345 + 0.3 * x * x * -1), (x * 1.02, -0.24 - 0.3 * x * x)), 0.04),
            )
            for x in (-0.16, -0.055)
        ]
        teal = [
            ("navy", end + (0.006, 0.016)),
            ("teal", end),
            *fringe,
            ("navy", wrap + (0, 0.016)),
            ("teal", wrap),
            *stripe,
        ]
        return teal, []
    return [], []


@cache
def parts(species: str, accessory: str, mood: str, action: str) -> tuple[Part, ...]:
    """All cuts of one character, from the farthest back to the nearest."""
    behind, front = HEADS[species](mood)
    collar, worn = _accessory(species, accessory)
    bow = 0.035 if mood == "sad" else 0.0
    head = [*front, *worn]
    arms = _arms(action, mood, GIRTH[species])
    placed = [
        *[(c, p + (0, bow)) for c, p in behind],
        *_body(species, action),
        *([] if action == "jumping" else arms),
        *collar,
        *[(c, p + (0, bow)) for c, p in head],
        *(arms if action == "jumping" else []),
        *(arms[:2] if action == "waving" else []),
    ]
    return tuple(placed)
