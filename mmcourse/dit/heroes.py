"""One hero in two scenes: what a denoiser learns to draw somebody again from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image

from mmcourse.storyworld import render, sample_scene
from mmcourse.storyworld.drawing.stage import placement
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import in_split
from mmcourse.storyworld.world.scene import Character, Scene

DOUBLED = 0.6
"""Share of the scenes of several characters in which somebody is given the hero's species."""
ELSEWHERE = 1_000_003
"""How far apart in a split the two scenes begin to be looked for."""
AROUND = 1.25
"""Side of a portrait in heights of its hero, which end at the head: ears and hats are above."""


@dataclass(frozen=True)
class Starring:
    """A scene, its hero, and the same hero in another scene.

    scene: to be drawn. hero: one of its characters. elsewhere: another scene, which agrees with
    `scene` in how the hero looks, but not in mood, action, place. again: the hero there. double:
    whether another character of `scene` has the hero's species, and only its colour tells whom the
    portrait shows.
    """

    scene: Scene
    hero: Character
    elsewhere: Scene
    again: Character
    double: bool


def starring(split: str, index: int, seed: int = 0) -> Starring:
    """Scene `index` of a split and a portrait for it: a pure function of the arguments.

    Both scenes are of the split, and nowhere does a portrait come from the scene that it is for:
    copying a crop of the target would look like consistency.
    """
    dice = Dice("starring", seed, split, index)
    scene = sample_scene(split, index, seed)
    hero = dice.pick(scene.characters)
    doubled = None
    if len(scene.characters) > 1 and dice.chance(DOUBLED):
        doubled = _doubled(scene, hero, split, dice)
    tries = 1
    while True:
        stage = sample_scene(split, index + tries * ELSEWHERE, seed)
        found = _cast(stage, hero, split, dice)
        if found is not None:
            again = next(c for c in found.characters if c.identity == hero.identity)
            return Starring(doubled or scene, hero, found, again, doubled is not None)
        tries += 1


def _doubled(scene: Scene, hero: Character, split: str, dice: Dice) -> Scene | None:
    """The scene with one of the others played by an animal of the hero's species."""
    other = dice.pick([c for c in scene.characters if c is not hero])
    alike = replace(hero, identity=other.identity, position=other.position, name=other.name)
    for actor in (replace(other, species=hero.species), alike):
        for colour in dice.sample(v.COLOURS, len(v.COLOURS)):
            cast = (replace(actor, colour=colour) if c is other else c for c in scene.characters)
            try:
                found = replace(scene, characters=tuple(cast))
            except ValueError:  # the hero's own colour, or a mood that the scene forbids
                continue
            if in_split(found, split):
                return found
    return None


def _cast(stage: Scene, hero: Character, split: str, dice: Dice) -> Scene | None:
    """The scene with one of its characters played by the hero, if it stays in the split."""
    role = dice.pick(stage.characters)
    actor = replace(
        role,
        species=hero.species,
        colour=hero.colour,
        accessory=hero.accessory,
        identity=hero.identity,
    )
    try:
        found = replace(
            stage, characters=tuple(actor if c is role else c for c in stage.characters)
        )
    except ValueError:
        return None
    return found if in_split(found, split) else None


def portrait(scene: Scene, hero: Character, size: int = 64, picture: int = 128) -> Image.Image:
    """The square around a character of a scene, cut out of its picture.

    Args:
        scene: with the hero in it.
        hero: one of its characters.
        size: of the portrait in pixels.
        picture: side of the picture that it is cut from.
    """
    return cut_around(render(scene, picture), scene, hero, size)


def cut_around(picture: Image.Image, scene: Scene, hero: Character, size: int = 64) -> Image.Image:
    """The square around a character out of a picture of its scene.

    Args:
        picture: square.
        scene: what it shows.
        hero: one of its characters.
        size: of the portrait in pixels.
    """
    x, feet, height = placement(scene, hero)
    side = min(1.0, AROUND * height)
    left = min(max(x - side / 2, 0.0), 1 - side)
    top = min(max(feet + 0.03 - side, 0.0), 1 - side)
    box = [round(picture.width * edge) for edge in (left, top, left + side, top + side)]
    cut = picture.crop((box[0], box[1], box[2], box[3]))
    return cut.resize((size, size), Image.Resampling.LANCZOS)
