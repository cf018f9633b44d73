"""Contact sheets of StoryWorld to look at: every style, mood and light, at 64, 128 and 512 px.

python tools/gallery.py FOLDER
"""

import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

from PIL import Image

from mmcourse.storyworld import Character, Scene, Thing, render
from mmcourse.storyworld.drawing.animate import KINDS, frames
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.sampling import Dice, sample_identity, sample_scene
from mmcourse.storyworld.world.scene import Interaction


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size, row by row."""
    side, rows = pictures[0].width, -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * side, rows * side), "white")
    for i, picture in enumerate(pictures):
        whole.paste(picture, (i % columns * side, i // columns * side))
    return whole


def moods() -> list[Scene]:
    """Each mood in each light, another species and place each time."""
    return [
        Scene(
            (Character(v.SPECIES[i % 8], v.COLOURS[(3 * i + 1) % 8], v.ACCESSORIES[i % 4], mood),),
            place=v.PLACES[i % 7],
            time=time,
        )
        for i, (time, mood) in enumerate(product(v.TIMES, v.MOODS))
    ]


def deeds() -> list[Scene]:
    """Every action and every interaction."""
    lone = [
        Scene((Character(s, c, action=a, identity=sample_identity(Dice("gallery", s))),), place=p)
        for s, c, a, p in zip(v.SPECIES, v.COLOURS, v.ACTIONS, v.PLACES, strict=False)
    ]
    ball = (Thing("ball", "yellow", "left"),)
    pair = [
        Scene(
            (Character("mouse", "pink", mood=m, position="left", name="Dot"),
             Character("bear", "blue", mood=n, position="right", name="Gus")),
            ball if kind == "give" else (),
            place=place,
            interaction=Interaction(kind, "left", "right", "ball" if kind == "give" else None),
        )
        for kind, m, n, place in (("give", "happy", "surprised", "garden"),
                                  ("follow", "happy", "happy", "forest"),
                                  ("hug", "sad", "happy", "pond"),
                                  ("quarrel", "angry", "sad", "meadow"))
    ]  # fmt: skip
    return [*lone, *pair]


def doubles() -> list[Scene]:
    """Eight identities of each species in one colour."""
    return [
        Scene((Character(s, c, identity=sample_identity(Dice("doubles", s, i))),))
        for s, c in zip(v.SPECIES, v.COLOURS, strict=True)
        for i in range(8)
    ]


def main(folder: Path) -> None:
    """Write all sheets into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for style in v.STYLES:
        for name, scenes in (("moods", moods()), ("deeds", deeds())):
            for size in (64, 128, 512):
                pictures = [render(replace(s, style=style), size) for s in scenes]
                sheet(pictures, 4 if name == "moods" else 3).save(
                    folder / f"{name}-{style}-{size}.png"
                )
        drawn = [render(sample_scene("train", i, 1, style), 64) for i in range(96)]
        sheet(drawn, 12).save(folder / f"sampled-{style}-64.png")
    sheet([render(s, 128) for s in doubles()], 8).save(folder / "doubles-128.png")
    hero = Scene((Character("fox", "orange", "hat", position="left", name="Pip"),
                  Character("mouse", "blue", position="right", name="Dot")),
                 (Thing("ball", "red", "middle"),), place="village")  # fmt: skip
    waving = tuple(replace(c, action="waving") for c in hero.characters)
    strips = [
        picture
        for kind in KINDS
        for picture in frames(
            replace(hero, characters=waving) if kind == "wave" else hero, kind, 8, 128
        )
    ]
    sheet(strips, 8).save(folder / "animations-128.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"))
