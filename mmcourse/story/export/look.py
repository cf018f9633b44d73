"""One look for every copy of a story: the book's paper, ink and type.

The colours are those of the book's pages (a test holds them against its style sheet). The faces lie
beside this file, and a copy carries only the letters that it uses.
"""

from __future__ import annotations

import io
import logging
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

DAY = {
    "ink": "#2b2a33",
    "paper": "#fffdf8",
    "page": "#f8f2e4",
    "side": "#f0e7d3",
    "edge": "#ddd0b4",
    "quiet": "#5c5663",
    "link": "#26598f",
    "link-warm": "#a1420d",
    "wash": "#efe5cf",
}
"""Warm paper by day."""
NIGHT = {
    "ink": "#e9e4d8",
    "paper": "#1f1e26",
    "page": "#17161c",
    "side": "#1c1b22",
    "edge": "#393744",
    "quiet": "#b3acba",
    "link": "#93bff0",
    "link-warm": "#f2ac6b",
    "wash": "#2a2833",
}
"""A lamp-lit desk by night."""
CUT_PAPERS = ("#d9822b", "#c8506e", "#2a9d8f", "#3b6ea8")
"""The strip of cut papers under a title: orange, rose, teal, blue."""
MARKED, MARKED_INK = "#f4c98c", "#2b2a33"
"""Ground and ink of the word that is being spoken, by day and by night."""

TEXT, TITLE = "Literata", "Fraunces"
"""The faces for reading and for titles."""


def face_file(name: str) -> str:
    """Where a face lies as a TrueType file: `TEXT` or `TITLE`."""
    return str(files(__package__).joinpath("fonts", f"{name}.ttf"))


def face(name: str) -> bytes:
    """A face as the bytes of a TrueType file."""
    return Path(face_file(name)).read_bytes()


@cache
def letters(name: str) -> frozenset[int]:
    """The code points that a face has."""
    _need_font_tools()
    from fontTools.ttLib import TTFont

    return frozenset(TTFont(io.BytesIO(face(name)), lazy=True).getBestCmap())


def _need_font_tools() -> None:
    if find_spec("fontTools") is None:
        raise ValueError("the book's faces need fonttools, which is missing; "
                         "pip install 'mmcourse[app]'")  # fmt: skip


def subset(name: str, text: str) -> bytes:
    """A face with only the letters of `text`, as a WOFF file: the same bytes for the same text.

    Letters that the face lacks are left to the reader's own fonts.
    """
    _need_font_tools()
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    font = TTFont(io.BytesIO(face(name)), recalcTimestamp=False)
    options = Options()
    options.layout_features = ["kern", "liga", "mark", "mkmk", "ccmp", "locl", "lnum"]
    options.hinting = False
    picker = Subsetter(options)
    picker.populate(unicodes={ord(c) for c in text} | {0x20})
    picker.subset(font)
    font.flavor = "woff"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


@cache
def pen(name: str, size: int) -> FreeTypeFont:
    """A face for Pillow, `size` pixels high."""
    from PIL import ImageFont

    return ImageFont.truetype(io.BytesIO(face(name)), size)


def variables(colours: dict[str, str]) -> str:
    """The colours as custom properties of CSS."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
