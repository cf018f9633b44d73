"""Who stands where: a scene as a list of flat figures, from the farthest to the nearest.

The picture, its depth and its segmentation, its views and its animations are all made from this
one list, so they agree. Lengths are parts of the picture's side, y points down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from mmcourse.storyworld.drawing import things
from mmcourse.storyworld.drawing.figure import Figure, assemble, character_figure, thing_figure
from mmcourse.storyworld.drawing.interact import Role, role, signs
from mmcourse.storyworld.drawing.paint import lit, shades
from mmcourse.storyworld.world.colours import COATS, PAPER, RGB
from mmcourse.storyworld.world.identity import coat
from mmcourse.storyworld.world.scene import Character, Scene, Thing

HEIGHT = {1: 0.56, 2: 0.47, 3: 0.365}
"""Height of a character's head above its feet, by how many share the picture."""
GROUND = 0.93
COLUMNS = {1: (0.33, 0.50, 0.67), 2: (0.27, 0.50, 0.73), 3: (0.205, 0.50, 0.795)}
"""Where left, middle and right are, by how many characters there are."""
THING_HEIGHT = 0.175
THING_COLUMNS = {"left": 0.085, "middle": 0.50, "right": 0.915}
JUMP = 0.13
LIFT = {1: 0.25, 2: 0.40, 3: 0.38}
"""How high the end of a flying thing's string is above the ground, by how many characters."""
LIFT_BETWEEN = {1: 0.04, 2: 0.08, 3: 0.17}
"""How much higher it is in the middle."""
ASIDE = 0.16
"""How far a flying thing in the middle is from it, beside a lone character."""
SWAY = {"left": 1.0, "middle": 1.0, "right": -1.0}
"""Who stands on the right faces left."""
CLOSE = {"height": 0.72, "ground": 1.015, "jump": 0.05, "thing": 0.215, "zoom": 1.45}
CLOSE_COLUMNS = {"left": 0.38, "middle": 0.50, "right": 0.62}
CLOSE_THINGS = {"left": 0.105, "middle": 0.50, "right": 0.895}

DEPTH = {
    "character": 0.21,
    "middle": 0.20,
    "held": 0.19,
    "flying": 0.17,
    "ground": 0.15,
    "sign": 0.12,
}
"""Distance of what stands on the stage, 0 (here) to 1 (the sky)."""


@dataclass(frozen=True)
class Moment:
    """What an animation moves; all zero in a still picture.

    phase: of a wave or stride, in turns. walk: 0 or 1, whether characters stride. bob: how high
    they are lifted. drop: how high above their places things hang.
    """

    phase: float = 0.0
    walk: bool = False
    bob: float = 0.0
    drop: float = 0.0


STILL = Moment()


@dataclass(frozen=True)
class Prop:
    """One figure on the stage. `lean` turns it clockwise about its foot, in degrees."""

    who: str
    figure: Figure
    paints: dict[str, RGB]
    scale: tuple[float, float]
    at: tuple[float, float]
    depth: float
    lean: float = 0.0
    shadow: tuple[float, float, float] | None = None


@lru_cache(maxsize=8)
def _paper(time: str) -> dict[str, RGB]:
    paper = {name: lit(code, time) for name, code in PAPER.items()}
    glow = lit("#fff2b0" if time == "night" else "#fff7d6", time, 1.0)
    return {**paper, "glow": glow, "white": lit("#ffffff", time, 0.5)}


@lru_cache(maxsize=1024)
def paints(code: str, time: str, socks: float = 0.0) -> dict[str, RGB]:
    """Every name of a colour that a cut may have, for one coat in one light."""
    own = {name: lit(shade, time) for name, shade in shades(code).items()}
    own["sock"] = own["sock-light" if socks > 0 else "sock-dark"]
    white = _paper(time)["white"]
    return {**_paper(time), **own, "white": white}


def placement(scene: Scene, character: Character) -> tuple[float, float, float]:
    """(x, y of the feet, height) of a character, in parts of the picture's side."""
    if scene.camera == "close":
        lift = CLOSE["jump"] if character.action == "jumping" else 0.0
        return CLOSE_COLUMNS[character.position], CLOSE["ground"] - lift, CLOSE["height"]
    n = len(scene.characters)
    x = COLUMNS[n][("left", "middle", "right").index(character.position)]
    lift = JUMP * HEIGHT[n] / HEIGHT[1] if character.action == "jumping" else 0.0
    return x, GROUND - lift, HEIGHT[n]


def thing_placement(scene: Scene, thing: Thing) -> tuple[float, float, float]:
    """(x, y of the foot, height) of a thing: beside the characters, in front of them, or, if it
    flies, where no head hides it."""
    y = 0.985 if thing.position == "middle" else 0.965
    near = scene.camera == "close"
    x = (CLOSE_THINGS if near else THING_COLUMNS)[thing.position]
    if thing.kind in things.FLYING:
        n = len(scene.characters)
        y -= LIFT[n]
        if thing.position == "middle":
            y -= LIFT_BETWEEN[n] + (0.20 if near else 0.0)
            if n == 1:  # on the free side of the one who is there
                x += ASIDE * {"left": 1, "middle": 1, "right": -1}[scene.characters[0].position]
    return x, (y + 0.015 if near else y), CLOSE["thing"] if near else THING_HEIGHT


def _character(scene: Scene, c: Character, now: Moment) -> Prop:
    x, y, h = placement(scene, c)
    ground = CLOSE["ground"] if scene.camera == "close" else GROUND
    part = role(scene, c) or Role(c.action, SWAY[c.position])
    gesture = "stride" if now.walk else part.gesture
    width = 0.62 if y == ground else 0.42
    if gesture in ("sitting", "sleeping"):
        width = 0.80
    x += part.step * h
    look = (c.species, c.accessory, c.mood, gesture)
    phase = now.phase or part.phase
    socks = c.identity[5] if c.identity else 0.0
    return Prop(
        f"character:{c.position}",
        character_figure(look, phase, c.identity, part.facing),
        paints(coat(c.colour, c.identity), scene.time, socks),
        (h * part.facing, h),
        (x, y - now.bob * h),
        DEPTH["middle" if c.position == "middle" else "character"],
        part.lean,
        (x, ground, h * width),
    )


def _thing(scene: Scene, thing: Thing, now: Moment) -> Prop:
    x, y, h = thing_placement(scene, thing)
    ground = 0.965 if thing.position != "middle" else 0.985
    flying = thing.kind in things.FLYING
    return Prop(
        f"thing:{thing.position}",
        thing_figure(thing.kind),
        paints(COATS[thing.colour], scene.time),
        (h, h),
        (x, y - now.drop),
        DEPTH["flying" if flying else "ground"],
        shadow=(x, ground, 0.9 * h),
    )


def stage(scene: Scene, now: Moment = STILL) -> list[Prop]:
    """All figures of a scene in the order of painting."""
    act = scene.interaction
    loose = [t for t in scene.things if act is None or t.kind != act.thing]
    people = {c.position: _character(scene, c, now) for c in scene.characters}
    order = sorted(scene.characters, key=lambda c: ("left", "right", "middle").index(c.position))
    if act is not None:  # the one who acts stretches its arms before the other
        order.sort(key=lambda c: c.position == act.by)
    out = [people[c.position] for c in order]
    if act is not None:
        by, to = people[act.by], people[act.to]
        if act.kind == "give":
            given = next(t for t in scene.things if t.kind == act.thing)
            out.append(_held(_thing(scene, given, now), by, to, given.kind in things.FLYING))
        for name, (x, y), size, turn in signs(act.kind, by.at, to.at, by.scale[1]):
            paint = paints("#d8483f", scene.time)
            figure = sign_figure(name)
            out.append(Prop("sign", figure, paint, (size, size), (x, y), DEPTH["sign"], turn))
    out += [_thing(scene, t, now) for t in sorted(loose, key=lambda t: t.kind not in things.FLYING)]
    deepest = 1.0
    for i, prop in enumerate(out):  # what is painted later is never farther away
        deepest = min(deepest, prop.depth)
        out[i] = prop if prop.depth == deepest else replace(prop, depth=deepest)
    return out


@lru_cache(maxsize=16)
def sign_figure(name: str) -> Figure:
    """A heart, a spark or a footprint, about one unit wide."""
    return assemble(things.SIGNS[name]())


def _held(thing: Prop, by: Prop, to: Prop, flying: bool) -> Prop:
    """A gift in the hands of its giver, reached towards the other."""
    h = by.scale[1]
    x = by.at[0] + 0.38 * (to.at[0] - by.at[0])
    size = min(thing.scale[1], 0.42 * h)
    y = by.at[1] - (0.36 if flying else 0.20) * h
    return replace(thing, scale=(size, size), at=(x, y), depth=DEPTH["held"], shadow=None)
