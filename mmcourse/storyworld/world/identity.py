"""Who somebody is, beyond what words can say: two orange foxes are two different foxes.

An identity is eight numbers in [-1, 1], or nothing at all for the plain look of a species.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import cache

from mmcourse.storyworld.world.colours import COATS, mix, rgb

TRAITS = ("hue", "lightness", "spots", "stripes", "patch", "socks", "ears", "eyes")
"""What each number moves.

hue, lightness: the exact coat, within the colour's name.
spots, stripes: none up to 0, then ever larger ones.
patch: about one eye, the left one below -0.25, the right one above 0.25.
socks: dark ones below -0.25, light ones above 0.25.
ears: the size of ears and tail. eyes: their size and distance.
"""

HUE = {
    "red": 0.020,
    "orange": 0.008,
    "yellow": 0.012,
    "green": 0.050,
    "blue": 0.030,
    "purple": 0.030,
    "white": 0.0,
    "pink": 0.022,
}
"""How far the hue may turn each way, in turns, before another name would suit it better."""
LIGHTNESS = 0.055
WORN = 0.25
"""A patch and socks are there beyond this, on either side of 0."""


def check(identity: Sequence[float]) -> None:
    """Refuse what is no identity.

    Raises:
        ValueError: another length than 0 or 8, or a number outside [-1, 1].
    """
    if not isinstance(identity, tuple) or len(identity) not in (0, len(TRAITS)):
        raise ValueError(
            f"identity {identity!r} must be a tuple of {len(TRAITS)} numbers in [-1, 1], or empty"
        )
    for number in identity:
        if not isinstance(number, int | float) or not -1 <= number <= 1:
            raise ValueError(f"identity {identity} holds {number!r}; give numbers in [-1, 1]")


def visible(identity: Sequence[float]) -> tuple[float, ...]:
    """What a picture shows of an identity: eight numbers in [-1, 1], alike if it looks alike.

    All spots and stripes that are not there are one and the same; a patch is on the left, nowhere
    or on the right; socks are dark, none or light.
    """
    hue, lightness, spots, stripes, patch, socks, ears, eyes = identity or (0.0,) * len(TRAITS)
    marks = 2 * max(spots, 0.0) - 1, 2 * max(stripes, 0.0) - 1
    sides = (0.0 if abs(x) <= WORN else 1.0 if x > 0 else -1.0 for x in (patch, socks))
    return (hue, lightness, *marks, *sides, ears, eyes)


@cache
def coat(colour: str, identity: tuple[float, ...] = ()) -> str:
    """The '#rrggbb' of a coat: the colour's own paper, turned by an identity within its name."""
    paper = COATS[colour]
    if not identity:
        return paper
    hue, lightness = identity[:2]
    if colour == "white":  # a warm or a cool white, never grey
        tinted = mix(paper, "#f3e2c4" if hue > 0 else "#dfe8f2", 0.55 * abs(hue))
        return mix(tinted, "#d9d2cc", 0.25 * max(0.0, -lightness))
    r, g, b = rgb(paper)
    h, light, s = colorsys.rgb_to_hls(r / 255, g / 255, b / 255)
    r, g, b = (
        round(255 * channel)
        for channel in colorsys.hls_to_rgb(
            (h + HUE[colour] * hue) % 1.0, light + LIGHTNESS * lightness, s
        )
    )
    return f"#{r:02x}{g:02x}{b:02x}"
