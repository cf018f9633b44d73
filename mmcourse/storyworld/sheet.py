"""The sheet that places are drawn on: sky, sun, clouds, and a pen that knows the light.

Coordinates run from (0, 0) at the top left to (1, 1) at the bottom right.
"""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageDraw

from mmcourse.storyworld.paint import lit, mix, rgb
from mmcourse.storyworld.shapes import Points, ellipse

SKY = {
    "day": ("#8fcdf0", "#d9effa", "#fdf3dc"),
    "sunset": ("#6f5b9b", "#ee8a6f", "#fbd08c"),
    "night": ("#141a44", "#28336f", "#4d5596"),
}
OVERCAST = {"day": "#b4c0cc", "sunset": "#a98795", "night": "#20284f"}


class Sheet:
    """A square sheet and a pen that thinks in [0, 1] and knows the light."""

    def __init__(self, pixels: int, time: str, weather: str, rng: random.Random) -> None:
        self.pixels, self.time, self.weather, self.rng = pixels, time, weather, rng
        self.image = self._sky()
        self.pen = ImageDraw.Draw(self.image)

    def _sky(self) -> Image.Image:
        top, middle, low = SKY[self.time]
        if self.weather != "clear":
            top, middle, low = (mix(c, OVERCAST[self.time], 0.75) for c in (top, middle, low))
        stops = np.array([rgb(top), rgb(middle), rgb(low)], dtype=np.float64)
        y = np.linspace(0, 1, self.pixels)
        rows = np.stack([np.interp(y, (0.0, 0.45, 0.75), stops[:, c]) for c in range(3)], axis=1)
        pixels = np.broadcast_to(rows[:, None], (self.pixels, self.pixels, 3))
        return Image.fromarray(pixels.round().astype(np.uint8), "RGB")

    def cut(self, shape: Points, colour: str, glow: float = 0.0) -> None:
        """One piece of paper, in the light of the hour, whitened where snow lies."""
        points = (shape * self.pixels).ravel().tolist()
        self.pen.polygon(points, fill=lit(colour, self.time, glow))

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
            sun = "#ffd95e" if b.time == "day" else "#ffcf66"
            y = 0.17 if b.time == "day" else 0.50
            halo = mix(sun, SKY[b.time][1], 0.62)
            b.cut(ellipse(x, y, 0.125, 0.125), halo, glow=1)
            b.cut(ellipse(x, y, 0.085, 0.085), sun, glow=1)
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
