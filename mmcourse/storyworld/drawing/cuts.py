"""Cut paper: a shape, and below it the darker edge that makes it look cut."""

from __future__ import annotations

from mmcourse.storyworld.drawing.shapes import Points, mirror

Part = tuple[str, Points]
"""A name of a colour and the polygon to fill with it, in the order of painting. The name may
carry a trait, as in "ink@eye": see `figure`."""

EDGE = 0.018
"""How far a cut of paper lets its darker edge be seen."""


def cut(colour: str, shape: Points) -> list[Part]:
    """A shape with the darker edge of its paper below it."""
    return [("edge", shape + (0.3 * EDGE, EDGE)), (colour, shape)]


def pair(colour: str, shape: Points) -> list[Part]:
    return [*cut(colour, shape), *cut(colour, mirror(shape))]


def flat_pair(colour: str, shape: Points) -> list[Part]:
    return [(colour, shape), (colour, mirror(shape))]


def trait(name: str, parts: list[Part]) -> list[Part]:
    """The same parts, marked as what an identity moves or hides."""
    return [(f"{colour}@{name}", shape) for colour, shape in parts]
