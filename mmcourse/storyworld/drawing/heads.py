"""Heads, and the tails that go with them: what tells a fox from an owl.

Each function returns what lies behind the body (tail, ears) and what lies before it (the head and
all that is on it), in the units of `characters`.
"""

from __future__ import annotations

from collections.abc import Callable

from mmcourse.storyworld.drawing.cuts import Part, cut, flat_pair, pair
from mmcourse.storyworld.drawing.faces import cheeks, eyes, mouth
from mmcourse.storyworld.drawing.round_ears import bear, elephant, mouse
from mmcourse.storyworld.drawing.shapes import ellipse, path, polygon, rotate, smooth, stroke


def _fox(mood: str) -> tuple[list[Part], list[Part]]:
    tail = smooth(
        (0.10, -0.06), (0.34, -0.03), (0.60, -0.22), (0.62, -0.55), (0.50, -0.40), (0.36, -0.24)
    )
    tip = smooth((0.56, -0.31), (0.64, -0.40), (0.62, -0.56), (0.50, -0.40))
    ear = polygon((-0.39, -0.70), (-0.37, -1.17), (-0.06, -0.88))
    inner = polygon((-0.33, -0.78), (-0.325, -1.04), (-0.14, -0.87))
    head = smooth(
        *((0, -0.94), (0.25, -0.90), (0.40, -0.72), (0.45, -0.50), (0.20, -0.36)),
        *((0, -0.27), (-0.20, -0.36), (-0.45, -0.50), (-0.40, -0.72), (-0.25, -0.90)),
    )
    cheek = smooth(
        (-0.445, -0.50), (-0.30, -0.54), (-0.12, -0.56), (0.0, -0.44), (0.0, -0.27), (-0.20, -0.365)
    )
    behind = [*cut("base", tail), ("cream", tip), *pair("base", ear), *flat_pair("ink", inner)]
    front = [
        *cut("base", head),
        *flat_pair("cream", cheek),
        *cheeks(mood, 0.31, -0.50, 0.065),
        *eyes(mood, 0.175, -0.645, 0.068),
        ("ink", ellipse(0, -0.465, 0.058, 0.045)),
        *mouth(mood, -0.365, 0.085, 0.035),
    ]
    return behind, front


def _cat(mood: str) -> tuple[list[Part], list[Part]]:
    tail = stroke(
        path((0.12, -0.08), (0.40, -0.06), (0.50, -0.28), (0.42, -0.48), (0.53, -0.58)), 0.10, 0.85
    )
    ear = smooth(
        (-0.37, -0.68),
        (-0.385, -0.90),
        (-0.35, -1.06),
        (-0.22, -0.98),
        (-0.08, -0.86),
        (-0.2, -0.7),
    )
    inner = polygon((-0.33, -0.80), (-0.325, -0.98), (-0.17, -0.89))
    head = ellipse(0, -0.62, 0.41, 0.315)
    stripes = [
        ("dark", stroke(path((x, -0.93 + 0.4 * abs(x)), (0.8 * x, -0.80)), 0.05, 0.4))
        for x in (-0.11, 0.0, 0.11)
    ]
    whiskers = [
        ("ink", stroke(path((side * 0.24, y), (side * 0.50, y + dy)), 0.020))
        for side in (-1, 1)
        for y, dy in ((-0.52, -0.05), (-0.47, 0.03))
    ]
    behind = [*cut("base", tail), *pair("base", ear), *flat_pair("pink", inner)]
    front = [
        *cut("base", head),
        *stripes,
        ("light", ellipse(0, -0.44, 0.19, 0.125)),
        *whiskers,
        *cheeks(mood, 0.29, -0.51, 0.065),
        *eyes(mood, 0.175, -0.635, 0.070),
        ("pink", polygon((-0.045, -0.535), (0.045, -0.535), (0, -0.485))),
        *mouth(mood, -0.425, 0.085, 0.035),
    ]
    return behind, front


def _rabbit(mood: str) -> tuple[list[Part], list[Part]]:
    puff = ellipse(0.25, -0.14, 0.105, 0.095)
    ear = rotate(ellipse(-0.155, -1.08, 0.092, 0.32), -7, about=(-0.155, -0.8))
    inner = rotate(ellipse(-0.155, -1.06, 0.046, 0.24), -7, about=(-0.155, -0.8))
    head = smooth(
        (0, -0.91),
        (0.25, -0.85),
        (0.36, -0.62),
        (0.29, -0.40),
        (0, -0.31),
        (-0.29, -0.40),
        (-0.36, -0.62),
        (-0.25, -0.85),
    )
    tooth = polygon((-0.045, -0.355), (0.045, -0.355), (0.04, -0.285), (-0.04, -0.285))
    behind = [*cut("cream", puff), *pair("base", ear), *flat_pair("pink", inner)]
    front = [
        *cut("base", head),
        ("light", ellipse(0, -0.43, 0.185, 0.12)),
        *cheeks(mood, 0.26, -0.49, 0.065),
        *eyes(mood, 0.155, -0.63, 0.070),
        ("pink", ellipse(0, -0.51, 0.046, 0.032)),
        *([("white", tooth)] if mood in ("happy", "surprised") else []),
        *mouth(mood, -0.425, 0.080, 0.035),
    ]
    return behind, front


def _frog(mood: str) -> tuple[list[Part], list[Part]]:
    bump = ellipse(-0.225, -0.83, 0.155, 0.155)
    head = smooth(
        (0, -0.80),
        (0.30, -0.80),
        (0.48, -0.56),
        (0.33, -0.36),
        (0, -0.31),
        (-0.33, -0.36),
        (-0.48, -0.56),
        (-0.30, -0.80),
    )
    jaw = smooth(
        (0, -0.545),
        (0.30, -0.535),
        (0.43, -0.515),
        (0.30, -0.385),
        (0, -0.335),
        (-0.30, -0.385),
        (-0.43, -0.515),
        (-0.30, -0.535),
    )
    front = [
        *pair("base", bump),
        *cut("base", head),
        *flat_pair("base", bump),
        ("light", jaw),
        *cheeks(mood, 0.345, -0.60, 0.065),
        *eyes(mood, 0.225, -0.835, 0.085),
        *flat_pair("ink", ellipse(-0.04, -0.625, 0.013, 0.013, n=8)),
        *mouth(mood, -0.475, 0.17, 0.042),
    ]
    return [], front


def _owl(mood: str) -> tuple[list[Part], list[Part]]:
    tuft = polygon((-0.40, -0.66), (-0.44, -1.06), (-0.08, -0.90))
    head = smooth(
        (0, -0.92),
        (0.28, -0.89),
        (0.42, -0.66),
        (0.40, -0.42),
        (0, -0.28),
        (-0.40, -0.42),
        (-0.42, -0.66),
        (-0.28, -0.89),
    )
    disc = ellipse(-0.185, -0.615, 0.205, 0.215)
    open_beak = 0.06 if mood in ("happy", "surprised") else 0.0
    upper = polygon((-0.075, -0.535), (0, -0.58), (0.075, -0.535), (0, -0.41 - 0.4 * open_beak))
    lower = polygon((-0.055, -0.47), (0.055, -0.47), (0, -0.36 + open_beak))
    behind = [*pair("base", tuft)]
    front = [
        *cut("base", head),
        *flat_pair("light", disc),
        *cheeks(mood, 0.30, -0.50, 0.065),
        *eyes(mood, 0.185, -0.625, 0.082),
        *([("tongue", lower)] if open_beak else []),
        *cut("beak", upper),
    ]
    return behind, front


HEADS: dict[str, Callable[[str], tuple[list[Part], list[Part]]]] = {
    "fox": _fox,
    "cat": _cat,
    "rabbit": _rabbit,
    "bear": bear,
    "frog": _frog,
    "owl": _owl,
    "mouse": mouse,
    "elephant": elephant,
}
