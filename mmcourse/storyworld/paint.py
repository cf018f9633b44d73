"""Colours: the palette of paper, and how light changes it."""

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

LIGHT: dict[str, tuple[str, float]] = {
    "day": ("#ffffff", 0.0),
    "sunset": ("#f08a4b", 0.11),
    "night": ("#2a3580", 0.17),
}
"""What each time of day mixes into every colour, and how much of it."""


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


@lru_cache(maxsize=16384)
def lit(colour: str, time: str, glow: float = 0.0) -> RGB:
    """A colour in the light of a time of day; `glow` (0 to 1) keeps it from darkening."""
    light, amount = LIGHT[time]
    return blend(rgb(colour), rgb(light), amount * (1 - glow))


@lru_cache(maxsize=4096)
def shades(colour: str) -> dict[str, str]:
    """The cuts of paper that one character needs."""
    pale = min(rgb(colour)) > 180
    dark = mix(colour, "#241a3a", 0.30)
    own = {
        "base": mix(colour, colour, 0.0),
        "dark": dark,
        "light": mix(colour, "#fff4e0", 0.72),
        "edge": mix(dark, "#241a3a", 0.30),
        "rim": mix(colour, "#241a3a", 0.68),
        "mark": mix(colour, "#5b4636" if pale else "#1f1730", 0.50 if pale else 0.46),
        "band": mix(colour, "#8a6a4c", 0.42) if pale else mix(colour, "#fff4e0", 0.62),
        "sock-light": mix(colour, "#e9b98a", 0.5) if pale else mix(colour, "#fff4e0", 0.80),
        "sock-dark": mix(colour, "#241a3a", 0.72),
    }
    if rgb(colour)[0] > 215 and 90 < rgb(colour)[1] < 180 and rgb(colour)[2] > 130:
        own["pink"] = mix(colour, "#9c2f60", 0.45)  # rosy cheeks must show on a pink coat
    return own
