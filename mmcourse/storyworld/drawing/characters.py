"""The animals: each a short list of paper cuts, known by its outline alone.

A character stands with its feet at (0, 0) and its head about one unit above them (y = -1); ears
and hats may go higher. `parts` returns the cuts in the order of painting.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mmcourse.storyworld.drawing.arms import arm_parts
from mmcourse.storyworld.drawing.cuts import Part, cut, flat_pair, pair, trait
from mmcourse.storyworld.drawing.heads import HEADS
from mmcourse.storyworld.drawing.markings import flanks, marked
from mmcourse.storyworld.drawing.shapes import Points, ellipse, polygon, rotate, smooth
from mmcourse.storyworld.drawing.wardrobe import accessory_parts

GIRTH = {
    **{"fox": 0.90, "cat": 0.90, "rabbit": 0.88, "bear": 1.18, "frog": 1.08, "owl": 1.12},
    **{"mouse": 0.84, "elephant": 1.12},
}


def _torso(g: float) -> list[Part]:
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
    return [*cut("base", torso), *flanks(g), ("light", ellipse(0, -0.165, 0.135 * g, 0.125))]


def _body(species: str, gesture: str, phase: float) -> list[Part]:
    g = GIRTH[species]
    colour = "beak" if species == "owl" else "dark"
    if gesture == "stride":
        swing = np.sin(2 * np.pi * phase)
        feet = [
            cut(colour, ellipse(side * 0.11 * g + 0.09 * step, -0.028 - lift, 0.105, 0.052))
            for side, step, lift in (
                (-1, swing, 0.05 * max(0.0, swing)),
                (1, -swing, 0.05 * max(0.0, -swing)),
            )
        ]
        return [*trait("sock", [*feet[0], *feet[1]]), *_torso(g)]
    foot_x, foot_y, tilt = (
        (0.17 * g, -0.005, 30.0) if gesture == "jumping" else (0.12 * g, -0.028, 0.0)
    )
    foot = ellipse(foot_x, foot_y, 0.105, 0.052, tilt)
    return [*trait("sock", pair(colour, foot)), *_torso(g)]


def _awake(species: str, accessory: str, mood: str, gesture: str, phase: float) -> list[Part]:
    """On its feet, or in the air."""
    behind, front = HEADS[species](mood)
    collar, worn = accessory_parts(species, accessory)
    bow = 0.035 if mood == "sad" else 0.0
    head = [*marked(front), *worn]
    near, far = arm_parts(gesture, mood, GIRTH[species], phase)
    foremost = [*near, *far] if gesture in ("jumping", "hug") else []
    return [
        *[(c, p + (0, bow)) for c, p in trait("ear", behind)],
        *_body(species, gesture, phase),
        *([] if foremost else [*near, *far]),
        *collar,
        *[(c, p + (0, bow)) for c, p in head],
        *foremost,
        *(near if gesture in ("waving", "give", "take") else []),
    ]


def _is_tail(shape: Points) -> bool:
    """Tails lie on the ground when the rest sinks."""
    return bool(shape[:, 1].max() > -0.33)


def _sitting(species: str, accessory: str, mood: str) -> list[Part]:
    """On the ground, with the soles of both feet to us."""
    behind, front = HEADS[species](mood)
    collar, worn = accessory_parts(species, accessory)
    g, low = GIRTH[species], 0.115
    seat = smooth((0, -0.30), (0.23 * g, -0.20), (0.31 * g, -0.06), (0, 0.0), (-0.31 * g, -0.06),
                  (-0.23 * g, -0.20))  # fmt: skip
    sole = ellipse(0.245 * g, -0.085, 0.105, 0.115, 12)
    pad = ellipse(0.245 * g, -0.075, 0.055, 0.06, 12)
    colour = "beak" if species == "owl" else "dark"
    near, far = arm_parts("sitting", mood, g, 0.0)
    lowered = [
        *_torso(g),
        *near,
        *far,
        *collar,
        *[(c, p + (0, 0.035 if mood == "sad" else 0.0)) for c, p in [*marked(front), *worn]],
    ]
    return [
        *[(c, p + (0, 0.0 if _is_tail(p) else low)) for c, p in trait("ear", behind)],
        *cut("base", seat),
        *[(c, p + (0, low)) for c, p in lowered],
        *trait("sock", pair(colour, sole)),
        *flat_pair("light", pad),
    ]


def _sleeping(species: str, accessory: str, mood: str) -> list[Part]:
    """Curled up, the head on the paws, dreaming in Zs."""
    behind, front = HEADS[species](f"{mood} asleep")
    collar, worn = accessory_parts(species, accessory)
    g, low = GIRTH[species], 0.235
    back = smooth(
        *((-0.50 * g, -0.02), (-0.52 * g, -0.22), (-0.34 * g, -0.40), (0, -0.44)),
        *((0.34 * g, -0.38), (0.47 * g, -0.20), (0.46 * g, -0.02), (0, 0.0)),
    )
    paw = ellipse(0.15, -0.045, 0.105, 0.055)

    def rest(parts: list[Part]) -> list[Part]:
        return [(c, rotate(p, -9, about=(0, -0.45)) + (0.04, low)) for c, p in parts]

    letters = ((0.47, -0.78, 0.060), (0.60, -1.02, 0.085))
    zs = [("cream", zed(x, y, s, 0.22)) for x, y, s in letters]
    under = [("ink", zed(x, y, s, 0.48)) for x, y, s in letters]
    tail = [(c, p) for c, p in trait("ear", behind) if _is_tail(p)]
    ears = [(c, p) for c, p in trait("ear", behind) if not _is_tail(p)]
    return [
        *tail,
        *cut("base", back),
        *rest(ears),
        *[(c, p * (1.5, 0.9)) for c, p in flanks(g)],
        *rest([*collar, *marked(front), *worn]),
        *trait("sock", pair("dark" if species != "owl" else "beak", paw)),
        *trait("glyph", [*under, *zs]),
    ]


def zed(x: float, y: float, size: float, thick: float) -> Points:
    """A letter Z about (x, y), with a stem of `thick` sizes to each side of its line."""
    t, d = thick, 1.45 * thick
    half = [(-1 - t, -1 - t), (1 + t, -1 - t), (1 + t, -1 + t), (-1 + t + d, 1 - t), (1 + t, 1 - t)]
    return polygon(*[(x + s * size * a, y + s * size * b) for s in (1, -1) for a, b in half])


@lru_cache(maxsize=4096)
def parts(
    species: str, accessory: str, mood: str, gesture: str, phase: float = 0.0
) -> tuple[Part, ...]:
    """All cuts of one character, from the farthest back to the nearest.

    Args:
        species: as in `Character`.
        accessory: as in `Character`.
        mood: as in `Character`.
        gesture: an action, or "give", "take", "hug", "point" or "stride".
        phase: of a wave or a stride, in turns.
    """
    if gesture == "sitting":
        return tuple(_sitting(species, accessory, mood))
    if gesture == "sleeping":
        return tuple(_sleeping(species, accessory, mood))
    return tuple(_awake(species, accessory, mood, gesture, phase))
