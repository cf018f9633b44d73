"""Whether a hero stays the same: on later pages, against somebody who only looks alike in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mmcourse.story.measure.pages import Seen, Tally
from mmcourse.storyworld.world.scene import Character, Scene


def identity_margin(hero: ArrayLike, doubles: ArrayLike) -> float:
    """How much more a hero is like their first picture than a double on the same page would be.

    The mean of cos(h_i, h_0) - cos(d_i, h_0) over all later pages i. A likeness by itself says
    little: two pictures of any two foxes are alike. 0 is what somebody gets who draws another fox
    on each page.

    Args:
        hero: (N + 1, D), a vector of the hero on each page; the first is the first picture.
        doubles: (N, D), of somebody with the same words on pages 2 to N + 1. Vectors may have any
            length but 0.

    Returns:
        -2 to 2.

    Raises:
        ValueError: no later page, other shapes, or a vector without a direction.
    """
    own, others = np.asarray(hero, np.float64), np.asarray(doubles, np.float64)
    if own.ndim != 2 or len(own) < 2 or others.shape != (len(own) - 1, own.shape[1]):
        raise ValueError(
            f"a hero on N + 1 pages (N at least 1) has N doubles, got {own.shape} and "
            f"{others.shape}"
        )
    lengths = (
        np.linalg.norm(own, axis=1, keepdims=True),
        np.linalg.norm(others, axis=1, keepdims=True),
    )
    if not all(np.isfinite(x).all() and (x > 0).all() for x in lengths):
        raise ValueError("a vector of zeros, or one that is not finite, has no direction")
    own, others = own / lengths[0], others / lengths[1]
    return float((own[1:] @ own[0]).mean() - (others @ own[0]).mean())


class Pair(NamedTuple):
    """Somebody on a later page, and the page where they were seen first."""

    name: str
    first: int
    page: int


def pairs(scenes: Sequence[Scene]) -> Iterator[Pair]:
    """Everybody on every page but their first."""
    first: dict[str, int] = {}
    for page, scene in enumerate(scenes):
        for c in scene.characters:
            if first.setdefault(c.name, page) < page:
                yield Pair(c.name, first[c.name], page)


def called(scene: Scene, name: str) -> Character:
    """The character of this name."""
    return next(c for c in scene.characters if c.name == name)


def margins(
    scenes: Sequence[Scene], seen: Sequence[Seen], doubles: Sequence[np.ndarray | None]
) -> Tally:
    """The identity margin of a story's `pairs`, as a sum and the number of pairs.

    Args:
        scenes: what each page should show.
        seen: what was seen in the pictures.
        doubles: for each of `pairs(scenes)`, the vector of a double on that page; a pair without
            one, or of which somebody is not to be found in a picture, is left out.
    """
    total, n = 0.0, 0
    for pair, double in zip(pairs(scenes), doubles, strict=True):
        first = seen[pair.first].identity(called(scenes[pair.first], pair.name))
        later = seen[pair.page].identity(called(scenes[pair.page], pair.name))
        if first is not None and later is not None and double is not None:
            total += identity_margin([first, later], [double])
            n += 1
    return Tally(total, float(n))
