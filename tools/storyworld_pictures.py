"""Draw the pictures of the page about StoryWorld.

    python tools/storyworld_pictures.py [FOLDER]    (default: book/_static/storyworld)

Each is a small WebP file; the same code draws the same pictures.
"""

import sys
from pathlib import Path

from PIL import Image

from mmcourse.storyworld import Character, Scene, Thing, render, sample_scene
from mmcourse.storyworld import vocabulary as v
from mmcourse.storyworld.sampling import Dice
from mmcourse.storyworld.tell import tell

HERO = Character("fox", "orange", "scarf", "happy", "waving", "left", "Rue")
FRIEND = Character("bear", "blue", "none", "surprised", "standing", "right", "Milo")


def sheet(scenes: list[Scene], columns: int, side: int) -> Image.Image:
    """Scenes in rows, with a little paper between them."""
    gap, rows = side // 32, -(-len(scenes) // columns)
    whole = Image.new(
        "RGB", (columns * (side + gap) - gap, rows * (side + gap) - gap), (255, 253, 248)
    )
    for i, scene in enumerate(scenes):
        place = (i % columns * (side + gap), i // columns * (side + gap))
        whole.paste(render(scene, side), place)
    return whole


def identities() -> list[Scene]:
    """Four orange foxes of whom every caption is the same."""
    dice = Dice("four foxes")
    looks = [tuple(round(2 * dice.pick(range(101)) / 100 - 1, 2) for _ in range(8)) for _ in "1234"]
    return [Scene((Character("fox", "orange", identity=look),)) for look in looks]


def pictures() -> dict[str, Image.Image]:
    """Every picture of the page, by its name."""
    things = (Thing("lantern", "yellow", "middle"),)
    return {
        "species": sheet(
            [Scene((Character(s, c),), place=p) for s, c, p in
             zip(v.SPECIES, v.COLOURS, (*v.PLACES, *v.PLACES), strict=False)], 4, 192),
        "places": sheet(
            [Scene((HERO, FRIEND), place=p, time=v.TIMES[i % 3]) for i, p in enumerate(v.PLACES)],
            4, 192),
        "styles": sheet(
            [Scene((HERO, FRIEND), things, "forest", "night", "snow", s) for s in v.STYLES],
            4, 192),
        "moods": sheet([Scene((Character("cat", "purple", mood=m),)) for m in v.MOODS], 4, 192),
        "identities": sheet(identities(), 4, 192),
        "random": sheet([sample_scene("test", i) for i in range(24)], 8, 96),
        "story": sheet([p.scene for p in tell(10).pages], 5, 192),
    }  # fmt: skip


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "book/_static/storyworld")
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        picture.save(folder / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
