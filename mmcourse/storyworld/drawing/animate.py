"""Short animations: the same scene, a moment later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from mmcourse.storyworld.drawing.render import check_size, render
from mmcourse.storyworld.drawing.stage import Moment
from mmcourse.storyworld.drawing.views import View
from mmcourse.storyworld.world.scene import Scene

KINDS = ("walk", "wave", "fall", "sunset")
SUN_DAY, SUN_LOW, SUN_GONE = 0.17, 0.50, 0.86
"""Heights of the sun: by day, at sunset, and below the hills."""


def frames(scene: Scene, kind: str, n: int = 8, size: int = 64) -> list[Image.Image]:
    """`n` pictures, one after the other. Characters and things are the same in all of them.

    Args:
        scene: what is animated.
        kind: "walk" (all stride, the land passes by), "wave" (whoever waves), "fall" (the things
            drop from the sky and bounce) or "sunset" (day turns into night).
        n: how many, 2 to 64.
        size: side of each in pixels.

    Raises:
        ValueError: an unknown kind, n or size out of range, or nobody and nothing to animate.
    """
    return [frame(scene, kind, i, n, size) for i in range(n)]


def frame(scene: Scene, kind: str, i: int, n: int = 8, size: int = 64) -> Image.Image:
    """Picture `i` of the `n` that `frames` draws.

    Raises:
        ValueError: as for `frames`.
    """
    if kind not in KINDS:
        raise ValueError(f"animation {kind!r} does not exist; choose one of {KINDS}")
    if not 2 <= n <= 64:
        raise ValueError(f"n must be 2 to 64 frames, got {n}")
    check_size(size)
    actions = {c.action for c in scene.characters}
    if kind == "wave" and "waving" not in actions:
        raise ValueError(f"nobody waves here, they are {sorted(actions)}; give one action='waving'")
    busy = scene.interaction is not None and scene.interaction.kind != "follow"
    if kind == "walk" and busy:
        raise ValueError("who walks must have both hands free; give the scene interaction=None")
    if kind == "walk" and actions != {"standing"}:
        raise ValueError(f"who walks must be standing first, they are {sorted(actions)}")
    if kind == "fall" and not scene.things:
        raise ValueError("there is nothing to fall; give the scene a thing")
    return {"walk": _walk, "wave": _wave, "fall": _fall, "sunset": _sunset}[kind](scene, i, n, size)


def _walk(scene: Scene, i: int, n: int, size: int) -> Image.Image:
    phase = (i + 0.5) / n * 2
    bob = 0.03 * abs(float(np.sin(2 * np.pi * phase)))
    pan = -0.5 + i / (n - 1)
    return render(scene, size, None, View(pan=pan, track=True), Moment(phase, True, bob))


def _wave(scene: Scene, i: int, n: int, size: int) -> Image.Image:
    return render(scene, size, moment=Moment(phase=(i + 0.5) / n * 2))


def _fall(scene: Scene, i: int, n: int, size: int) -> Image.Image:
    t = i / (n - 1) * 1.6
    high = 0.85 * (1 - t**2) if t < 1 else 0.14 * (1 - ((t - 1.3) / 0.3) ** 2)
    return render(scene, size, moment=Moment(drop=max(0.0, high)))


def _sunset(scene: Scene, i: int, n: int, size: int) -> Image.Image:
    t = 2 * i / (n - 1)
    if t <= 1:
        a, b, sun = "day", "sunset", SUN_DAY + (SUN_LOW - SUN_DAY) * t
    else:
        a, b, sun = "sunset", "night", SUN_LOW + (SUN_GONE - SUN_LOW) * (t - 1)
    height = {"day": SUN_DAY, "sunset": SUN_LOW, "night": SUN_GONE}
    pair = [
        render(replace(scene, time=time), size, None, View(sink=sun - height[time]))
        for time in (a, b)
    ]
    return Image.blend(pair[0], pair[1], t if t <= 1 else t - 1)
