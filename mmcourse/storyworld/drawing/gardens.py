"""The garden and the pond: see `places`."""

from __future__ import annotations

from mmcourse.storyworld.drawing.shapes import ellipse, path, polygon, stroke
from mmcourse.storyworld.drawing.sheet import SKY, Sheet
from mmcourse.storyworld.world.colours import mix


def garden(b: Sheet) -> None:
    """A white fence, fruit trees behind it, flower beds before it."""
    rng = b.rng
    b.at(0.80)
    b.hill(b.haze("#86b878", 0.30), 0.68, 0.05, rng.random(), 0.8)
    b.at(0.68)
    for i in range(3):
        x, foot = (i + rng.uniform(0.25, 0.75)) / 3, 0.74
        b.cut(stroke(path((x, foot), (x, foot - 0.16)), 0.032), "#6b4a38")
        crown = b.ground("#5f9a54")
        r = rng.uniform(0.095, 0.12)
        for dx, dy, k in ((-0.06, -0.17, 0.8), (0.06, -0.17, 0.8), (0.0, -0.23, 1.0)):
            b.cut(ellipse(x + dx, foot + dy + 0.01, k * r, 0.9 * k * r), mix(crown, "#241a3a", 0.2))
            b.cut(ellipse(x + dx, foot + dy, k * r, 0.9 * k * r), crown)
        for _ in range(5):
            apple = (x + rng.uniform(-0.10, 0.10), foot - rng.uniform(0.13, 0.28))
            b.cut(ellipse(*apple, 0.013, 0.013, n=10), "#d9534a")
    b.at(0.60)
    b.hill(b.ground("#6fa552"), 0.735, 0.015, rng.random(), 0.7)
    b.at(0.52)
    wood = "#f6efe2"
    b.cut(polygon((0, 0.655), (1, 0.655), (1, 0.678), (0, 0.678)), mix(wood, "#241a3a", 0.12))
    b.cut(polygon((0, 0.735), (1, 0.735), (1, 0.758), (0, 0.758)), mix(wood, "#241a3a", 0.12))
    shift = rng.uniform(0.0, 0.06)
    for i in range(-1, 16):
        x = shift + i / 15
        pale = ((x, 0.80), (x, 0.635), (x + 0.02, 0.605), (x + 0.04, 0.635), (x + 0.04, 0.80))
        b.cut(polygon(*pale) + (0.005, 0.004), mix(wood, "#241a3a", 0.3))
        b.cut(polygon(*pale), wood)
    b.at(0.42, 0.22)
    b.hill(b.ground("#86b95a"), 0.80, 0.012, rng.random(), 0.8)
    for i in range(18):
        x, y = (i + rng.random()) / 18, rng.uniform(0.80, 0.835)
        petal = rng.choice(("#e5738a", "#f4c542", "#fff4e0", "#a56bc4"))
        b.cut(stroke(path((x, y), (x, y - 0.03)), 0.008), "#3f8148")
        for dx, dy in ((-0.010, 0), (0.010, 0), (0, -0.011), (0, 0.009)):
            b.cut(ellipse(x + dx, y - 0.035 + dy, 0.010, 0.010, n=10), petal)
        b.cut(ellipse(x, y - 0.035, 0.007, 0.007, n=8), "#f9d75c")


def pond(b: Sheet) -> None:
    """Still water with lily pads, reeds on both sides."""
    rng = b.rng
    b.at(0.80)
    b.hill(b.haze("#6f9f7c", 0.35), 0.62, 0.09, rng.random(), 0.9)
    b.at(0.68)
    b.hill(b.ground("#5f9160"), 0.66, 0.03, rng.random(), 1.1)
    water = "#4f9fb4" if b.weather != "snow" else "#9fc7d6"
    b.at(0.60)
    b.cut(ellipse(0.5, 0.745, 0.62, 0.095, n=60), mix(b.ground("#4f7f4a"), "#241a3a", 0.15))
    b.cut(ellipse(0.5, 0.745, 0.60, 0.085, n=60), mix(water, SKY[b.time][1], 0.25))
    b.cut(ellipse(0.5, 0.762, 0.55, 0.062, n=60), water)
    for _ in range(5):
        x, y = rng.uniform(0.12, 0.88), rng.uniform(0.715, 0.775)
        b.cut(stroke(path((x - 0.04, y), (x, y - 0.004), (x + 0.04, y)), 0.007), "#dff1f2")
    for _ in range(6):
        x, y = rng.uniform(0.1, 0.9), rng.uniform(0.72, 0.79)
        b.cut(ellipse(x, y + 0.004, 0.040, 0.014, n=16), "#35684a")
        b.cut(ellipse(x, y, 0.040, 0.014, n=16), "#6aa65c")
        if rng.random() < 0.6:
            for dx in (-0.012, 0.0, 0.012):
                b.cut(ellipse(x + dx, y - 0.010 - 0.4 * (0.012 - abs(dx)), 0.009, 0.014, n=10),
                      "#f4b8c8")  # fmt: skip
    b.at(0.42, 0.22)
    b.hill(b.ground("#7fae58"), 0.825, 0.015, rng.random(), 0.8)
    for side in (0.0, 1.0):
        for _ in range(7):
            x = abs(side - rng.uniform(0.0, 0.15))
            foot, height = rng.uniform(0.80, 0.85), rng.uniform(0.17, 0.30)
            tip = (x + rng.uniform(-0.02, 0.02), foot - height)
            b.cut(stroke(path((x, foot), (x, foot - 0.5 * height), tip), 0.012, 0.5), "#4f7d3c")
            if rng.random() < 0.6:
                b.cut(ellipse(tip[0], tip[1] + 0.015, 0.014, 0.040, n=14), "#7a4a32")
