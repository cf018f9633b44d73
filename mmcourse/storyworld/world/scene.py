"""A scene is plain, frozen data: who is there, how they look and feel, where and when it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import check as check_identity

FORMAT = 2
"""Version of the saved form of a scene. Format 1 had no identity, camera or interaction."""
AWAKE = ("surprised", "angry")
"""Moods that nobody sleeps in."""


def _known(value: object, values: Sequence[object], what: str) -> None:
    if value not in values or isinstance(value, (bool, float)):
        raise ValueError(f"{what} {value!r} does not exist in StoryWorld; choose one of {values}")


@dataclass(frozen=True)
class Character:
    """One animal. Captions can say everything about it but its identity.

    `identity` is what tells it from all others of its species and colour: see
    `mmcourse.storyworld.world.identity`. Empty is the plain look.
    """

    species: str
    colour: str
    accessory: str = "none"
    mood: str = "happy"
    action: str = "standing"
    position: str = "middle"
    name: str = "Pip"
    identity: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for attribute, values in v.CHARACTER_ATTRIBUTES.items():
            _known(getattr(self, attribute), values, attribute)
        _known(self.position, v.POSITIONS, "position")
        _known(self.name, v.NAMES, "name")
        check_identity(self.identity)
        if self.action == "sleeping" and self.mood in AWAKE:
            raise ValueError(f"nobody sleeps {self.mood}; let it be happy or sad, or awake")


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
class Interaction:
    """What one character does to another, both named by their positions.

    kind: "give" (with `thing`, the kind of the thing that changes hands), "follow", "hug" or
    "quarrel". The last two are mutual: `by` and `to` may be exchanged.
    """

    kind: str
    by: str
    to: str
    thing: str | None = None

    def __post_init__(self) -> None:
        _known(self.kind, v.INTERACTIONS, "interaction")
        _known(self.by, v.POSITIONS, "position")
        _known(self.to, v.POSITIONS, "position")
        if self.by == self.to:
            raise ValueError(f"an interaction needs two characters, got {self.by!r} twice")
        if (self.kind == "give") != (self.thing is not None):
            raise ValueError(
                f"a {self.kind} with thing={self.thing!r}: a give, and nothing else, has a thing"
            )

    def key(self) -> tuple[str | None, ...]:
        """What is seen: for what is mutual, without telling who began."""
        pair = sorted((self.by, self.to)) if self.kind in v.MUTUAL else (self.by, self.to)
        return (self.kind, *pair, self.thing)


@dataclass(frozen=True)
class Scene:
    """One to three characters, up to two things, a place, a time of day and a weather.

    `variation` (0 to 3) moves hills, trees and clouds; no caption speaks of it. `camera` "close"
    shows one character from nearby. `interaction` is what two characters do to each other.

    Raises:
        ValueError: an unknown value, or a scene that contradicts itself (two characters at one
            position, two that no caption could tell apart, two with one name, a close view of
            two, a quarrel of the happy, a gift that lies elsewhere).
    """

    characters: tuple[Character, ...]
    things: tuple[Thing, ...] = ()
    place: str = "meadow"
    time: str = "day"
    weather: str = "clear"
    style: str = "flat"
    variation: int = 0
    camera: str = "medium"
    interaction: Interaction | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "characters", tuple(self.characters))
        object.__setattr__(self, "things", tuple(self.things))
        _known(self.place, v.PLACES, "place")
        _known(self.time, v.TIMES, "time")
        _known(self.weather, v.WEATHERS, "weather")
        _known(self.style, v.STYLES, "style")
        _known(self.variation, v.VARIATIONS, "variation")
        _known(self.camera, v.CAMERAS, "camera")
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
        if self.camera == "close" and len(self.characters) > 1:
            raise ValueError(
                f"a close view has room for one character, got {len(self.characters)}; "
                "use camera='medium'"
            )
        if self.interaction is not None:
            check_interaction(self, self.interaction)

    def at(self, position: str) -> Character:
        """The character at a position.

        Raises:
            ValueError: nobody is there.
        """
        for c in self.characters:
            if c.position == position:
                return c
        here = [c.position for c in self.characters]
        raise ValueError(f"nobody is at {position!r}; the characters are at {here}")

    def visible(self) -> tuple[Any, ...]:
        """What a picture shows and a caption can say: two scenes with equal `visible()` are the
        same scene to every split. Left out are `variation`, names and identities."""
        return self._seen_in(self.style)

    def _seen_in(self, style: str) -> tuple[Any, ...]:
        """`visible()` as if drawn in another style."""
        characters = sorted(
            (c.position, c.species, c.colour, c.accessory, c.mood, c.action)
            for c in self.characters
        )
        things = sorted((t.position, t.kind, t.colour) for t in self.things)
        extra: list[Any] = [self.camera] if self.camera != "medium" else []
        extra += [self.interaction.key()] if self.interaction else []
        return (*characters, *things, self.place, self.time, self.weather, style, *extra)

    def fingerprint(self) -> int:
        """A 64-bit hash of `visible()`, the same in every process and version of Python.

        The style is left out (read as "flat"), so that a scene in four styles is in one split.
        """
        digest = hashlib.blake2b(repr(self._seen_in("flat")).encode(), digest_size=8).digest()
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
            fields["characters"] = tuple(
                Character(**{**c, "identity": tuple(c.get("identity", ()))})
                for c in fields["characters"]
            )
            fields["things"] = tuple(Thing(**t) for t in fields["things"])
            if fields.get("interaction") is not None:
                fields["interaction"] = Interaction(**fields["interaction"])
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a saved scene has a missing or unknown field: {error}") from None


def check_interaction(scene: Scene, act: Interaction) -> None:
    """Refuse an interaction that the rest of the scene contradicts.

    Both stand beside each other on their feet. Who quarrels is angry, or sad beside an angry one;
    who hugs is not angry, and nobody gives in anger. The gift lies at the giver's position.

    Raises:
        ValueError: what contradicts, in one line.
    """
    by, to = scene.at(act.by), scene.at(act.to)
    moods = (by.mood, to.mood)
    pair = f"a {act.kind} of {by.species} and {to.species}"
    if len(scene.characters) == 3 and "middle" not in (act.by, act.to):
        raise ValueError(f"{pair}: somebody stands between them; choose neighbours")
    if (by.action, to.action) != ("standing", "standing"):
        raise ValueError(f"{pair}: both must be standing, got {by.action} and {to.action}")
    if act.kind == "quarrel" and ("angry" not in moods or not set(moods) <= {"angry", "sad"}):
        raise ValueError(f"{pair}: needs an angry one and an angry or sad one, got {moods}")
    if act.kind == "hug" and "angry" in moods:
        raise ValueError(f"{pair}: nobody hugs in anger, got {moods}")
    if act.kind == "give":
        if by.mood == "angry":
            raise ValueError(f"{pair}: nobody gives in anger, got {moods}")
        if (act.by, act.thing) not in [(t.position, t.kind) for t in scene.things]:
            raise ValueError(f"{pair}: the scene needs a {act.thing} at the giver, {act.by!r}")
