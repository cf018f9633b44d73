"""What pictures of one story have in common, and should not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mmcourse.story.backends.world_checker import COPY, small
from mmcourse.story.copies import apart, mirrored
from mmcourse.story.measure.pages import Tally

if TYPE_CHECKING:
    from PIL.Image import Image


def duplicates(true: Sequence[Image], pictures: Sequence[Image]) -> Tally:
    """Of all pages but the first, those whose picture is that of an earlier page, or its mirror
    image, though what should be seen there is not.

    Args:
        true: exact pictures of what each page should show. Two pages that should look the same,
            but for a mouth perhaps, are no duplicates.
        pictures: what was drawn.
    """
    asked, shown = [small(p) for p in true], [small(p) for p in pictures]

    def same(pages: list[np.ndarray], i: int, j: int, turn: bool) -> bool:
        return apart(pages[i], mirrored(pages[j]) if turn else pages[j]) < COPY

    found = sum(
        any(
            same(shown, i, j, turn) and not same(asked, i, j, turn)
            for j in range(i)
            for turn in (False, True)
        )
        for i in range(1, len(shown))
    )
    return Tally(float(found), float(len(shown) - 1))


def style_variance(styles: ArrayLike) -> float:
    """How much the style changes from page to page: the mean squared distance of the pages' styles
    from their mean. 0 if all are of one style; at most 1 - 1/S, if all S are equally frequent.

    Args:
        styles: (N, S), for each page how likely each style is.
    """
    rows = np.asarray(styles, np.float64)
    return float(np.square(rows - rows.mean(0)).sum(1).mean())
