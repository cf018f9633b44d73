"""A told story as it is measured: what each page should show, and what somebody saw in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mmcourse.storyworld.world.scene import Character, Scene

Look = tuple[str, str]
"""Species and colour: by these words a scene tells its characters apart."""


class Tally(NamedTuple):
    """A part of a measure: so much of so much. Parts of many stories are added, then divided."""

    hits: float
    of: float


@dataclass(frozen=True)
class Seen:
    """What a reader made of a picture.

    people: by position, the attributes of whoever is there ("species", "colour", "mood" ...).
    setting: place, time, weather.
    identities: by position, a vector (D,) of length 1 for who somebody is.
    style: (styles,) probabilities.
    """

    people: Mapping[str, Mapping[str, str]]
    setting: Mapping[str, str]
    identities: Mapping[str, np.ndarray]
    style: np.ndarray

    def looks(self) -> frozenset[Look]:
        """Who is there, in words."""
        return frozenset((who["species"], who["colour"]) for who in self.people.values())

    def find(self, who: Character) -> str:
        """The position of somebody of this look, the one where they should be first; "" if nobody
        looks like that."""
        look = who.species, who.colour
        same = [p for p, seen in self.people.items() if (seen["species"], seen["colour"]) == look]
        return who.position if who.position in same else (same or [""])[0]

    def identity(self, who: Character) -> np.ndarray | None:
        """The vector of somebody of this look, None if nobody is there who looks like that."""
        position = self.find(who)
        return self.identities[position] if position else None


def looks(scene: Scene) -> frozenset[Look]:
    """Who should be in a picture, in words."""
    return frozenset((c.species, c.colour) for c in scene.characters)
