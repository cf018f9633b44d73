"""Outlines to cut from paper: every shape is a closed polygon, an (N, 2) array of points.

x grows to the right, y downwards. Shapes are made once, in the units of whoever draws them, and
then only scaled and moved, so drawing a scene costs little more than filling polygons.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@cache
def _circle(n: int) -> Points:
    angle = np.linspace(0.0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(x: float, y: float, rx: float, ry: float, tilt: float = 0.0, n: int = 32) -> Points:
    """An ellipse about (x, y) with radii rx and ry, turned clockwise by `tilt` degrees."""
    points = _circle(n) * (rx, ry)
    return rotate(points, tilt) + (x, y) if tilt else points + (x, y)


def polygon(*points: tuple[float, float]) -> Points:
    """A polygon with sharp corners."""
    return np.array(points, dtype=np.float64)


def smooth(*points: tuple[float, float], steps: int = 7) -> Points:
    """A closed curve through the points (uniform Catmull-Rom spline)."""
    p1 = np.array(points, dtype=np.float64)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.arange(steps)[:, None, None] / steps
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )  # (steps, N, 2)
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def path(*points: tuple[float, float], steps: int = 6) -> Points:
    """An open curve through the points, to be given a width by `stroke`."""
    if len(points) == 2:
        return np.array(points, dtype=np.float64)
    p = np.array([points[0], *points, points[-1]], dtype=np.float64)
    out = []
    for i in range(1, len(p) - 2):
        t = np.arange(steps)[:, None] / steps
        a, b, c, d = p[i - 1], p[i], p[i + 1], p[i + 2]
        out.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.concatenate([*out, p[-1:]])


def stroke(line: Points, width: float, taper: float = 1.0) -> Points:
    """The outline of a line drawn with a round pen; `taper` scales the width at its end."""
    direction = np.gradient(line, axis=0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-12
    normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    half = width / 2 * np.linspace(1.0, taper, len(line))[:, None]
    angle = np.linspace(-np.pi / 2, np.pi / 2, 7)[1:-1, None]

    def cap(at: int, sign: float) -> Points:
        forward, side = sign * direction[at], sign * normal[at]
        return line[at] + half[at] * (np.cos(angle) * forward - np.sin(angle) * side)

    left, right = line + half * normal, line - half * normal
    return np.concatenate([left, cap(-1, 1.0), right[::-1], cap(0, -1.0)])


def rotate(points: Points, degrees: float, about: tuple[float, float] = (0.0, 0.0)) -> Points:
    """Turn points clockwise (y points down) about a pivot."""
    a = np.deg2rad(degrees)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return (points - about) @ turn + about


def mirror(points: Points) -> Points:
    """The same shape on the other side of x = 0."""
    return points * (-1.0, 1.0)
