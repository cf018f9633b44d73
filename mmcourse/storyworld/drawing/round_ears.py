"""Heads with round ears: the bear, the mouse and the elephant. See `heads`."""

from __future__ import annotations

from mmcourse.storyworld.drawing.cuts import Part, cut, flat_pair, pair
from mmcourse.storyworld.drawing.faces import cheeks, eyes, mouth
from mmcourse.storyworld.drawing.shapes import ellipse, path, smooth, stroke


def bear(mood: str) -> tuple[list[Part], list[Part]]:
    ear, inner = ellipse(-0.30, -0.90, 0.135, 0.135), ellipse(-0.30, -0.895, 0.075, 0.075)
    head = ellipse(0, -0.635, 0.40, 0.325)
    behind = [*pair("base", ear), *flat_pair("light", inner)]
    front = [
        *cut("base", head),
        ("light", ellipse(0, -0.47, 0.215, 0.165)),
        *cheeks(mood, 0.285, -0.53, 0.065),
        *eyes(mood, 0.17, -0.675, 0.068),
        ("ink", ellipse(0, -0.555, 0.075, 0.05)),
        *mouth(mood, -0.435, 0.095, 0.037),
    ]
    return behind, front


def mouse(mood: str) -> tuple[list[Part], list[Part]]:
    tail = stroke(
        path((0.12, -0.06), (0.36, -0.02), (0.52, -0.12), (0.46, -0.30), (0.56, -0.42)), 0.062, 0.5
    )
    ear, inner = ellipse(-0.288, -0.925, 0.185, 0.205), ellipse(-0.288, -0.915, 0.12, 0.138)
    head = smooth(
        *((0, -0.90), (0.24, -0.84), (0.35, -0.64), (0.27, -0.44), (0.10, -0.32)),
        *((0, -0.30), (-0.10, -0.32), (-0.27, -0.44), (-0.35, -0.64), (-0.24, -0.84)),
    )
    whiskers = [
        ("ink", stroke(path((side * 0.12, y), (side * 0.40, y + dy)), 0.020))
        for side in (-1, 1)
        for y, dy in ((-0.45, -0.03), (-0.42, 0.04))
    ]
    behind = [*cut("pink", tail), *pair("base", ear), *flat_pair("pink", inner)]
    front = [
        *cut("base", head),
        ("light", ellipse(0, -0.41, 0.15, 0.10)),
        *whiskers,
        *cheeks(mood, 0.245, -0.50, 0.060),
        *eyes(mood, 0.145, -0.62, 0.068),
        ("tongue", ellipse(0, -0.475, 0.058, 0.046)),
        *mouth(mood, -0.385, 0.075, 0.034),
    ]
    return behind, front


def elephant(mood: str) -> tuple[list[Part], list[Part]]:
    tail = stroke(path((0.16, -0.14), (0.34, -0.22), (0.40, -0.12)), 0.05)
    ear = smooth(
        (-0.20, -0.86),
        (-0.35, -0.93),
        (-0.435, -0.78),
        (-0.44, -0.55),
        (-0.37, -0.38),
        (-0.22, -0.50),
    )
    inner = smooth((-0.28, -0.80), (-0.36, -0.83), (-0.42, -0.70), (-0.40, -0.52), (-0.34, -0.50))
    head = smooth(
        *((0, -0.93), (0.21, -0.90), (0.31, -0.70), (0.28, -0.48), (0.14, -0.34)),
        *((0, -0.31), (-0.14, -0.34), (-0.28, -0.48), (-0.31, -0.70), (-0.21, -0.90)),
    )
    curl = {
        "happy": ((-0.27, -0.29), (-0.40, -0.36), (-0.41, -0.52)),
        "surprised": ((-0.29, -0.34), (-0.42, -0.44), (-0.44, -0.62)),
        "angry": ((-0.24, -0.28), (-0.40, -0.27), (-0.48, -0.36)),
    }.get(mood, ((-0.19, -0.30), (-0.25, -0.17), (-0.22, -0.05)))
    line = path((-0.02, -0.58), (-0.10, -0.40), *curl)
    trunk = [("edge", stroke(line, 0.200, 0.62)), ("base", stroke(line, 0.160, 0.56))]
    wrinkles = [
        ("edge", stroke(path((x - 0.065, y + 0.02), (x + 0.055, y - 0.02)), 0.018))
        for x, y in ((-0.055, -0.49), (-0.085, -0.43))
    ]
    lips = [(c, p * (0.90, 1.0) + (0.115, 0.0)) for c, p in mouth(mood, -0.405, 0.095, 0.038)]
    behind = [*cut("base", tail), *pair("base", ear), *flat_pair("pink", inner)]
    front = [
        *cut("base", head),
        *cheeks(mood, 0.225, -0.53, 0.060),
        *eyes(mood, 0.165, -0.68, 0.066),
        *lips,
        *trunk,
        *wrinkles,
    ]
    return behind, front
