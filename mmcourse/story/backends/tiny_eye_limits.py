"""From where on the eye finds fault. `experiments/eye.py --choose` chose the numbers in capitals on
told stories, which nothing is measured on, and wrote them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHANCE = 69.0
SUSPECTED = {
    "species": 1.8,
    "colour": 5.9,
    "accessory": 1.5,
    "mood": 1.2,
    "action": 0.1,
    "place": 2.4,
    "time": 10.3,
    "weather": 6.4,
}
DRAWN = {
    "species": 5,
    "colour": 2,
    "accessory": 3,
    "mood": 3,
    "action": 4,
    "place": 5,
    "time": 1,
    "weather": 2,
}


@dataclass(frozen=True)
class Limits:
    """From where on there is a fault.

    chance: how far beyond half of the way from what was asked to a change a picture may go, in the
    features' own measure. Of a change that is hardly seen that is much, of another little.
    suspected: how much likelier another value must have become (the logarithm of the odds' ratio)
    before it is drawn. drawn: how many other values are drawn at most, the likeliest first.
    noticed: a change that was made goes at least so far, where 2 is all of the way; if that is no
    more than chance, nobody can tell.
    there: somebody is missing if there is less of an animal than this, in parts of the drawing's.
    sure: somebody is there if there is as much as this. stranger: somebody else is there if so much
    of their place shows an animal, and their place has `room` patches to itself.
    """

    chance: float = CHANCE
    suspected: Mapping[str, float] = field(default_factory=lambda: SUSPECTED)
    drawn: Mapping[str, int] = field(default_factory=lambda: DRAWN)
    noticed: float = 1.6
    there: float = 0.5
    sure: float = 0.85
    stranger: float = 0.75
    room: int = 6
