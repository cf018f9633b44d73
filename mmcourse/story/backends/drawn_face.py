"""Read the mood of a face that somebody drew with a few strokes: the mouth's bend, its opening, the
brows' slant. Nothing is learned and nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 96
INK = 60.0
"""How far a stroke's colour is from the paper's, of 255."""
PAPER = 25.0
"""What is paper differs by less; most of a drawn face is."""
OPEN = 0.55
"""A mouth this high, of its width, is open."""
BEND = 0.06
"""A mouth whose middle lies this far from its ends, of its width, smiles or droops."""
SLANT = 0.2
"""Brows that fall this much towards the nose frown."""


def read_face(face: Image) -> tuple[str, str]:
    """(mood, why). The mood is "" where there is no mouth to read."""
    from PIL import Image as pil

    grey = np.asarray(face.convert("L").resize((SIDE, SIDE), pil.Resampling.BOX), np.float64)
    paper = np.median(grey)
    ink = np.abs(grey - paper) > INK
    if (np.abs(grey - paper) < PAPER).mean() < 0.6 or not ink.any():
        return "", "it is not a few strokes on paper"
    strokes = _outline_removed(components(ink))
    if not strokes:
        return "", "there are no strokes inside the face"
    top, bottom = min(s[0].min() for s in strokes), max(s[0].max() for s in strokes)
    middle = 0.5 * (top + bottom)
    mouths = [s for s in strokes if s[0].mean() > middle and np.ptp(s[1]) >= 0.1 * SIDE]
    if bottom - top < 0.15 * SIDE or not mouths:
        return "", "there is no mouth"
    y, x = max(mouths, key=lambda s: np.ptp(s[1]))
    width, height = float(np.ptp(x)) + 1, float(np.ptp(y)) + 1
    if _frowning([s for s in strokes if s[0].mean() <= middle]):
        return "angry", "the brows fall towards the nose"
    if height / width > OPEN:
        return "surprised", "the mouth is open"
    u = (x - x.mean()) / width
    bend = float(np.polyfit(u, y, 2)[0]) / 4 / width  # how far the ends are below the middle
    if bend < -BEND:
        return "happy", "the corners of the mouth are up"
    if bend > BEND:
        return "sad", "the corners of the mouth are down"
    return "", "the mouth is straight"


Stroke = tuple[np.ndarray, np.ndarray]
"""Rows and columns of the pixels of a stroke."""


def components(ink: np.ndarray) -> list[Stroke]:
    """The connected parts of a bool picture (H, W), neighbours at corners too."""
    left = ink.copy()
    out = []
    while left.any():
        seed = np.unravel_index(int(left.argmax()), left.shape)
        part = np.zeros_like(left)
        part[seed] = True
        while True:
            grown = part.copy()
            for axis in (0, 1):
                for step in (1, -1):
                    moved = np.roll(grown, step, axis)
                    edge = 0 if step == 1 else -1
                    moved[(edge,) if axis == 0 else (slice(None), edge)] = False
                    grown = grown | moved
            grown &= left
            if (grown == part).all():
                break
            part = grown
        left &= ~part
        if part.sum() >= 3:
            rows, columns = np.nonzero(part)
            out.append((rows, columns))
    return out


def _outline_removed(strokes: list[Stroke]) -> list[Stroke]:
    """Without the outline of the head: a stroke that goes round all others."""
    inside = []
    for s in strokes:
        others = [o for o in strokes if o is not s]
        round_all = others and all(
            s[i].min() <= o[i].min() and s[i].max() >= o[i].max() for o in others for i in (0, 1)
        )
        if not round_all:
            inside.append(s)
    return inside


def _frowning(strokes: list[Stroke]) -> bool:
    """Whether two slanted strokes above fall towards each other."""
    slants = []
    for y, x in strokes:
        if np.ptp(x) >= 0.06 * SIDE:
            slants.append((float(x.mean()), float(np.polyfit(x, y, 1)[0])))
    slants.sort()
    if len(slants) < 2:
        return False
    return slants[0][1] > SLANT and slants[-1][1] < -SLANT
