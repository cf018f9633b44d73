"""A drawing of one's own hero: the nearest identity of the world, to be shown beside it.

Chapter 1's towers say the species; the paint says the colour and its shade; the marks, the ears and
the eyes are found by trying: of many identities the one whose picture is nearest to the drawing, as
the towers see it. It is a guess, and the reader can correct every part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmcourse.story.abilities import Hero
from mmcourse.story.backends.towers import Towers
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.colours import COATS, rgb
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.identity import coat
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import Character, Scene

if TYPE_CHECKING:
    from PIL.Image import Image

TRIES = 24
"""How many identities are drawn to be compared."""
PAPER = 24.0
"""A pixel that is nearer to the paper than this, of 255, belongs to it."""
INK = 90.0
"""A pixel darker than this is an outline, and no coat."""


@dataclass(frozen=True)
class Guess:
    """The nearest hero of the world.

    hero: their look and identity. picture: how the world draws them.
    sure: how far the species is ahead of the second (cosine); small is a guess.
    others: the species that come next.
    """

    hero: Hero
    picture: Image
    sure: float
    others: tuple[str, ...]


def hero_from_drawing(
    drawing: Image, towers: Towers | None = None, name: str = "Pip", seed: int = 0, **known: str
) -> Guess:
    """Find the world's hero that is nearest to a drawing.

    Args:
        drawing: the picture, as RGB (see `mmcourse.story.uploads`).
        towers: who looks.
        name: the hero's name.
        seed: another seed tries other identities.
        known: what the reader has corrected: `species`, `colour`, `accessory`.

    Raises:
        ValueError: an empty drawing, or a correction that the world does not know.
    """
    towers = towers or Towers()
    paint = painted(drawing)
    vector = towers.pictures([drawing])[0]
    means = towers.classes("species").mean(1)
    likeness = means / np.linalg.norm(means, axis=1, keepdims=True) @ vector
    order = np.argsort(-likeness)
    species = known.get("species") or v.SPECIES[order[0]]
    colour = known.get("colour") or nearest_colour(paint)
    accessory = known.get("accessory", "none")
    dice = Dice("drawn hero", seed, species, colour)
    tried = [_shaded(sample_identity(dice), colour, paint) for _ in range(TRIES)]
    pictures = [_portrait(Character(species, colour, accessory, identity=i)) for i in tried]
    best = int((towers.pictures(pictures) @ vector).argmax())
    hero = Hero(name, {"species": species, "colour": colour, "accessory": accessory}, tried[best])
    others = tuple(v.SPECIES[i] for i in order if v.SPECIES[i] != species)[:3]
    ahead = float(likeness[order[0]] - likeness[order[1]])
    return Guess(
        hero, _portrait(Character(**hero.looks, identity=hero.identity), 256), ahead, others
    )


def _portrait(who: Character, size: int = 64) -> Image:
    from mmcourse.storyworld.drawing.render import render

    return render(Scene((who,), camera="close"), size)


def painted(drawing: Image) -> np.ndarray:
    """The coat's paint, (3,) in 0..255: the median of what is neither paper nor outline.

    Raises:
        ValueError: there is nothing on the paper.
    """
    pixels = np.asarray(drawing.convert("RGB").resize((96, 96)), np.float64).reshape(-1, 3)
    edge = np.concatenate([pixels.reshape(96, 96, 3)[i] for i in (0, -1)])
    paper = np.median(edge, axis=0)
    drawn = np.abs(pixels - paper).max(1) > PAPER
    if drawn.sum() < 20:
        raise ValueError("there is nothing on this drawing yet; draw your hero")
    coloured = drawn & (pixels.max(1) > INK)
    if coloured.sum() < 0.3 * drawn.sum():  # lines alone: the coat is left as the paper is
        return paper
    chosen = pixels[coloured]
    spread = chosen.max(1) - chosen.min(1)
    vivid = chosen[spread >= np.median(spread)]
    return np.median(vivid, axis=0)


def nearest_colour(paint: np.ndarray) -> str:
    """The name of the coat that a paint is nearest to."""
    far = {name: float(np.abs(np.array(rgb(COATS[name])) - paint).sum()) for name in v.COLOURS}
    return min(far, key=lambda name: far[name])


def _shaded(identity: tuple[float, ...], colour: str, paint: np.ndarray) -> tuple[float, ...]:
    """The identity in the shade of its colour that is nearest to the paint."""
    steps = [i / 4 for i in range(-4, 5)]
    shades = [(h, s) for h in steps for s in steps]

    def far(shade: tuple[float, float]) -> float:
        code = coat(colour, (*shade, *identity[2:]))
        return float(np.abs(np.array(rgb(code)) - paint).sum())

    return (*min(shades, key=far), *identity[2:])
