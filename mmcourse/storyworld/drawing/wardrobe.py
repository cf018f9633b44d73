"""What a character may wear: a hat, a scarf or a crown."""

from __future__ import annotations

from mmcourse.storyworld.drawing.cuts import Part, flat_pair
from mmcourse.storyworld.drawing.shapes import ellipse, path, polygon, smooth, stroke

HAT_LINE = {
    **{"fox": -0.90, "cat": -0.89, "rabbit": -0.87, "bear": -0.91, "frog": -0.96, "owl": -0.89},
    **{"mouse": -0.86, "elephant": -0.89},
}
"""Where the brim of a hat rests, for each head."""


def accessory_parts(species: str, accessory: str) -> tuple[list[Part], list[Part]]:
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
