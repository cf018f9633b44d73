"""How light changes the colours of paper, and the shades that a character is cut from."""

from __future__ import annotations

from functools import lru_cache

from mmcourse.storyworld.world.colours import RGB, blend, mix, rgb

LIGHT: dict[str, tuple[str, float]] = {
    "day": ("#ffffff", 0.0),
    "sunset": ("#f08a4b", 0.11),
    "night": ("#2a3580", 0.17),
}
"""What each time of day mixes into every colour, and how much of it."""


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
