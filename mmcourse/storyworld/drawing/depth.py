"""What is where, exactly: the depth and the segmentation of a picture.

Both come from one map of layers, painted from the same list and in the same order as the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mmcourse.storyworld.drawing.backdrop import layout
from mmcourse.storyworld.drawing.brush import outline
from mmcourse.storyworld.drawing.render import check_size, fineness
from mmcourse.storyworld.drawing.stage import STILL, Moment, stage
from mmcourse.storyworld.drawing.views import (
    CENTRE,
    CLOSE_ZOOM,
    FRONT,
    View,
    camera_view,
    seen,
    shifted,
)
from mmcourse.storyworld.world.scene import Scene

LABELS = (
    "sky",
    "land",
    "character:left",
    "character:middle",
    "character:right",
    "thing:left",
    "thing:middle",
    "thing:right",
    "sign",
)
"""What the numbers of a segmentation mean. Sun, moon, stars and clouds are sky; shadows belong to
what they fall on; a sign is a heart, a spark or a footprint. Rain and snow are not labelled."""
SKY_FROM = 0.95
HORIZON = 0.75
"""The height from which the ground comes nearer, see `sheet.Cut`."""


@dataclass(frozen=True)
class Layers:
    """index: (size, size), which layer each pixel shows; labels, far and near: of each layer."""

    index: NDArray[np.uint8]
    labels: NDArray[np.int64]
    far: NDArray[np.float64]
    near: NDArray[np.float64]


def layers(scene: Scene, size: int = 64, view: View = FRONT, moment: Moment = STILL) -> Layers:
    """The layers of a picture, by the middle of each pixel.

    Raises:
        ValueError: a size out of range.
    """
    check_size(size)
    fine = fineness(size)
    side = size * fine
    sheet = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(sheet)
    rows: dict[tuple[int, float, float], int] = {(0, 1.0, 1.0): 0}

    def number(label: str, far: float, near: float) -> int:
        return rows.setdefault((LABELS.index(label), far, near), len(rows))

    whole = camera_view(scene, view)
    for cut in layout(scene.place, scene.time, scene.weather, scene.variation).cuts:
        label = "sky" if cut.far >= SKY_FROM and cut.near >= SKY_FROM else "land"
        points = (shifted(cut, whole) * side).ravel().tolist()
        pen.polygon(points, fill=number(label, cut.far, cut.near))
    for prop in seen(stage(scene, moment), view):
        fill = number(prop.who, prop.depth, prop.depth)
        placed, ends = outline(prop, side), prop.figure.ends
        for start, end in pairwise(ends):
            pen.polygon(placed[2 * start : 2 * end], fill=fill)
    index = np.asarray(sheet)[fine // 2 :: fine, fine // 2 :: fine]
    kinds, far, near = (np.array(column) for column in zip(*rows, strict=True))
    return Layers(index, kinds.astype(np.int64), far.astype(float), near.astype(float))


def segmentation(
    scene: Scene, size: int = 64, view: View = FRONT, moment: Moment = STILL
) -> NDArray[np.int64]:
    """(size, size) int64: for each pixel the position in `LABELS` of what it shows.

    Raises:
        ValueError: a size out of range.
    """
    found = layers(scene, size, view, moment)
    return found.labels[found.index]


def depth(
    scene: Scene, size: int = 64, view: View = FRONT, moment: Moment = STILL
) -> NDArray[np.float32]:
    """(size, size) float32 in [0, 1]: how far away each pixel is, 0 here and 1 the sky.

    What is painted later is nearer, and the ground comes nearer towards the lower edge.

    Raises:
        ValueError: a size out of range.
    """
    found = layers(scene, size, view, moment)
    zoom = view.zoom * (CLOSE_ZOOM if scene.camera == "close" else 1.0)
    y = ((np.arange(size) + 0.5) / size - CENTRE[1]) / zoom + CENTRE[1]
    share = np.clip((y - HORIZON) / (1 - HORIZON), 0, 1)[:, None]  # (size, 1)
    far, near = found.far[found.index], found.near[found.index]
    return (far + (near - far) * share).astype(np.float32)
