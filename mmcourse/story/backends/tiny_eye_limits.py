"""From where on the eye finds fault: numbers that `experiments/eye.py` chose.

It chose them on told stories of the split "val", which nothing else is measured on, and wrote this
module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FARTHEST = {
    "species": 1.05,
    "colour": 1.0,
    "accessory": 1.0,
    "mood": 1.3,
    "action": 1.1,
    "place": 1.0,
    "time": 1.0,
    "weather": 1.0,
    "presence": 1.0,
    "nobody else": 1.0,
    "sides": 1.3,
    "new picture": 1.0,
}
SUSPECTED = {
    "species": 1.7,
    "colour": 5.9,
    "accessory": 1.5,
    "mood": 1.2,
    "action": 0.1,
    "place": 2.3,
    "time": 10.4,
    "weather": 6.4,
}
DRAWN = {
    "species": 4,
    "colour": 1,
    "accessory": 3,
    "mood": 3,
    "action": 4,
    "place": 5,
    "time": 1,
    "weather": 1,
}
SEEN = {"sides": 198.0, "new picture": 100.0}


@dataclass(frozen=True)
class Limits:
    """From where on there is a fault.

    farthest: how far a picture may go from what was asked to a change; 1 is half of the way.
    suspected: how much likelier another value must have become (the logarithm of the odds' ratio)
    before it is drawn. drawn: how many other values are drawn at most, the likeliest first.
    seen: how much two drawings must differ in the eye's features to be told apart.
    there: somebody is missing if there is less of an animal than this, in parts of the drawing's.
    sure: somebody is there if there is as much as this. stranger: somebody else is there if so much
    of their place shows an animal, and their place has `room` patches to itself.
    """

    farthest: Mapping[str, float] = field(default_factory=lambda: FARTHEST)
    suspected: Mapping[str, float] = field(default_factory=lambda: SUSPECTED)
    drawn: Mapping[str, int] = field(default_factory=lambda: DRAWN)
    seen: Mapping[str, float] = field(default_factory=lambda: SEEN)
    there: float = 0.5
    sure: float = 0.85
    stranger: float = 0.75
    room: int = 6
