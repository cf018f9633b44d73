"""A scene is plain, frozen data: who is there, how they look and feel, where and when it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmcourse.storyworld import vocabulary as v

FORMAT = 1
"""Version of the saved form of a scene."""


def _known(value: object, values: Sequence[object], what: str) -> None:
    if value not in values or isinstance(value, bool | float):
        raise ValueError(f"{what} {value!r} does not exist in StoryWorld; choose one of {values}")


@dataclass(frozen=True)
class Character:
    """One animal. Captions can say everything about it but its name."""

    species: str
    colour: str
    accessory: str = "none"
    mood: str = "happy"
    action: str = "standing"
    position: str = "middle"
    name: str = "Pip"

    def __post_init__(self) -> None:
        for attribute, values in v.CHARACTER_ATTRIBUTES.items():
            _known(getattr(self, attribute), values, attribute)
        _known(self.position, v.POSITIONS, "position")
        _known(self.name, v.NAMES, "name")


@dataclass(frozen=True)
class Thing:
    """One coloured object on the ground or, for a balloon, in the air."""

    kind: str
    colour: str
    position: str = "left"

    def __post_init__(self) -> None:
        _known(self.kind, v.KINDS, "thing")
        _known(self.colour, v.COLOURS, "colour")
        _known(self.position, v.POSITIONS, "position")


@dataclass(frozen=True)
class Scene:
    """One to three characters, up to two things, a place, a time of day and a weather.

    `variation` (0 to 3) moves hills, trees and clouds; no caption speaks of it.

    Raises:
        ValueError: an unknown value, or a scene that contradicts itself (two characters at one
            position, two that no caption could tell apart, two with one name).
    """

    characters: tuple[Character, ...]
    things: tuple[Thing, ...] = ()
    place: str = "meadow"
    time: str = "day"
    weather: str = "clear"
    style: str = "flat"
    variation: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "characters", tuple(self.characters))
        object.__setattr__(self, "things", tuple(self.things))
        _known(self.place, v.PLACES, "place")
        _known(self.time, v.TIMES, "time")
        _known(self.weather, v.WEATHERS, "weather")
        _known(self.style, v.STYLES, "style")
        _known(self.variation, v.VARIATIONS, "variation")
        if not 1 <= len(self.characters) <= 3:
            raise ValueError(f"a scene has 1 to 3 characters, got {len(self.characters)}")
        if len(self.things) > 2:
            raise ValueError(f"a scene has at most 2 things, got {len(self.things)}")
        for what, values in (
            ("positions", [c.position for c in self.characters]),
            ("names", [c.name for c in self.characters]),
            ("looks (species and colour)", [(c.species, c.colour) for c in self.characters]),
            ("positions of things", [t.position for t in self.things]),
            ("kinds of things", [t.kind for t in self.things]),
        ):
            if len(set(values)) < len(values):
                raise ValueError(f"{what} in a scene must differ, got {values}")

    def visible(self) -> tuple[Any, ...]:
        """What a picture shows, apart from `variation`: two scenes with equal `visible()` are
        the same scene to every split and every caption."""
        characters = sorted(
            (c.position, c.species, c.colour, c.accessory, c.mood, c.action)
            for c in self.characters
        )
        things = sorted((t.position, t.kind, t.colour) for t in self.things)
        return (*characters, *things, self.place, self.time, self.weather, self.style)

    def fingerprint(self) -> int:
        """A 64-bit hash of `visible()`, the same in every process and version of Python."""
        digest = hashlib.blake2b(repr(self.visible()).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def to_json(self) -> str:
        """The scene as one line of JSON, with the version of the format."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Scene:
        """Read what `to_json` wrote.

        Raises:
            ValueError: not JSON, another version of the format, or an unknown or missing field.
        """
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"a saved scene is one JSON object; this is not JSON: {error}"
            ) from None
        if not isinstance(fields, dict) or repr(fields.pop("format", None)) != repr(FORMAT):
            raise ValueError(f"this is not a scene saved in format {FORMAT}; save it again")
        try:
            fields["characters"] = tuple(Character(**c) for c in fields["characters"])
            fields["things"] = tuple(Thing(**t) for t in fields["things"])
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a saved scene has a missing or unknown field: {error}") from None
