"""The things that characters play with: drawn one unit tall, standing at (0, 0)."""

from __future__ import annotations

from functools import cache

import numpy as np

from mmcourse.storyworld.drawing.cuts import Part
from mmcourse.storyworld.drawing.shapes import Points, ellipse, path, polygon, smooth, stroke


def _ball() -> list[Part]:
    centre = (0.0, -0.42)
    stripe = smooth(
        (-0.41, -0.46), (0, -0.34), (0.41, -0.46), (0.41, -0.35), (0, -0.22), (-0.41, -0.35)
    )
    return [
        ("rim", ellipse(*centre, 0.49, 0.49)),
        ("base", ellipse(0, -0.435, 0.42, 0.42)),
        ("cream", stripe),
        ("light", ellipse(-0.16, -0.65, 0.11, 0.07, -30)),
    ]


def _balloon() -> list[Part]:
    string = stroke(path((0.0, -0.85), (0.07, -0.55), (-0.05, -0.3), (0.02, 0.0)), 0.045)
    body = smooth(
        (0, -1.85),
        (0.36, -1.70),
        (0.42, -1.35),
        (0.22, -1.0),
        (0, -0.88),
        (-0.22, -1.0),
        (-0.42, -1.35),
        (-0.36, -1.70),
    )
    knot = polygon((-0.09, -0.80), (0.09, -0.80), (0, -0.93))
    return [
        ("ink", string),
        ("rim", (body - (0, -1.37)) * 1.13 + (0, -1.37)),
        ("base", body),
        ("base", knot),
        ("light", ellipse(-0.17, -1.55, 0.09, 0.16, 20)),
    ]


def _flower() -> list[Part]:
    stem = stroke(path((0.0, -0.55), (0.03, -0.25), (0.0, 0.0)), 0.09)
    leaf = smooth((0.02, -0.12), (0.20, -0.34), (0.38, -0.32), (0.24, -0.12))
    petals = [
        ("base", ellipse(0.235 * np.cos(a), -0.72 + 0.235 * np.sin(a), 0.175, 0.175, n=18))
        for a in np.arange(6) * np.pi / 3
    ]
    under = [("rim", (p - (0, -0.72)) * 1.14 + (0, -0.715)) for _, p in petals]
    return [
        ("leaf", stem),
        ("leaf", leaf),
        *under,
        *petals,
        ("gold", ellipse(0, -0.72, 0.12, 0.12)),
        ("wood", ellipse(0, -0.72, 0.06, 0.06)),
    ]


def _mushroom() -> list[Part]:
    stem = smooth((-0.17, -0.55), (0.17, -0.55), (0.20, -0.05), (0, 0.0), (-0.20, -0.05))
    cap = smooth(
        (-0.50, -0.48), (-0.38, -0.82), (0, -0.98), (0.38, -0.82), (0.50, -0.48), (0, -0.40)
    )
    spots = [
        ("cream", ellipse(x, y, r, 0.85 * r))
        for x, y, r in (
            (-0.22, -0.66, 0.09),
            (0.08, -0.80, 0.09),
            (0.28, -0.60, 0.075),
            (0.02, -0.54, 0.06),
        )
    ]
    return [
        ("wood", stem + (0.015, 0.02)),
        ("cream", stem),
        ("rim", (cap - (0, -0.7)) * (1.13, 1.2) + (0, -0.695)),
        ("base", cap),
        *spots,
    ]


def _lantern() -> list[Part]:
    handle = stroke(path((-0.20, -0.80), (-0.17, -1.02), (0.17, -1.02), (0.20, -0.80)), 0.07)
    top = polygon((-0.30, -0.74), (-0.20, -0.88), (0.20, -0.88), (0.30, -0.74))
    glass = smooth(
        (-0.27, -0.74), (0.27, -0.74), (0.33, -0.43), (0.27, -0.13), (-0.27, -0.13), (-0.33, -0.43)
    )
    foot = polygon((-0.32, 0.0), (-0.27, -0.14), (0.27, -0.14), (0.32, 0.0))
    whole = smooth(
        (-0.30, -0.86), (0.30, -0.86), (0.34, -0.43), (0.34, 0.0), (-0.34, 0.0), (-0.34, -0.43)
    )
    return [
        ("ink", handle),
        ("rim", (whole - (0, -0.44)) * 1.1 + (0, -0.44)),
        ("base", glass),
        ("glow", ellipse(0, -0.42, 0.14, 0.18)),
        ("base", top),
        ("base", foot),
    ]


def _kite() -> list[Part]:
    string = stroke(path((0.0, -0.95), (0.10, -0.60), (-0.06, -0.30), (0.04, 0.0)), 0.045)
    sail = polygon((0, -1.90), (0.43, -1.42), (0, -0.88), (-0.43, -1.42))
    upper = polygon((0, -1.42), (0.43, -1.42), (0, -0.88))
    spars = (((0, -1.86), (0, -0.92)), ((-0.40, -1.42), (0.40, -1.42)))
    bows = [
        polygon(
            (x - 0.15, y - 0.08), (x + 0.15, y + 0.08), (x + 0.15, y - 0.08), (x - 0.15, y + 0.08)
        )
        for x, y in ((0.09, -0.62), (-0.02, -0.36))
    ]
    return [
        ("ink", string),
        ("wood", (sail - (0, -1.40)) * 1.17 + (0, -1.40)),
        ("base", sail),
        ("dark", upper),
        *[("wood", stroke(path(*ends), 0.075)) for ends in spars],
        *[("tongue", bow) for bow in bows],
    ]


def _book() -> list[Part]:
    cover = polygon((-0.66, -0.68), (0, -0.56), (0.66, -0.68), (0.66, 0.0), (0, 0.08), (-0.66, 0.0))
    page = polygon(
        (-0.46, -0.66), (-0.23, -0.68), (0, -0.58), (0, -0.10), (-0.23, -0.20), (-0.46, -0.18)
    )
    spine = stroke(path((0, -0.60), (0, -0.05)), 0.045)
    lines = [
        ("wood", stroke(path((side * 0.36, y), (side * 0.12, y + 0.05)), 0.045))
        for side in (-1, 1)
        for y in (-0.52, -0.36)
    ]
    return [
        ("rim", (cover - (0, -0.3)) * 1.12 + (0, -0.29)),
        ("base", cover),
        ("cream", page),
        ("cream", page * (-1.0, 1.0)),
        ("ink", spine),
        *lines,
    ]


def _boat() -> list[Part]:
    hull = smooth(
        (-0.52, -0.28), (0, -0.24), (0.52, -0.28), (0.36, -0.03), (0, 0.0), (-0.36, -0.03)
    )
    mast = stroke(path((0.02, -0.25), (0.02, -1.06)), 0.055)
    sail = smooth((0.07, -1.0), (0.30, -0.68), (0.50, -0.36), (0.26, -0.34), (0.07, -0.36))
    jib = polygon((-0.04, -0.92), (-0.04, -0.36), (-0.38, -0.36))
    return [
        ("ink", mast),
        ("rim", (sail - (0.26, -0.6)) * (1.3, 1.16) + (0.26, -0.6)),
        ("base", sail),
        ("base", jib),
        ("ink", hull + (0.0, 0.035)),
        ("wood", hull),
        ("base", stroke(path((-0.47, -0.215), (0, -0.175), (0.47, -0.215)), 0.075)),
    ]


FLYING = ("balloon", "kite")
"""Kinds that hang in the air on a string."""

SHAPES = {
    "ball": _ball,
    "balloon": _balloon,
    "flower": _flower,
    "mushroom": _mushroom,
    "lantern": _lantern,
    "kite": _kite,
    "book": _book,
    "boat": _boat,
}


@cache
def parts(kind: str) -> tuple[Part, ...]:
    """All cuts of one thing, from the farthest back to the nearest."""
    return tuple(SHAPES[kind]())


def _heart() -> list[Part]:
    heart = smooth(
        *((0, 0.42), (-0.40, 0.05), (-0.48, -0.25), (-0.27, -0.44), (0, -0.20)),
        *((0.27, -0.44), (0.48, -0.25), (0.40, 0.05)),
    )
    return [
        ("cream", heart * 1.28 + (0, 0.01)),
        ("tongue", heart + (0.01, 0.04)),
        ("base", heart),
        ("cream", ellipse(-0.24, -0.22, 0.09, 0.065, -30)),
    ]


def _spark() -> list[Part]:
    corners = []
    for i in range(16):
        r = (0.54, 0.25)[i % 2] * (1.0, 1.0, 0.82, 0.95)[i % 4 - (i % 2)]
        a = np.pi * i / 8 - np.pi / 2
        corners.append((float(r * np.cos(a)), float(r * np.sin(a))))
    burst = polygon(*corners)
    bolt = polygon(
        (0.06, -0.26), (-0.15, 0.03), (-0.02, 0.03), (-0.08, 0.27), (0.15, -0.05), (0.02, -0.05)
    )
    return [("ink", burst * 1.13), ("gold", burst), ("base", bolt)]


def _footprint() -> list[Part]:
    sole = ellipse(0, 0, 0.42, 0.20)
    toes = [ellipse(x, -0.33, 0.11, 0.09, n=10) for x in (-0.28, 0.0, 0.28)]
    rims = [(pad, pad.mean(axis=0)) for pad in (sole, *toes)]
    return [
        *[("cream", (pad - middle) * 1.5 + middle) for pad, middle in rims],
        ("ink", sole),
        *[("ink", toe) for toe in toes],
    ]


def _sparkle() -> list[Part]:
    def star(r: float, waist: float) -> Points:
        turn = np.arange(8) * np.pi / 4 - np.pi / 2
        out = np.where(np.arange(8) % 2 == 0, r, waist)
        return np.stack([out * np.cos(turn), out * np.sin(turn)], axis=1)

    return [("ink", star(0.60, 0.24)), ("gold", star(0.48, 0.17)), ("cream", star(0.24, 0.09))]


SIGNS = {"heart": _heart, "spark": _spark, "sparkle": _sparkle, "footprint": _footprint}
"""What is drawn between two who interact; about (0, 0), one unit wide."""
