"""Colours: the palette of paper, and how two of them mix."""

from __future__ import annotations

from functools import lru_cache

RGB = tuple[int, int, int]

PAPER = {
    "red": "#d5433b",
    "orange": "#ef8a2c",
    "yellow": "#f6cf45",
    "green": "#4f9d57",
    "blue": "#3b77c6",
    "purple": "#8a55b8",
    "white": "#f7f2ea",
    "ink": "#2b2a33",
    "cream": "#fff4e0",
    "pink": "#f2a0a5",
    "gold": "#f2c230",
    "navy": "#2f3c63",
    "teal": "#2a9d8f",
    "tear": "#8fd0f5",
    "beak": "#f0a030",
    "tongue": "#b8404f",
    "wood": "#7a5540",
    "leaf": "#3f8148",
}

COATS = {
    **{c: PAPER[c] for c in ("red", "orange", "yellow", "green", "blue", "purple", "white")},
    "pink": "#f07fae",
}
"""The paper that each colour's name stands for; cheeks and ears have a paler pink."""


@lru_cache(maxsize=16384)
def rgb(colour: str) -> RGB:
    """'#rrggbb', or a name of `PAPER`, as three bytes."""
    code = PAPER.get(colour, colour).lstrip("#")
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


@lru_cache(maxsize=16384)
def blend(a: RGB, b: RGB, amount: float) -> RGB:
    """`a` with `amount` (0 to 1) of `b` stirred in."""
    (r, g, b_), (x, y, z) = a, b
    return round(r + (x - r) * amount), round(g + (y - g) * amount), round(b_ + (z - b_) * amount)


@lru_cache(maxsize=16384)
def mix(a: str, b: str, amount: float) -> str:
    """`a` with `amount` (0 to 1) of `b` stirred in, as '#rrggbb'."""
    r, g, b_ = blend(rgb(a), rgb(b), amount)
    return f"#{r:02x}{g:02x}{b_:02x}"
