"""Pictures from outside: taken rightly, or refused in one clear line.

Whatever comes is decoded, turned upright, laid over white, made smaller and encoded anew, so that
nothing but its pixels comes in: no metadata, no second frame, no text behind the picture's end. Two
caps are kept before anything is decoded: the bytes of the file, and the pixels that it claims.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mmcourse.paths import user_path
from mmcourse.story.pixels import to_png

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
"""The largest picture that is decoded: 120 MB as RGB. A small file can claim to be far larger."""
MAX_SIDE = 1024
"""What comes in is not kept larger than this."""
MIN_SIDE = 8
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is read. Pillow knows more formats, of which some start other programs."""
ORIENTATION = 0x0112
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
         6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}  # fmt: skip


def read_upload(source: bytes | str | Path | Image, max_bytes: int = MAX_BYTES) -> Image:
    """A picture from outside as RGB, at most 1,024 pixels a side.

    A photograph is turned upright where its orientation can be read, and taken as it is stored
    where it cannot: metadata never decide whether pixels are read. Of an animation comes the first
    frame. Greyscale, palette, CMYK and 16 bits a channel become 8-bit RGB; what is transparent
    becomes white.

    Args:
        source: the bytes of a file, a file, or a picture.
        max_bytes: how large a file may be.

    Raises:
        ValueError: in one line, if it is empty, too large, damaged, or no picture.
    """
    from PIL import Image as pil

    if isinstance(source, pil.Image):
        return _taken(source)
    data = _bytes(source, max_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a picture of many pixels is refused below, by our cap
        try:
            image = pil.open(io.BytesIO(data), formats=FORMATS)
        except pil.DecompressionBombError:
            raise ValueError(_too_many()) from None
        except Exception:  # parsers of damaged headers raise nearly anything
            raise ValueError(
                f"this is no picture that can be read; send one of {', '.join(FORMATS)}"
            ) from None
        with image:
            return _taken(image)


def reencoded(source: bytes | str | Path | Image) -> tuple[Image, bytes]:
    """A picture from outside, and its pixels as a fresh PNG: all that is kept of it.

    Raises:
        ValueError: as `read_upload`.
    """
    image = read_upload(source)
    return image, to_png(image)


def _bytes(source: bytes | str | Path, max_bytes: int) -> bytes:
    """The bytes of a file, if there are not too many."""
    if isinstance(source, str | Path):
        path = user_path(source)
        if not path.is_file():
            raise ValueError(f"there is no picture file {path.name!r}")
        size = path.stat().st_size
        if size > max_bytes:
            raise ValueError(_too_large(size, max_bytes))
        source = path.read_bytes()
    if not isinstance(source, bytes | bytearray):
        raise ValueError(f"a picture is a file or its bytes, got {type(source).__name__}")
    if not source:
        raise ValueError("this file is empty; send a picture")
    if len(source) > max_bytes:
        raise ValueError(_too_large(len(source), max_bytes))
    return bytes(source)


def _too_large(size: int, most: int) -> str:
    return (
        f"this file has {size / 1e6:.1f} MB, at most {most / 1e6:.0f} MB are taken; make it smaller"
    )


def _too_many() -> str:
    return (
        f"this picture claims too many pixels; at most {MAX_PIXELS // 1_000_000} million are read"
    )


def _taken(image: Image) -> Image:
    """The picture as RGB: decoded whole, upright, over white, not too large."""
    from PIL import Image as pil

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(_too_many())
    if min(width, height) < 1:
        raise ValueError("this picture has no pixels; send another")
    try:
        image.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))  # a JPEG is decoded no larger than needed
        image.load()
        if getattr(image, "n_frames", 1) > 1:
            image.seek(0)
    except (MemoryError, pil.DecompressionBombError):
        raise ValueError(_too_many()) from None
    except Exception:  # a truncated or damaged stream raises nearly anything
        raise ValueError("this picture is damaged or cut short; save it again") from None
    turn = TURNS.get(_orientation(image))
    rgb = _rgb(image)
    if turn:
        rgb = rgb.transpose(getattr(pil.Transpose, turn))
    if min(rgb.size) < MIN_SIDE:
        size = f"{rgb.width}x{rgb.height}"
        raise ValueError(f"this picture is {size}; send at least {MIN_SIDE} pixels a side")
    rgb.thumbnail((MAX_SIDE, MAX_SIDE), pil.Resampling.LANCZOS)
    return pil.frombytes("RGB", rgb.size, rgb.tobytes())  # without what was attached to it


def _orientation(image: Image) -> int:
    """How a camera was held, 1 to 8; 1 where that cannot be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
        return int(value)
    except Exception:  # the block may be broken in any way; the pixels are not
        return 1


def _rgb(image: Image) -> Image:
    """8-bit RGB over white, from whatever mode."""
    import numpy as np
    from PIL import Image as pil

    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, np.float64)
        if not np.isfinite(values).all():
            raise ValueError("this picture holds values that are no numbers; save it again")
        top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1.0)
        grey = np.clip(values / top * 255.0, 0, 255).round().astype(np.uint8)
        return pil.fromarray(grey, "L").convert("RGB")
    try:
        clear = "A" in image.getbands() or "transparency" in image.info or image.mode == "PA"
        if not clear:
            return image.convert("RGB")
        over = image.convert("RGBA")
        paper = pil.new("RGBA", over.size, "white")
        return pil.alpha_composite(paper, over).convert("RGB")
    except Exception:  # a mode that has no colours, a broken profile
        raise ValueError(f"pictures of kind {image.mode!r} cannot be read; save as PNG") from None
