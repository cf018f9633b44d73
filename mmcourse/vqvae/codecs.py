"""Pictures as JPEG and WebP, for comparison: many in one file, so that headers do not count."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

QUALITIES = {"JPEG": (1, 5, 10, 20, 35, 50, 65, 80, 90), "WEBP": (0, 5, 10, 20, 35, 50, 65, 80, 90)}
"""What a curve is drawn through."""


def sheet(pictures: Tensor) -> Tensor:
    """uint8 pictures (N, S, S, 3) side by side, as square as can be: (H, W, 3).

    Raises:
        ValueError: pictures of another type or shape, or a number of them that fills no rectangle
            of at least half as many rows as columns.
    """
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ValueError(
            f"pictures must be uint8 (N, S, S, 3), got {pictures.dtype} {tuple(pictures.shape)}"
        )
    n = len(pictures)
    if n == 0:
        raise ValueError("no pictures make no sheet: give 16, 64 or 256")
    rows = next((r for r in range(math.isqrt(n), 0, -1) if n % r == 0), 0)
    if 2 * rows < n // max(1, rows):
        raise ValueError(f"{n} pictures make no sheet of rows and columns; give 16, 64 or 256")
    grid = pictures.unflatten(0, (rows, n // rows))  # (R, C, S, S, 3)
    return grid.permute(0, 2, 1, 3, 4).flatten(2, 3).flatten(0, 1)


def unsheet(whole: Tensor, size: int) -> Tensor:
    """`sheet` undone: (H, W, 3) to pictures (N, size, size, 3)."""
    rows, columns = whole.shape[0] // size, whole.shape[1] // size
    grid = whole.reshape(rows, size, columns, size, 3)
    return grid.permute(0, 2, 1, 3, 4).flatten(0, 1)


def through_file(pictures: Tensor, kind: str, quality: int) -> tuple[int, Tensor]:
    """Write one file of all pictures, and read it: its bytes, and the pictures that come back.

    The encoders spend their time: JPEG with tables of its own and progressive, WebP with its
    slowest method. Tiles of 64 or 128 pixels meet at the borders of both formats' blocks.

    Args:
        pictures: uint8 (N, S, S, 3).
        kind: "JPEG" or "WEBP".
        quality: from 0 (WebP) or 1 (JPEG) to 100.

    Raises:
        ValueError: another kind of file.
    """
    options: dict[str, dict[str, bool | int]] = {
        "JPEG": {"optimize": True, "progressive": True},
        "WEBP": {"method": 6},
    }
    if kind not in options:
        raise ValueError(f"kind is {kind!r}; choose one of {', '.join(options)}")
    file = io.BytesIO()
    Image.fromarray(sheet(pictures).numpy()).save(file, kind, quality=quality, **options[kind])
    whole = np.asarray(Image.open(file).convert("RGB"))
    return len(file.getvalue()), unsheet(torch.from_numpy(whole.copy()), pictures.shape[1])
