"""Pictures in and out: from files, PIL and arrays to the course's tensors, and back.

A picture in the course is a float32 tensor (3, H, W) with values in [-1, 1].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from mmcourse.paths import user_path

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""The file formats that are read. Pillow knows more, of which some start other programs."""

MAX_PIXELS = 64_000_000
"""The largest picture that is decoded: 192 MB as RGB. A small file can claim to be far larger."""

_LIMIT = f"expected at most {MAX_PIXELS // 1_000_000} million pixels: make it smaller"

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_CONVERTIBLE = ("1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX")
_TRANSPARENT = ("LA", "PA", "RGBA", "RGBa")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each of EXIF's orientations but 1, which is upright."""


def load_picture(
    source: str | Path | Image.Image | np.ndarray, size: int | None = None
) -> Image.Image:
    """Read a picture as RGB, whatever it was.

    A photograph is turned upright by its EXIF orientation; transparent parts are laid over white;
    greyscale, palette, CMYK and 16-bit pictures become 8-bit RGB; of an animation comes the first
    frame. With `size`, the largest centred square is cut out and resized to (size, size).

    Args:
        source: a file, a PIL picture, or a uint8 array (H, W), (H, W, 3) or (H, W, 4).
        size: the side of the square in pixels; None keeps the picture as large as it is.

    Raises:
        ValueError: in one line, if it is no picture, damaged, empty, too large, or of a pixel
            type that has no colours.
    """
    if size is not None and size < 1:
        raise ValueError(f"size is {size}, expected at least 1 pixel")
    if isinstance(source, np.ndarray):
        return _to_rgb(_from_array(source), "the array", size)
    if isinstance(source, Image.Image):
        return _to_rgb(source, "the picture", size)
    if not isinstance(source, (str, Path)):
        raise ValueError(
            f"got a {type(source).__name__}, expected a file name, a PIL picture or a uint8 array"
        )
    source = user_path(source)
    if not source.is_file():
        raise ValueError(f"there is no picture file {source}")
    try:
        image = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError(f"{source} is too large: {_LIMIT}") from None
    except Exception:  # parsers of damaged headers raise nearly anything
        raise ValueError(
            f"{source} is not a picture that can be read: expected one of {', '.join(FORMATS)}"
        ) from None
    with image:
        return _to_rgb(image, str(source), size)


def to_tensor(source: str | Path | Image.Image | np.ndarray, size: int | None = None) -> Tensor:
    """A picture as a float32 tensor (3, H, W) in [-1, 1]; takes and raises as `load_picture`."""
    pixels = torch.from_numpy(np.array(load_picture(source, size)))  # (H, W, 3) uint8
    return from_bytes(pixels.permute(2, 0, 1))  # (3, H, W)


def to_image(picture: Tensor) -> Image.Image:
    """A tensor (3, H, W) or (1, H, W) as a PIL picture; values beyond [-1, 1] are clipped.

    Raises:
        ValueError: if the shape is another, or a value is NaN.
    """
    if picture.ndim != 3 or picture.shape[0] not in (1, 3) or 0 in picture.shape:
        raise ValueError(
            f"got a tensor of shape {tuple(picture.shape)}, expected (3, H, W): "
            "take one picture of the batch"
        )
    if picture.isnan().any():
        raise ValueError("the picture holds NaN: look at the model that made it")
    pixels = to_bytes(picture.expand(3, -1, -1))
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())  # (H, W, 3)


def from_bytes(pixels: Tensor) -> Tensor:
    """uint8 in 0 to 255 to float32 in [-1, 1], any shape."""
    return pixels.to(torch.float32) / 127.5 - 1


def to_bytes(picture: Tensor) -> Tensor:
    """[-1, 1] to uint8 in 0 to 255, rounded and clipped, any shape."""
    return ((picture.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def _from_array(array: np.ndarray) -> Image.Image:
    layout = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not layout:
        raise ValueError(
            f"got an array of {array.dtype} and shape {array.shape}, expected uint8 "
            "and (H, W), (H, W, 3) or (H, W, 4)"
        )
    if 0 in array.shape:
        raise ValueError(f"the array of shape {array.shape} has no pixels")
    return Image.fromarray(array)


def _to_rgb(image: Image.Image, name: str, size: int | None) -> Image.Image:
    """Check, decode, turn upright, convert, and crop to a square."""
    width, height = image.size
    if width * height == 0:
        raise ValueError(f"{name} has no pixels: it is {width} x {height}")
    if width * height > MAX_PIXELS:
        raise ValueError(f"{name} is too large: {width} x {height}, {_LIMIT}")
    if image.mode not in _SIXTEEN_BIT + _CONVERTIBLE + _TRANSPARENT:
        raise ValueError(f"{name} has pixels of type {image.mode!r}: convert it to RGB first")
    try:
        image.load()
    except Exception as error:  # decoders raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name} is damaged ({reason}): replace it") from None
    image = _upright(image)
    if image.mode in _SIXTEEN_BIT:  # Pillow's own conversion clips at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if size is not None:
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    return image


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its camera was; as it is stored if its metadata do not tell.

    Pillow's own `exif_transpose` also writes the metadata anew, and fails where they are damaged.
    """
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # parsers of damaged metadata raise nearly anything
        return image
    return image if turn is None else image.transpose(turn)
