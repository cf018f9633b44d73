"""Colours: the palette of paper, and how light changes it."""

from __future__ import annotations

from functools import cache

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

LIGHT: dict[str, tuple[str, float]] = {
    "day": ("#ffffff", 0.0),
    "sunset": ("#f08a4b", 0.11),
    "night": ("#2a3580", 0.17),
}
"""What each time of day mixes into every colour, and how much of it."""


@cache
def rgb(colour: str) -> RGB:
    """'#rrggbb', or a name of `PAPER`, as three bytes."""
    code = PAPER.get(colour, colour).lstrip("#")
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


@cache
def mix(a: str, b: str, amount: float) -> str:
    """`a` with `amount` (0 to 1) of `b` stirred in, as '#rrggbb'."""
    channels = (round(x + (y - x) * amount) for x, y in zip(rgb(a), rgb(b), strict=True))
    return "#" + "".join(f"{c:02x}" for c in channels)


@cache
def lit(colour: str, time: str, glow: float = 0.0) -> RGB:
    """A colour in the light of a time of day; `glow` (0 to 1) keeps it from darkening."""
    light, amount = LIGHT[time]
    return rgb(mix(colour, light, amount * (1 - glow)))


@cache
def shades(colour: str) -> dict[str, str]:
    """The cuts of paper that one character needs."""
    dark = mix(colour, "#5a4a66" if colour == "white" else "#241a3a", 0.30)
    return {
        "base": mix(colour, colour, 0.0),
        "dark": dark,
        "light": mix(colour, "#fff4e0", 0.72 if colour != "white" else 1.0),
        "edge": mix(dark, "#241a3a", 0.30),
    }
