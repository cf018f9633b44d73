"""What pictures of one story have in common, and should not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mmcourse.story.backends.world_checker import COPY, small
from mmcourse.story.copies import apart, mirrored
from mmcourse.story.measure.pages import Tally
from mmcourse.storyworld.world.scene import Scene

if TYPE_CHECKING:
    from PIL.Image import Image


def duplicates(scenes: Sequence[Scene], pictures: Sequence[Image]) -> Tally:
    """Of all pages but the first, those whose picture is that of an earlier page, or its mirror
    image, though another scene was asked for."""
    shown = [small(p) for p in pictures]
    found = 0
    for i, scene in enumerate(scenes):
        others = [x for s, x in zip(scenes[:i], shown) if s.visible() != scene.visible()]
        found += any(apart(shown[i], x) < COPY for old in others for x in (old, mirrored(old)))
    return Tally(float(found), float(len(scenes) - 1))


def style_variance(styles: ArrayLike) -> float:
    """How much the style changes from page to page: the mean squared distance of the pages' styles
    from their mean. 0 if all are of one style; at most 1 - 1/S, if all S are equally frequent.

    Args:
        styles: (N, S), for each page how likely each style is.
    """
    rows = np.asarray(styles, np.float64)
    return float(np.square(rows - rows.mean(0)).sum(1).mean())
