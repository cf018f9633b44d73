"""The sheet that places are cut for: sky, sun, clouds, and a pen that knows the light.

Coordinates run from (0, 0) at the top left to (1, 1) at the bottom right.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mmcourse.storyworld.drawing.shapes import Points, ellipse
from mmcourse.storyworld.world.colours import mix, rgb

SKY = {
    "day": ("#8fcdf0", "#d9effa", "#fdf3dc"),
    "sunset": ("#6f5b9b", "#ee8a6f", "#fbd08c"),
    "night": ("#141a44", "#28336f", "#4d5596"),
}
OVERCAST = {"day": "#b4c0cc", "sunset": "#a98795", "night": "#20284f"}


@dataclass(frozen=True)
class Cut:
    """One piece of the backdrop: a polygon in [0, 1], its colour, how much it shines by itself, and
    how far away it is: `far` at y = 0.75 and above, `near` at the lower edge of the picture."""

    points: Points
    colour: str
    glow: float
    far: float
    near: float


SUN = 0.99
"""The sun's distance: nothing else is as far away but the sky."""


class Sheet:
    """The list of cuts that make a place, and a pen that thinks in [0, 1] and knows the light."""

    def __init__(self, time: str, weather: str, rng: random.Random) -> None:
        self.time, self.weather, self.rng = time, weather, rng
        self.cuts: list[Cut] = []
        self.lamps: list[tuple[float, float, float, float]] = []
        """x, y, radius and distance of the light about each lit window."""
        self.sun: float | None = None
        """Where the sun stands, if it shines."""
        self.distance = (1.0, 1.0)

    def at(self, far: float, near: float | None = None) -> None:
        """What is cut from now on is this far away, 0 (here) to 1 (the sky); ground comes nearer
        towards the lower edge."""
        self.distance = (far, far if near is None else near)

    def cut(self, shape: Points, colour: str, glow: float = 0.0) -> None:
        """One piece of paper; `glow` (0 to 1) keeps it from darkening at night."""
        self.cuts.append(Cut(shape, colour, glow, *self.distance))

    def ground(self, colour: str) -> str:
        return mix(colour, "#f4f7fb", 0.82) if self.weather == "snow" else colour

    def haze(self, colour: str, amount: float) -> str:
        """Far things take the colour of the sky above the horizon."""
        return mix(self.ground(colour), SKY[self.time][1], amount)

    def hill(self, colour: str, base: float, height: float, phase: float, waves: float) -> None:
        x = np.linspace(0, 1, 40)
        y = base - height * (0.5 + 0.5 * np.sin(2 * np.pi * (waves * x + phase)))
        edge = np.stack([x, y], axis=1)
        shape = np.concatenate([edge, [[1.0, 1.0], [0.0, 1.0]]])
        self.cut(shape + (0.0, -0.008), mix(colour, "#fff4e0", 0.35))
        self.cut(shape, colour)


def sky(time: str, weather: str, pixels: int) -> Image.Image:
    """The empty sky, a square with a gradient from top to bottom."""
    top, middle, low = SKY[time]
    if weather != "clear":
        top, middle, low = (mix(c, OVERCAST[time], 0.75) for c in (top, middle, low))
    stops = np.array([rgb(top), rgb(middle), rgb(low)], dtype=np.float64)
    y = np.linspace(0, 1, pixels)
    rows = np.stack([np.interp(y, (0.0, 0.45, 0.75), stops[:, c]) for c in range(3)], axis=1)
    square = np.broadcast_to(rows[:, None], (pixels, pixels, 3))
    return Image.fromarray(square.round().astype(np.uint8), "RGB")


def lights(b: Sheet) -> None:
    """Sun, moon, stars and clouds."""
    rng = b.rng
    if b.weather == "clear":
        x = rng.uniform(0.12, 0.26) if rng.random() < 0.5 else rng.uniform(0.74, 0.88)
        if b.time == "night":
            for _ in range(26):
                r = rng.choice((0.004, 0.006, 0.008))
                b.cut(ellipse(rng.random(), rng.uniform(0.02, 0.5), r, r, n=8), "#fdf3c9", glow=1)
            b.cut(ellipse(x, 0.16, 0.075, 0.075), "#fdf0bd", glow=1)
            b.cut(
                ellipse(x + 0.032, 0.148, 0.064, 0.064),
                mix(SKY["night"][0], SKY["night"][1], 0.3),
                glow=1,
            )
        else:
            b.at(SUN)
            b.sun = x
            sun = "#ffd95e" if b.time == "day" else "#ffcf66"
            y = 0.17 if b.time == "day" else 0.50
            halo = mix(sun, SKY[b.time][1], 0.62)
            b.cut(ellipse(x, y, 0.125, 0.125), halo, glow=1)
            b.cut(ellipse(x, y, 0.085, 0.085), sun, glow=1)
    b.at(0.98)
    clouds, tone = (
        (2, "#ffffff") if b.weather == "clear" else (4, mix(OVERCAST[b.time], "#ffffff", 0.35))
    )
    if b.time == "night" and b.weather == "clear":
        return
    tone = mix(tone, SKY[b.time][1], 0.35 if b.weather == "clear" else 0.1)
    for i in range(clouds):
        x = (i + rng.uniform(0.2, 0.8)) / clouds
        y, s = rng.uniform(0.08, 0.28), rng.uniform(0.75, 1.15)
        for dx, dy, rx, ry in (
            (-0.075, 0.012, 0.06, 0.028),
            (0.075, 0.012, 0.065, 0.028),
            (0, 0, 0.085, 0.05),
        ):
            b.cut(ellipse(x + s * dx, y + s * dy, s * rx, s * ry), tone, glow=0.6)
