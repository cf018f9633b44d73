"""Pictures as PNG bytes, named by their hash, and what is cut out of them."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def picture_hash(png: bytes) -> str:
    """SHA-256 of a PNG's bytes, in hex: the picture's name in the library."""
    return hashlib.sha256(png).hexdigest()


def to_png(picture: Image) -> bytes:
    """A picture as PNG bytes without any metadata, so that equal pixels have equal bytes."""
    from PIL import Image as pil

    clean = pil.frombytes("RGB", picture.size, picture.convert("RGB").tobytes())
    out = io.BytesIO()
    clean.save(out, "PNG")
    return out.getvalue()


def from_png(png: bytes) -> Image:
    """PNG bytes as an RGB picture."""
    from PIL import Image as pil

    return pil.open(io.BytesIO(png), formats=("PNG",)).convert("RGB")


def cut_out(picture: Image, box: tuple[float, float, float, float]) -> Image:
    """What a box in parts of the sides holds."""
    wide, high = picture.size
    left, top, right, bottom = (
        round(e * s) for e, s in zip(box, (wide, high, wide, high), strict=True)
    )
    return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
