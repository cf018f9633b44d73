"""The checker of the world: is this the picture that the text asks for, and is it really them?

It asks by drawing. What the text says and what memory holds of everybody is drawn anew, small, and
beside it one thing changed at a time: another mood, another hat, another animal of the same look.
Where such a change would be seen, the picture has to be nearer to what was asked than to the
change. It looks at pixels alone, so it can find fault with whoever drew them; it is no network, and
never the judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mmcourse.story.abilities import CheckRequest, Finding, Reference
from mmcourse.story.copies import apart, faults, mirrored
from mmcourse.story.staging import scene_of
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import AWAKE, Character, Scene

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 48
"""Pictures are compared at this size."""
VISIBLE = 12.0
"""A change is seen where it moves a pixel by this much, of 255."""
DOUBLES = 3
"""How many others of the same look somebody is held against."""
COPY = 3.0
"""Two pictures whose pixels differ by less, on average, are one picture."""
NUMBER = {"accessory": 3, "action": 2, "mood": 3, "species": 2, "colour": 2, "place": 2, "time": 2,
          "weather": 2}  # fmt: skip
"""How many other values of each attribute are drawn."""


class WorldChecker:
    """Holds pictures against text and memory by drawing what should be there."""

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """A finding for each attribute of the setting and of everybody, for their identities where
        memory has one, for the side that everybody is on, and for a copied picture."""
        picture = small(request.picture)
        out = list(copied(request, picture))
        scene = expected(request)
        if scene is None:
            return (*out, Finding("facts", True, found="not measured: nobody staged this"))
        away = np.abs(picture - small(_full(scene, request.picture.width))).mean(-1)  # (SIDE, SIDE)
        asked = drawn(scene)
        out += [_compare(what, x, away, asked, others) for what, x, others in changes(scene)]
        known = {r.name: r.identity for r in request.references if r.identity}
        out += [_identity(c, scene, away, asked) for c in scene.characters if c.name in known]
        out.append(_mirrored(picture, asked))
        return tuple(out)


def small(picture: Image) -> np.ndarray:
    """A picture as it is compared: float32 (SIDE, SIDE, 3)."""
    from PIL import Image as pil

    shrunk = picture.convert("RGB").resize((SIDE, SIDE), pil.Resampling.BOX)
    return np.asarray(shrunk, np.float32)


@lru_cache(maxsize=512)
def drawn(scene: Scene) -> np.ndarray:
    """A scene as it would look, at the size at which pictures are compared."""
    from mmcourse.storyworld.drawing.render import render

    return np.asarray(render(scene, SIDE), np.float32)


def _full(scene: Scene, width: int) -> Image:
    """A scene as large as the picture, for strokes of a brush or a pencil depend on the size."""
    from mmcourse.storyworld.drawing.render import MAX_SIZE, render

    return render(scene, min(max(width, SIDE), MAX_SIZE))


def expected(request: CheckRequest) -> Scene | None:
    """What should be seen: the staging with what the text says, everybody as memory has them."""
    scene = scene_of(request.staging)
    if scene is None:
        return None
    said: dict[str, dict[str, str]] = {}
    for f in request.facts:
        if f.attribute in v.CHARACTER_ATTRIBUTES:
            said.setdefault(f.subject, {})[f.attribute] = f.value
    known = {r.name: r.identity for r in request.references if r.identity}
    setting = {
        f.attribute: f.value
        for f in request.facts
        if f.subject == "scene" and f.value in v.SCENE_ATTRIBUTES.get(f.attribute, ())
    }
    people = tuple(
        replace(c, **said.get(c.name, {}), identity=known.get(c.name, c.identity))
        for c in scene.characters
    )
    try:
        return replace(scene, characters=people, style=request.style, **setting)  # type: ignore[arg-type]
    except ValueError:  # the text contradicts the staging: hold the picture against the staging
        return replace(scene, style=request.style)


def changes(scene: Scene) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """(what, expected, the scene drawn with other values) for every attribute that is seen."""
    dice = Dice("checker", scene.fingerprint())
    for attribute, values in v.SCENE_ATTRIBUTES.items():
        value = str(getattr(scene, attribute))
        others = [replace(scene, **{attribute: x}) for x in _others(values, value, attribute, dice)]  # type: ignore[arg-type]
        yield attribute, value, [drawn(other) for other in others]
    acting = (scene.interaction.by, scene.interaction.to) if scene.interaction else ()
    for i, c in enumerate(scene.characters):
        for attribute, values in v.CHARACTER_ATTRIBUTES.items():
            if c.position in acting and attribute in ("action", "mood"):
                continue
            value = str(getattr(c, attribute))
            found = []
            for x in _others(values, value, attribute, dice):
                if attribute == "action" and x == "sleeping" and c.mood in AWAKE:
                    continue
                if attribute == "mood" and c.action == "sleeping" and x in AWAKE:
                    continue
                other = _with(scene, i, replace(c, **{attribute: x}))  # type: ignore[arg-type]
                if other is not None:
                    found.append(drawn(other))
            if found:
                yield f"{attribute} of {c.name}", value, found


def _others(values: Sequence[str], value: str, attribute: str, dice: Dice) -> list[str]:
    rest = [x for x in values if x != value]
    return dice.sample(rest, min(NUMBER[attribute], len(rest)))


def _with(scene: Scene, i: int, c: Character) -> Scene | None:
    people = (*scene.characters[:i], c, *scene.characters[i + 1 :])
    try:
        return replace(scene, characters=people)
    except ValueError:  # two of one look
        return None


def _compare(
    what: str, value: str, away: np.ndarray, asked: np.ndarray, others: list[np.ndarray]
) -> Finding:
    """Where each change would be seen, is the picture as it was asked for?"""
    worst = max(distance(away, asked, other) for other in others)
    return Finding(what, worst <= 1, value, value if worst <= 1 else "something else", worst)


def distance(away: np.ndarray, asked: np.ndarray, other: np.ndarray) -> float:
    """How far a picture is from what was asked, where a change is seen, against the change: 0 is
    exactly as asked, 1 is half of it, 2 is as much. 0 where nothing would be seen.

    Args:
        away: (SIDE, SIDE) how far each pixel of the picture is from what was asked.
        asked: (SIDE, SIDE, 3), what was asked.
        other: the same with a change.
    """
    change = np.abs(other - asked).mean(-1)  # (SIDE, SIDE)
    seen = change > VISIBLE
    if not seen.any():
        return 0.0
    return float(2 * away[seen].mean() / change[seen].mean())


def _identity(c: Character, scene: Scene, away: np.ndarray, asked: np.ndarray) -> Finding:
    """Whether it is them, and nobody who looks like them in words."""
    i = scene.characters.index(c)
    dice = Dice("doubles", c.species, c.colour, c.identity)
    doubles = []
    for _ in range(DOUBLES):
        double = _with(scene, i, replace(c, identity=sample_identity(dice)))
        assert double is not None
        doubles.append(drawn(double))
    moved = np.stack([np.abs(d - asked).mean(-1) for d in doubles])  # (DOUBLES, SIDE, SIDE)
    seen = moved.mean(0) > VISIBLE / 2
    if not seen.any():
        return Finding(f"identity of {c.name}", True, c.name, "too small to tell", None)
    nearest = moved[:, seen].mean(1).min()  # the double who looks most like them
    far = float(2 * away[seen].mean() / max(nearest, 1.0))
    found = c.name if far <= 1 else f"another {c.colour} {c.species}"
    return Finding(f"identity of {c.name}", far <= 1, c.name, found, far)


def _mirrored(picture: np.ndarray, asked: np.ndarray) -> Finding:
    """Whether left is left."""
    right, wrong = apart(picture, asked), apart(mirrored(picture), asked)
    passed = "mirrored" not in faults(picture, asked, ())
    far = right / wrong if wrong else 0.0
    return Finding("sides", passed, "as told", "as told" if passed else "mirrored", far)


def copied(request: CheckRequest, picture: np.ndarray) -> Iterator[Finding]:
    """Whether the picture is one of memory's, or its mirror image, though another was asked for."""
    for r in request.references:
        if r.picture is None or _same_asked(r, request):
            continue
        seen = small(r.picture)
        found = faults(picture, picture, (seen,), COPY)
        for name, image in (("copy", picture), ("mirrored copy", mirrored(picture))):
            far = apart(image, seen)
            if name in found and not _as_asked(request, picture, far):
                message = f"a {name} of the picture of {r.name}"
                yield Finding("new picture", False, "another picture", message, far / COPY)


def _same_asked(r: Reference, request: CheckRequest) -> bool:
    """Whether the same scene was asked for then."""
    then, now = scene_of(r.staging), scene_of(request.staging)
    return then is not None and now is not None and then.visible() == now.visible()


def _as_asked(request: CheckRequest, picture: np.ndarray, far: float) -> bool:
    """Whether a picture is at least as near to what was asked for as this: where nothing but a
    mouth has changed, the right picture is nearly an old one."""
    scene = expected(request)
    return scene is not None and apart(picture, small(_full(scene, request.picture.width))) <= far
