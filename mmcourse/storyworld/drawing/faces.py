"""Moods: the eyes, brows and mouth that a reader recognises before anything else.

An expression is a mood, or "happy asleep" or "sad asleep". All that belongs to the eyes carries the
trait `@eye`.
"""

from __future__ import annotations

from mmcourse.storyworld.drawing.cuts import Part, flat_pair, trait
from mmcourse.storyworld.drawing.shapes import ellipse, path, polygon, stroke


def eyes(mood: str, x: float, y: float, size: float) -> list[Part]:
    """Two eyes at (±x, y). Happy ones close, sad ones look down, angry ones narrow, surprised
    ones grow, sleeping ones hang; each keeps its brow."""
    return trait("eye", _eyes(mood, x, y, size))


def _eyes(mood: str, x: float, y: float, size: float) -> list[Part]:
    if mood.endswith("asleep"):
        lid = path((x - size, y - 0.1 * size), (x, y + 0.75 * size), (x + size, y - 0.1 * size))
        asleep = [lid]
        if mood == "sad asleep":
            asleep += [path((x + 1.15 * size, y - 0.75 * size), (x - 0.75 * size, y - 1.6 * size))]
        drops = [ellipse(x + 0.5 * size, y + 1.9 * size, 0.5 * size, 0.75 * size)]
        return [
            *[part for line in asleep for part in flat_pair("ink", stroke(line, 0.62 * size))],
            *[part for d in drops if mood == "sad asleep" for part in flat_pair("tear", d)],
        ]
    if mood == "happy":
        arc = path((x - size, y + 0.35 * size), (x, y - 0.75 * size), (x + size, y + 0.35 * size))
        return flat_pair("ink", stroke(arc, 0.62 * size))
    if mood == "sad":
        brow = path((x + 1.15 * size, y - 0.85 * size), (x - 0.75 * size, y - 1.75 * size))
        tear = ellipse(x + 0.35 * size, y + 1.75 * size, 0.52 * size, 0.82 * size)
        return [
            *flat_pair("white", ellipse(x, y, size, size)),
            *flat_pair("ink", ellipse(x, y + 0.32 * size, 0.62 * size, 0.62 * size)),
            *flat_pair("ink", stroke(brow, 0.55 * size)),
            *flat_pair("tear", tear),
        ]
    if mood == "angry":
        lid = polygon(
            (x - 1.25 * size, y - 0.05 * size),
            (x + 1.35 * size, y - 1.0 * size),
            (x + 1.2 * size, y - 1.75 * size),
            (x - 1.35 * size, y - 0.75 * size),
        )
        return [
            *flat_pair("white", ellipse(x, y, size, size)),
            *flat_pair("ink", ellipse(x - 0.2 * size, y + 0.15 * size, 0.6 * size, 0.6 * size)),
            *flat_pair("ink", lid),
        ]
    brow = path(
        (x - 0.8 * size, y - 2.0 * size), (x, y - 2.4 * size), (x + 0.8 * size, y - 2.0 * size)
    )
    return [
        *flat_pair("white", ellipse(x, y, 1.35 * size, 1.45 * size)),
        *flat_pair("ink", ellipse(x, y, 0.6 * size, 0.65 * size)),
        *flat_pair("ink", stroke(brow, 0.45 * size)),
    ]


def mouth(mood: str, y: float, width: float, pen: float) -> list[Part]:
    """A mouth about (0, y), `width` to each side."""
    if mood == "happy":
        smile = path((-width, y - 0.35 * width), (0, y + 0.1 * width), (width, y - 0.35 * width))
        lower = path((width, y - 0.35 * width), (0, y + 1.05 * width), (-width, y - 0.35 * width))
        open_mouth = polygon(*smile.tolist(), *lower.tolist()[1:-1])
        return [
            ("ink", open_mouth),
            ("tongue", ellipse(0, y + 0.36 * width, 0.42 * width, 0.2 * width)),
        ]
    if mood == "happy asleep":
        smile = path((-0.7 * width, y), (0, y + 0.45 * width), (0.7 * width, y))
        return [("ink", stroke(smile, pen))]
    if mood.startswith("sad"):
        frown = path((-width, y + 0.5 * width), (0, y - 0.2 * width), (width, y + 0.5 * width))
        return [("ink", stroke(frown, pen))]
    if mood == "angry":
        teeth = polygon(
            *(
                (-width, y - 0.2 * width),
                (-0.7 * width, y - 0.42 * width),
                (0.7 * width, y - 0.42 * width),
            ),
            *((width, y - 0.2 * width), (width, y + 0.5 * width), (-width, y + 0.5 * width)),
        )
        bars = [
            (
                "ink",
                stroke(path((a * width, y - 0.4 * width), (a * width, y + 0.5 * width)), 0.5 * pen),
            )
            for a in (-0.4, 0.0, 0.4)
        ]
        return [
            ("ink", teeth * (1.18, 1.0)),
            ("white", (teeth - (0, y)) * (0.9, 0.62) + (0, y)),
            *bars,
        ]
    return [("ink", ellipse(0, y + 0.25 * width, 0.5 * width, 0.75 * width))]


def cheeks(mood: str, x: float, y: float, size: float) -> list[Part]:
    """A happy face is rosy."""
    return flat_pair("pink", ellipse(x, y, size, 0.68 * size)) if mood.startswith("happy") else []
