"""Markings: spots, stripes and a patch, cut for everybody and shown as an identity asks."""

from __future__ import annotations

from mmcourse.storyworld.drawing.cuts import Part, flat_pair, trait
from mmcourse.storyworld.drawing.shapes import ellipse, path, stroke

FOREHEAD = ((-0.20, -0.815, 0.058), (0.035, -0.845, 0.048), (0.225, -0.79, 0.062))
BODY = ((-0.175, -0.27, 0.040), (0.185, -0.20, 0.046), (-0.17, -0.11, 0.040))


def marked(front: list[Part]) -> list[Part]:
    """A head with its markings: they lie under the eyes, on the face."""
    eyes = [(i, p) for i, (c, p) in enumerate(front) if c.endswith("@eye")]
    first = eyes[0][0]
    x, y = abs(eyes[0][1].mean(axis=0))[0], eyes[0][1].mean(axis=0)[1]
    patch = ellipse(x, y + 0.005, 0.125, 0.145, 8)
    low = 0.15 if y < -0.8 else 0.0  # a frog's eyes sit on top of its head
    blaze = stroke(
        path((0, -0.885 + low), (0.004, -0.76 + low), (0, -0.62 + 0.4 * low)), 0.085, 0.5
    )
    spots = [("mark", ellipse(px, py + low, r, 0.9 * r, n=18)) for px, py, r in FOREHEAD]
    marks = [
        *trait("stripe", [("band", blaze)]),
        *trait("patch", flat_pair("mark", patch)),
        *trait("spot", spots),
    ]
    return [*front[:first], *marks, *front[first:]]


def flanks(girth: float) -> list[Part]:
    """Spots and stripes on the body, left and right of the belly."""
    bars = [
        path((0.245 * girth * w, y), (0.19 * girth * w, y + 0.012), (0.12 * girth * w, y))
        for y, w in ((-0.325, 0.86), (-0.225, 1.0), (-0.125, 0.96))
    ]
    stripes = [part for bar in bars for part in flat_pair("band", stroke(bar, 0.050, 0.7))]
    spots = [("mark", ellipse(x * girth, y, r, r, n=16)) for x, y, r in BODY]
    return [*trait("stripe", stripes), *trait("spot", spots)]
