"""Look at one scene from elsewhere: the stage is a paper theatre, and its layers slide.

A view moves every layer by what its depth asks for, so near ones cross the picture faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmcourse.storyworld.drawing.glow import Lamp
from mmcourse.storyworld.drawing.shapes import Points
from mmcourse.storyworld.drawing.sheet import SUN, Cut, Sheet
from mmcourse.storyworld.drawing.stage import DEPTH, Prop
from mmcourse.storyworld.world.scene import Scene

SLIDE = 0.20
"""How far a pan of 1 moves what is nearest, in parts of the picture's side."""
TURN = 0.30
"""How far an angle of 1 moves the sky against the characters."""
BLEED = 1.5
"""How far paper that reaches the edge of the picture goes on beyond it."""
CENTRE = (0.5, 0.60)


@dataclass(frozen=True)
class View:
    """A place to look from.

    pan: -1 to 1, the eye moves left or right. zoom: 1 to 3, what is near grows. angle: -1 to 1, the
    eye walks about the characters. close: the scene's own camera is near. For animations: sink
    lowers the sun, track keeps the characters where they are while all else slides.

    Raises:
        ValueError: a number out of range.
    """

    pan: float = 0.0
    zoom: float = 1.0
    angle: float = 0.0
    close: bool = False
    sink: float = 0.0
    track: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (("pan", -1, 1), ("zoom", 1, 3), ("angle", -1, 1), ("sink", -1, 1)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low} to {high}, got {value}")

    def shift(self, depth: float) -> float:
        """How far a layer slides to the right."""
        return -SLIDE * self.pan * (1 - depth) + TURN * self.angle * (depth - DEPTH["character"])


FRONT = View()
CLOSE_ZOOM = 1.3
"""How much larger the backdrop is in a close view."""


def camera_view(scene: Scene, view: View) -> View:
    """The view, with what the scene's own camera adds to it."""
    return replace(view, close=True) if scene.camera == "close" else view


def shifted(cut: Cut, view: View) -> Points:
    """The points of a piece of backdrop as a view sees them."""
    points = cut.points
    if view == FRONT:
        return points
    if view.pan or view.angle:
        x = points[:, 0]
        beyond = np.where(x <= 0, x - BLEED, np.where(x >= 1, x + BLEED, x))
        depth = 0.5 * (cut.far + cut.near)
        points = np.stack([beyond + view.shift(depth), points[:, 1]], axis=1)
    if view.sink and cut.far == SUN:
        points = points + (0.0, view.sink)
    scale = view.zoom * (CLOSE_ZOOM if view.close else 1.0)
    return (points - CENTRE) * scale + CENTRE if scale != 1.0 else points


def lamps_seen(place: Sheet, view: View) -> list[Lamp]:
    """The lit windows of a place as a view sees them."""
    scale = view.zoom * (CLOSE_ZOOM if view.close else 1.0)
    (cx, cy), out = CENTRE, []
    for x, y, radius, depth in place.lamps:
        x, y = (x + view.shift(depth) - cx) * scale + cx, (y - cy) * scale + cy
        out.append((x, y, radius * scale))
    return out


def seen(props: Sequence[Prop], view: View) -> list[Prop]:
    """The figures as a view sees them."""
    if view == FRONT:
        return list(props)
    return [_moved(p, view) for p in props]


def _moved(prop: Prop, view: View) -> Prop:
    still = view.track and prop.who.startswith("character")
    slide, z = 0.0 if still else view.shift(prop.depth), view.zoom

    def place(x: float, y: float) -> tuple[float, float]:
        return (x + slide - CENTRE[0]) * z + CENTRE[0], (y - CENTRE[1]) * z + CENTRE[1]

    shadow = prop.shadow and (*place(*prop.shadow[:2]), prop.shadow[2] * z)
    scale = (prop.scale[0] * z, prop.scale[1] * z)
    return replace(prop, at=place(*prop.at), scale=scale, shadow=shadow)
