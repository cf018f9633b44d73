"""Whether a picture is turned round, or only a copy of one that memory holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def apart(a: ArrayLike, b: ArrayLike) -> float:
    """The mean difference of two pictures' numbers, without sign; of bytes, too."""
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).mean())


def mirrored(picture: ArrayLike) -> np.ndarray:
    """(H, W, ...): left and right exchanged."""
    return np.asarray(picture)[:, ::-1]


def faults(
    picture: np.ndarray, asked: np.ndarray, remembered: Sequence[np.ndarray], limit: float = 3.0
) -> list[str]:
    """What is wrong with a picture as a whole.

    Args:
        picture: (H, W, 3), numbers from 0 to 255, bytes or floats.
        asked: the same shape: what should be seen.
        remembered: pictures of the same shape, of other scenes.
        limit: two pictures that differ by less than this on average are one.

    Returns:
        In this order, each at most once: "mirrored" if the picture's mirror image is nearer to what
        was asked than the picture is; "copy" if it is one of the remembered; "mirrored copy" if its
        mirror image is.

    Raises:
        ValueError: pictures of different shapes, or without pixels.
    """
    shapes = {np.shape(one) for one in (picture, asked, *remembered)}
    if len(shapes) > 1 or 0 in np.shape(picture):
        raise ValueError(f"pictures of one shape, with pixels, got {sorted(shapes)}")
    turned = mirrored(picture)
    found = ["mirrored"] if apart(turned, asked) < apart(picture, asked) else []
    if any(apart(picture, old) < limit for old in remembered):
        found.append("copy")
    if any(apart(turned, old) < limit for old in remembered):
        found.append("mirrored copy")
    return found
