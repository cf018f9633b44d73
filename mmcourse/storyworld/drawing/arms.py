"""Arms: what a character does with them tells its action, its mood or whom it deals with."""

from __future__ import annotations

import numpy as np

from mmcourse.storyworld.drawing.cuts import Part, cut, trait
from mmcourse.storyworld.drawing.shapes import ellipse, mirror, path, stroke

Line = tuple[tuple[float, float], tuple[float, float]]
"""Elbow and hand of the arm on the side x > 0; y as drawn, x times the girth."""

MOOD_HANDS: dict[str, Line] = {
    "happy": ((0.30, -0.22), (0.37, -0.27)),
    "sad": ((0.23, -0.20), (0.215, -0.10)),
    "angry": ((0.37, -0.22), (0.19, -0.13)),
    "surprised": ((0.34, -0.24), (0.46, -0.22)),
}
LONGEST = 1.0
"""Girth beyond which arms grow no longer, or they would leave the picture."""
UP: Line = ((0.38, -0.37), (0.455, -0.66))
GESTURES: dict[str, tuple[Line | None, Line | None]] = {
    "waving": (UP, None),
    "jumping": (UP, UP),
    "sitting": (((0.27, -0.24), (0.24, -0.12)), ((0.27, -0.24), (0.24, -0.12))),
    "give": (((0.38, -0.26), (0.60, -0.28)), ((-0.04, -0.12), (-0.34, -0.20))),
    "take": (((0.36, -0.30), (0.55, -0.37)), UP),
    "hug": (((0.40, -0.27), (0.66, -0.29)), ((0.02, -0.12), (-0.40, -0.18))),
    "point": (((0.40, -0.33), (0.62, -0.38)), None),
}
"""The arm towards the partner (x > 0) and the other one; None is the mood's. A hand of the other
arm at x < 0 has crossed the body."""


def arm_parts(gesture: str, mood: str, girth: float, phase: float) -> tuple[list[Part], list[Part]]:
    """The arm at x > 0 and the other one. Each ends in a paw that shows with socks alone; a raised
    one shows its palm."""
    near, far = GESTURES.get(gesture, (None, None))
    girth = min(girth, LONGEST)
    both: list[list[Part]] = []
    for side, line in ((1, near), (-1, far)):
        elbow, hand = line or MOOD_HANDS[mood]
        if gesture == "waving" and side == 1 and phase:
            swing = 0.16 * np.sin(2 * np.pi * phase)
            elbow, hand = (elbow[0], elbow[1]), (hand[0] + swing, hand[1] + 0.25 * abs(swing))
        if gesture == "stride":
            swing = -side * 0.10 * np.sin(2 * np.pi * phase)
            elbow, hand = (0.27, -0.22), (0.27 + swing, -0.13)
        shoulder = (0.16 * girth, -0.30)
        bent = path(shoulder, (elbow[0] * girth, elbow[1]), (hand[0] * girth, hand[1]))
        palm = (hand[0] * girth, hand[1])
        arm, paw = stroke(bent, 0.115), ellipse(hand[0] * girth, hand[1], 0.066, 0.066, n=16)
        if side == -1:
            arm, paw = mirror(arm), mirror(paw)
        parts = [*cut("base", arm), *trait("paw", [("base", paw)])]
        if line is UP:  # rimmed, with a pale palm, or it would be lost before the head
            rim = np.array((side, 1.0)) * stroke(bent, 0.165)
            ring, pad = (np.array((side, 1.0)) * ellipse(*palm, r, r, n=14) for r in (0.10, 0.075))
            parts = [("edge", rim), *parts, ("edge", ring), ("light", pad)]
        both.append(parts)
    return both[0], both[1]
