"""Interactions to be seen: who turns to whom, what the arms do, and the sign between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmcourse.storyworld.world.scene import Character, Scene
from mmcourse.storyworld.world.vocabulary import POSITIONS

Point = tuple[float, float]
CLOSER = {"give": 0.02, "follow": 0.0, "hug": 0.20, "quarrel": -0.03}
"""How far each steps towards the other, in parts of its height; a pair of three steps less."""
LEAN = {"give": 4.0, "follow": 9.0, "hug": 7.0, "quarrel": 5.0}
"""Degrees that the one who acts leans towards the other."""


@dataclass(frozen=True)
class Role:
    """How one character plays: its gesture, which way it faces (1 is right), how far it steps
    aside (in its own heights), how it leans (degrees clockwise) and the phase of its stride."""

    gesture: str
    facing: float
    step: float = 0.0
    lean: float = 0.0
    phase: float = 0.0


def role(scene: Scene, character: Character) -> Role | None:
    """The part that a character plays in the scene's interaction, if it has one."""
    act = scene.interaction
    if act is None or character.position not in (act.by, act.to):
        return None
    acts = character.position == act.by
    other = act.to if acts else act.by
    towards = 1.0 if POSITIONS.index(other) > POSITIONS.index(character.position) else -1.0
    closer = CLOSER[act.kind] * (1.0 if len(scene.characters) == 2 else 0.35)
    if act.kind == "follow":
        facing = towards if acts else -towards
        return Role("stride", facing, 0.0, 9.0 * facing, 0.25 if acts else 0.75)
    gesture = {"give": "give" if acts else "take", "hug": "hug", "quarrel": "point"}[act.kind]
    lean = LEAN[act.kind] * (1.0 if acts or act.kind == "hug" else -0.6)
    if act.kind == "quarrel":
        lean = -LEAN["quarrel"]
    return Role(gesture, towards, closer * towards, lean * towards)


def signs(
    kind: str, by: Point, to: Point, height: float
) -> Iterator[tuple[str, Point, float, float]]:
    """What is drawn between the two: (name, where, size, degrees clockwise).

    A heart above a hug, a jagged spark in a quarrel, a sparkle above a gift, footprints behind who
    follows.
    """
    middle = (by[0] + to[0]) / 2
    if kind == "hug":
        yield "heart", (middle, by[1] - 1.02 * height), 0.36 * height, 0.0
    if kind == "give":
        yield "sparkle", (middle, by[1] - 1.0 * height), 0.34 * height, 0.0
    if kind == "quarrel":
        yield "spark", (middle, by[1] - 0.98 * height), 0.46 * height, 0.0
    if kind == "follow":
        way = 1.0 if to[0] > by[0] else -1.0
        for i, back in enumerate((0.36, 0.56, 0.76)):
            x = by[0] - way * back * height * 0.8
            yield "footprint", (x, by[1] + 0.025 + 0.022 * (i % 2)), 0.25 * height, 0.0
        for i, share in enumerate((0.42, 0.60)):
            x = by[0] + share * (to[0] - by[0])
            yield "footprint", (x, by[1] + 0.025 + 0.022 * (i % 2)), 0.25 * height, 0.0
