"""The places of the world: far land, near land, and what stands on it."""

from __future__ import annotations

from mmcourse.storyworld.drawing.gardens import garden, pond
from mmcourse.storyworld.drawing.shapes import ellipse, path, polygon, stroke
from mmcourse.storyworld.drawing.sheet import SKY, Sheet
from mmcourse.storyworld.world.colours import mix


def _tree(b: Sheet, x: float, foot: float, height: float, colour: str) -> None:
    w = height * 0.30
    b.cut(
        polygon(
            (x - 0.12 * w, foot),
            (x + 0.12 * w, foot),
            (x + 0.08 * w, foot - height * 0.5),
            (x - 0.08 * w, foot - height * 0.5),
        ),
        "#5d4136",
    )
    for level, share in ((0.18, 1.0), (0.42, 0.78), (0.66, 0.54)):
        y = foot - height * level
        tier = polygon((x - w * share, y), (x, y - height * 0.40), (x + w * share, y))
        b.cut(tier + (0.0, 0.008), mix(colour, "#241a3a", 0.25))
        b.cut(tier, b.ground(colour) if b.weather != "snow" else mix(colour, "#f4f7fb", 0.28))
        if b.weather == "snow":
            b.cut(
                polygon(
                    (x - w * share * 0.5, y - height * 0.2),
                    (x, y - height * 0.40),
                    (x + w * share * 0.5, y - height * 0.2),
                ),
                "#f4f7fb",
            )


def _meadow(b: Sheet) -> None:
    rng = b.rng
    b.at(0.80)
    b.hill(b.haze("#8fc078", 0.35), 0.66, 0.12, rng.random(), 0.9)
    b.at(0.60)
    b.hill(b.ground("#7fb45c"), 0.74, 0.09, rng.random(), 0.7)
    b.at(0.42, 0.22)
    b.hill(b.ground("#97c65f"), 0.84, 0.05, rng.random(), 0.5)
    for _ in range(16):
        x, y = rng.random(), rng.uniform(0.84, 0.99)
        petal = rng.choice(("#fff4e0", "#f9d75c", "#f3a6b0"))
        b.cut(ellipse(x, y, 0.008, 0.008, n=8), petal)


def _forest(b: Sheet) -> None:
    rng = b.rng
    b.at(0.80)
    b.hill(b.haze("#4d7d63", 0.35), 0.62, 0.06, rng.random(), 1.2)
    b.at(0.70)
    for i in range(8):
        _tree(
            b,
            (i + rng.uniform(0.1, 0.9)) / 8,
            0.70,
            rng.uniform(0.34, 0.46),
            mix("#3f7a5e", SKY[b.time][1], 0.25),
        )
    b.at(0.60)
    b.hill(b.ground("#4f7f4a"), 0.74, 0.03, rng.random(), 0.8)
    b.at(0.48)
    for x in (rng.uniform(0.0, 0.1), rng.uniform(0.9, 1.0)):
        _tree(b, x, 0.80, rng.uniform(0.62, 0.72), "#2f6a4c")
    b.at(0.42, 0.22)
    b.hill(b.ground("#6b8f4e"), 0.83, 0.03, rng.random(), 0.5)


def _beach(b: Sheet) -> None:
    rng = b.rng
    sea = "#3f9fc0"
    b.at(0.85)
    b.cut(polygon((0, 0.55), (1, 0.55), (1, 0.8), (0, 0.8)), mix(sea, SKY[b.time][1], 0.30))
    b.cut(polygon((0, 0.61), (1, 0.61), (1, 0.8), (0, 0.8)), sea)
    b.at(0.75)
    x, hull = rng.uniform(0.2, 0.8), 0.575
    b.cut(
        polygon(
            (x - 0.07, hull), (x + 0.07, hull), (x + 0.045, hull + 0.03), (x - 0.045, hull + 0.03)
        ),
        "#a2503f",
    )
    b.cut(polygon((x, hull - 0.008), (x, hull - 0.13), (x + 0.065, hull - 0.008)), "#fff4e0")
    b.at(0.62)
    for y in (0.645, 0.69):
        for _ in range(4):
            w = rng.random()
            b.cut(stroke(path((w, y), (w + 0.03, y - 0.012), (w + 0.06, y)), 0.009), "#dff1f2")
    b.at(0.45, 0.22)
    b.hill("#fff8ea" if b.weather != "snow" else "#e9f2f8", 0.785, 0.02, rng.random(), 1.3)
    b.hill(b.ground("#f2d59a"), 0.80, 0.02, rng.random(), 1.2)
    for _ in range(10):
        b.cut(ellipse(rng.random(), rng.uniform(0.85, 0.99), 0.008, 0.005, n=8), "#d9b676")


def _mountains(b: Sheet) -> None:
    rng = b.rng
    shift = rng.uniform(-0.06, 0.06)
    for x, top, w, far in (
        (0.16, 0.36, 0.30, 0.30),
        (0.86, 0.34, 0.32, 0.30),
        (0.50, 0.22, 0.36, 0.08),
    ):
        b.at(0.90 if far > 0.1 else 0.82)
        x = x + shift
        colour = mix("#7b7fa6", SKY[b.time][1], far)
        b.cut(polygon((x - w, 0.76), (x, top), (x + w, 0.76)), colour)
        b.cut(
            polygon((x, top), (x + w, 0.76), (x + 0.15 * w, 0.76), (x + 0.08 * w, top + 0.26)),
            mix(colour, "#241a3a", 0.16),
        )
        s = 0.30
        h = 0.76 - top
        cap = polygon(
            *(
                (x, top),
                (x + s * w, top + s * h),
                (x + 0.14 * w, top + 0.8 * s * h),
                (x, top + 1.12 * s * h),
            ),
            *((x - 0.15 * w, top + 0.8 * s * h), (x - s * w, top + s * h)),
        )
        b.cut(cap, "#fbfbf6")
    b.at(0.62)
    b.hill(b.haze("#6d9270", 0.2), 0.76, 0.06, rng.random(), 1.1)
    b.at(0.42, 0.22)
    b.hill(b.ground("#87a869"), 0.83, 0.04, rng.random(), 0.6)


def _village(b: Sheet) -> None:
    rng = b.rng
    b.at(0.80)
    b.hill(b.haze("#8fb27a", 0.35), 0.66, 0.08, rng.random(), 0.8)
    walls = ["#f4e3c3", "#e9c9a8", "#f0d9c9", "#dfe2d2"]
    roofs = ["#b4553f", "#9a4a4a", "#6f5a7f", "#c07040"]
    b.at(0.55)
    for i in range(4):
        x, w, h = (i + 0.5) / 4 + rng.uniform(-0.03, 0.03), 0.105, rng.uniform(0.17, 0.25)
        foot = 0.78
        wall, roof = walls[(i + rng.randrange(4)) % 4], roofs[(i + rng.randrange(4)) % 4]
        b.cut(
            polygon(
                (x + 0.04, foot - h - 0.14),
                (x + 0.075, foot - h - 0.14),
                (x + 0.075, foot - h),
                (x + 0.04, foot - h),
            ),
            mix(roof, "#241a3a", 0.3),
        )
        b.cut(polygon((x - w, foot), (x - w, foot - h), (x + w, foot - h), (x + w, foot)), wall)
        b.cut(
            polygon((x - w - 0.03, foot - h), (x, foot - h - 0.13), (x + w + 0.03, foot - h)),
            b.ground(roof) if b.weather == "snow" else roof,
        )
        pane = "#ffdf80" if b.time == "night" else "#7f9fb8" if b.time == "day" else "#ffd08a"
        for wx in (-0.055, 0.055):
            if b.time == "night":
                b.lamps.append((x + wx, foot - h + 0.0675, 0.11, b.distance[0]))
            b.cut(
                polygon(
                    (x + wx - 0.025, foot - h + 0.04),
                    (x + wx + 0.025, foot - h + 0.04),
                    (x + wx + 0.025, foot - h + 0.095),
                    (x + wx - 0.025, foot - h + 0.095),
                ),
                pane,
                glow=1.0 if b.time == "night" else 0.0,
            )
        b.cut(
            polygon(
                (x - 0.025, foot),
                (x - 0.025, foot - 0.085),
                (x + 0.025, foot - 0.085),
                (x + 0.025, foot),
            ),
            "#7a5540",
        )
    b.at(0.42, 0.22)
    b.hill(b.ground("#b9a37f"), 0.80, 0.015, rng.random(), 1.0)
    for _ in range(14):
        b.cut(
            ellipse(rng.random(), rng.uniform(0.84, 0.99), 0.022, 0.008, n=10), b.ground("#a58f6c")
        )


PLACES = {
    "meadow": _meadow,
    "forest": _forest,
    "beach": _beach,
    "mountains": _mountains,
    "village": _village,
    "garden": garden,
    "pond": pond,
}
