"""Paper, pigment and pencil: smooth random fields, made once for each size.

Every field is drawn from a fixed seed on a fixed grid and then enlarged, so it is the same paper at
every size and in every process.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]


@lru_cache(maxsize=64)
def noise(size: int, cells: int, seed: int) -> Field:
    """(size, size) in [-1, 1], with about `cells` bumps along a side."""
    rng = np.random.RandomState(seed)  # its numbers are promised for all versions of NumPy
    grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))


@lru_cache(maxsize=32)
def clouds(size: int, seed: int) -> Field:
    """(size, size), noise of three scales, about in [-1, 1]."""
    return (
        0.6 * noise(size, 6, seed)
        + 0.3 * noise(size, 13, seed + 1)
        + 0.2 * noise(size, 27, seed + 2)
    )


@lru_cache(maxsize=32)
def grain(size: int) -> Field:
    """(size, size), the tooth of the paper: fine and rough, about in [-1, 1]."""
    return 0.6 * noise(size, 160, 11) + 0.4 * noise(size, 70, 12)


@lru_cache(maxsize=32)
def hatching(size: int) -> Field:
    """(size, size) in [0, 1]: strokes of a pencil, from the lower left to the upper right."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    wobble = 0.012 * noise(size, 9, 21) + 0.004 * noise(size, 40, 22)
    across = (x + y + wobble) * 46
    strokes = 0.5 + 0.5 * np.cos(2 * np.pi * across)
    pressure = 0.5 + 0.5 * noise(size, 24, 23)
    return np.clip(0.55 * strokes + 0.45 * pressure, 0, 1).astype(np.float32)


@lru_cache(maxsize=32)
def wander(size: int, amplitude: float, cells: int, seed: int) -> NDArray[np.int64]:
    """(size, size), the place of the pixel that every pixel is taken from instead: see `taken`."""
    rows, columns = np.mgrid[0:size, 0:size]
    dy = np.rint(noise(size, cells, seed) * amplitude * size).astype(np.int64)
    dx = np.rint(noise(size, cells, seed + 1) * amplitude * size).astype(np.int64)
    return np.clip(rows + dy, 0, size - 1) * size + np.clip(columns + dx, 0, size - 1)


def taken(pixels: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Pixels (size, size, 3) taken from `places` (size, size), row by row, in one go each."""
    whole = np.ascontiguousarray(pixels).view("V3").ravel()[places]  # (size, size)
    return whole[..., None].view(np.uint8)


@lru_cache(maxsize=32)
def margin(size: int, width: float = 0.035) -> Field:
    """(size, size, 1) in [0, 1]: 0 on the bare rim of the sheet, 1 within, with a ragged edge."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / (size - 1)
    rim = np.minimum(np.minimum(rows, 1 - rows), np.minimum(columns, 1 - columns))
    ragged = rim + 0.010 * noise(size, 12, 31) + 0.004 * noise(size, 45, 32)
    return np.clip((ragged - 0.3 * width) / (0.5 * width), 0, 1)[..., None]
