"""Letters that the book's faces lack, lent by fonts that are there already."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def lent_face() -> str:
    """DejaVu Serif, which matplotlib carries: Greek, Cyrillic and many signs."""
    spec = find_spec("matplotlib")
    if spec is None or not spec.origin:
        return ""
    file = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSerif.ttf"
    return str(file) if file.is_file() else ""


@cache
def system_face(code: int) -> str:
    """A font of the system's that has a letter, or ""."""
    if not shutil.which("fc-match"):
        return ""
    command = ["fc-match", "-f", "%{file}", f":charset={code:x}:outline=true:color=false"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    file = asked.stdout.strip()
    usable = Path(file).suffix.lower() in (".ttf", ".otf") and code in covered(file)
    return file if usable else ""


@cache
def covered(file: str) -> frozenset[int]:
    """The code points of a font; none if it has no outlines that can be embedded."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        font = TTFont(file, lazy=True)
        return frozenset(font.getBestCmap()) if {"glyf", "CFF "} & set(font.keys()) else frozenset()
    except (OSError, TTLibError, TypeError):
        return frozenset()
