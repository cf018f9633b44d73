"""One figure: all cuts of a character or thing as one array, moved by an identity's traits.

Building the cuts takes a millisecond, so it is done once for each look. An identity then scales
groups of points about their own pivots, which takes a few microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mmcourse.storyworld.drawing import characters, things
from mmcourse.storyworld.drawing.cuts import Part
from mmcourse.storyworld.drawing.shapes import Points
from mmcourse.storyworld.world.identity import WORN

EAR_PIVOT = -0.70
"""Ears grow from here; what of them reaches below -0.5 is a tail and grows from its root."""
GROUPS = ("", "ear", "tail", "eye-", "eye+", "spot", "stripe", "patch-", "patch+", "sock", "paw",
          "glyph")  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """Cuts in the order of painting: `names` of colours, and `points[ends[i]:ends[i + 1]]`."""

    names: tuple[str, ...]
    points: Points
    ends: tuple[int, ...]
    cut_groups: tuple[int, ...]
    point_groups: np.ndarray
    pivots: Points

    def shown(self, groups: frozenset[int]) -> Figure:
        """Only the cuts of these groups."""
        keep = [i for i, g in enumerate(self.cut_groups) if g in groups]
        ends = [0]
        for i in keep:
            ends.append(ends[-1] + self.ends[i + 1] - self.ends[i])
        wanted = np.zeros(len(GROUPS), dtype=bool)
        wanted[list(groups)] = True
        mask = wanted[self.point_groups]
        return Figure(
            tuple(self.names[i] for i in keep),
            self.points[mask],
            tuple(ends),
            tuple(self.cut_groups[i] for i in keep),
            self.point_groups[mask],
            self.pivots[mask],
        )


PLAIN = ("", "ear", "tail", "eye-", "eye+", "sock", "glyph")


def _group(trait: str, shape: Points) -> tuple[str, tuple[float, float]]:
    """The group of a cut and the point that it is scaled about."""
    if not trait:
        return "", (0.0, 0.0)
    x, y = shape.mean(axis=0).tolist()
    if trait == "ear" and y > -0.5 and abs(x) > 0.15 and shape[:, 1].max() > -0.2:
        return "tail", (0.12, -0.08)
    if trait == "ear":
        return "ear", (0.5 * x, EAR_PIVOT)
    if trait in ("eye", "patch"):
        return trait + ("+" if x > 0 else "-"), (x, y)
    return trait, (x, y)


def assemble(cuts: Iterable[Part]) -> Figure:
    """Cuts as one figure."""
    tagged, shapes = zip(*cuts, strict=True)
    names, traits = zip(*(t.partition("@")[::2] for t in tagged), strict=True)
    groups, pivots = [], []
    for trait, shape in zip(traits, shapes, strict=True):
        group, pivot = _group(trait, shape)
        groups.append(GROUPS.index(group))
        pivots.append(pivot)
    for side in ("eye-", "eye+", "glyph"):  # an eye is scaled as a whole
        members = [i for i, g in enumerate(groups) if GROUPS[g] == side]
        if members:
            centre = np.concatenate([shapes[i] for i in members]).mean(axis=0)
            for i in members:
                pivots[i] = (centre[0], centre[1])
    counts = [len(s) for s in shapes]
    return Figure(
        names,
        np.concatenate(shapes),
        tuple(np.cumsum([0, *counts]).tolist()),
        tuple(groups),
        np.repeat(groups, counts),
        np.repeat(np.array(pivots), counts, axis=0),
    )


@lru_cache(maxsize=2048)
def thing_figure(kind: str) -> Figure:
    """A thing, one unit tall."""
    return assemble(things.parts(kind))


@lru_cache(maxsize=2048)
def _whole(species: str, accessory: str, mood: str, gesture: str, phase: float) -> Figure:
    return assemble(characters.parts(species, accessory, mood, gesture, phase))


@lru_cache(maxsize=8192)
def _character(
    species: str, accessory: str, mood: str, gesture: str, phase: float, groups: frozenset[int]
) -> Figure:
    figure = _whole(species, accessory, mood, gesture, phase).shown(groups)
    if GROUPS.index("paw") not in groups:
        return figure
    feet = (GROUPS.index("paw"), GROUPS.index("sock"))
    names = tuple(
        "sock" if g in feet and name != "edge" else name
        for name, g in zip(figure.names, figure.cut_groups, strict=True)
    )
    return replace(figure, names=names)


@lru_cache(maxsize=64)
def _groups(names: tuple[str, ...]) -> frozenset[int]:
    return frozenset(map(GROUPS.index, (*PLAIN, *names)))


def character_figure(
    look: tuple[str, str, str, str], phase: float, identity: tuple[float, ...], facing: float
) -> Figure:
    """A character with its identity.

    Args:
        look: species, accessory, mood and gesture.
        phase: of a wave or a stride.
        identity: see `mmcourse.storyworld.world.identity`.
        facing: 1 to the right, -1 if the caller will mirror it (letters must not be).
    """
    if not identity:
        figure = _character(*look, phase, _groups(()))
        if facing > 0 or look[3] != "sleeping":
            return figure
        scales = np.ones((len(GROUPS), 2))
        shifts = np.zeros((len(GROUPS), 2))
    else:
        _, _, spots, stripes, patch, socks, ears, eyes = identity
        shown = {
            "spot": spots > 0,
            "stripe": stripes > 0,
            "patch-": patch < -WORN,
            "patch+": patch > WORN,
            "paw": abs(socks) > WORN,
        }
        figure = _character(*look, phase, _groups(tuple(k for k, on in shown.items() if on)))
        scales, shifts = _transform(spots, stripes, patch, ears, eyes)
    if facing < 0:
        scales[GROUPS.index("glyph"), 0] = -1.0
    groups = figure.point_groups
    moved = (figure.points - figure.pivots) * scales[groups] + figure.pivots + shifts[groups]
    return replace(figure, points=moved)


def _transform(
    spots: float, stripes: float, patch: float, ears: float, eyes: float
) -> tuple[Points, Points]:
    """Scale and shift of each group."""
    scales, shifts = np.ones((len(GROUPS), 2)), np.zeros((len(GROUPS), 2))
    ear = 1.0 + (0.17 if ears > 0 else 0.26) * ears
    for name, scale in (
        ("ear", (0.5 + 0.5 * ear, ear)),
        ("tail", (ear, ear)),
        ("eye-", (1.0 + 0.10 * eyes, 1.0 + 0.10 * eyes)),
        ("eye+", (1.0 + 0.10 * eyes, 1.0 + 0.10 * eyes)),
        ("spot", (0.75 + 0.6 * spots, 0.75 + 0.6 * spots)),
        ("stripe", (1.0, 0.6 + 0.7 * stripes)),
        ("patch-", (0.70 + 0.45 * abs(patch), 0.70 + 0.45 * abs(patch))),
        ("patch+", (0.70 + 0.45 * abs(patch), 0.70 + 0.45 * abs(patch))),
    ):
        scales[GROUPS.index(name)] = scale
    shifts[GROUPS.index("eye-"), 0] = -0.022 * eyes
    shifts[GROUPS.index("eye+"), 0] = 0.022 * eyes
    return scales, shifts
