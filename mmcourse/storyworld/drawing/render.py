"""Draw a scene as a picture: backdrop, shadows, things, characters, weather."""

from __future__ import annotations

from PIL import Image, ImageDraw

from mmcourse.storyworld.drawing.backdrop import backdrop, falling, low_sun
from mmcourse.storyworld.drawing.brush import cast_shadow, paint_prop
from mmcourse.storyworld.drawing.glow import lanterns, shine
from mmcourse.storyworld.drawing.stage import STILL, Moment, Prop, stage
from mmcourse.storyworld.drawing.styles import paint_in_style
from mmcourse.storyworld.drawing.views import FRONT, View, camera_view, seen
from mmcourse.storyworld.world.scene import Scene

MAX_SIZE = 2048


def check_size(size: int) -> None:
    """Refuse a side that no picture can have.

    Raises:
        ValueError: a size out of range.
    """
    if not 16 <= size <= MAX_SIZE:
        raise ValueError(f"size must be 16 to {MAX_SIZE} pixels, got {size}")


def fineness(size: int) -> int:
    """How many times finer a picture is drawn before it is averaged down."""
    return 4 if size <= 128 else 2


def render(
    scene: Scene,
    size: int = 64,
    supersample: int | None = None,
    view: View = FRONT,
    moment: Moment = STILL,
) -> Image.Image:
    """Draw a scene.

    Args:
        scene: what to draw.
        size: side of the square picture in pixels, 16 to 2048.
        supersample: how many times finer to draw before averaging down (default: enough).
        view: where it is looked at from: see `views`.
        moment: what moves: see `animate`.

    Returns:
        An RGB picture of `size` x `size`.

    Raises:
        ValueError: a size out of range.
    """
    check_size(size)
    fine = supersample or fineness(size)
    side = size * fine
    whole = camera_view(scene, view)
    props = seen(stage(scene, moment), view)
    if scene.style == "flat":
        picture = _flat(scene, props, whole, side)
        picture = picture.reduce(fine) if fine > 1 else picture
    else:
        picture = paint_in_style(scene, props, whole, size, fine)
    lit = lanterns(scene, props)
    picture = shine(picture, lit) if lit else picture
    if scene.weather != "clear":
        mask, colour = falling(scene.weather, scene.time, scene.variation, size)
        picture.paste(colour, (0, 0), mask)
    return picture


def _flat(scene: Scene, props: list[Prop], view: View, side: int) -> Image.Image:
    """Cut paper, before it is averaged down."""
    sheet = backdrop(scene.place, scene.time, scene.weather, scene.variation, side, view).copy()
    pen = ImageDraw.Draw(sheet)
    sun = low_sun(scene)
    for prop in sorted(props, key=lambda p: p.who.startswith("character")):
        cast_shadow(sheet, prop, sun)
    for prop in props:
        paint_prop(pen, prop, side, prop.paints)
    return sheet
