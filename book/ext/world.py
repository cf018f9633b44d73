"""What the page about StoryWorld shows of it, drawn and listed by the package at build time.

```{world-picture} styles
:alt: What is to be seen, for a reader who cannot see it.
The caption.
```
```{world-story} 6
```
```{world-values}
```
```{world-words}
```
A picture is a sheet of scenes, kept in no file of the repository: change a drawing and the page
changes with it. A story is told by its index, each page's words beneath its picture. The other two
list the closed vocabulary, as values and as words. A caption that several scenes share stands in a
sentence as {one-caption}`identities`, and the build fails if they do not share it.
"""

from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import ClassVar

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from mmcourse.joint.opening import SCENE as OPENING
from mmcourse.storyworld import (
    Character,
    Interaction,
    Scene,
    Thing,
    View,
    caption,
    render,
    sample_scene,
)
from mmcourse.storyworld.drawing.animate import frames
from mmcourse.storyworld.drawing.depth import depth, segmentation
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.language.tokenizer import SPECIAL, Tokenizer
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity

from .figures import Picture, nearest

FOLDER = "_static/world"
PAGE = 320
PAPER = (255, 253, 248)
FOX = Character("fox", "orange", "scarf", "happy", "waving", "left", "Rue")
BEAR = Character("bear", "blue", "none", "surprised", "standing", "right", "Milo")
PAIR = Scene((FOX, BEAR), (Thing("lantern", "yellow", "middle"),), "forest", "night", "snow")
TINTS = np.array([PAPER, (125, 140, 60), (217, 130, 43), (59, 110, 168), (200, 80, 110),
                  (122, 94, 168), (42, 157, 143), (43, 42, 51), (217, 212, 199), (150, 120, 90),
                  (90, 90, 110)], dtype=np.uint8)  # fmt: skip


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size in rows, with a little paper between them."""
    side, rows = pictures[0].width, -(-len(pictures) // columns)
    step = side + side // 32
    whole = Image.new("RGB", (columns * step - step + side, rows * step - step + side), PAPER)
    for i, picture in enumerate(pictures):
        whole.paste(picture, (i % columns * step, i // columns * step))
    return whole


def _drawn(scenes: list[Scene], columns: int = 4, side: int = 256) -> Image.Image:
    return sheet([render(scene, side) for scene in scenes], columns)


def _species() -> Image.Image:
    cast = zip(v.SPECIES, v.COLOURS, (*v.PLACES, *v.PLACES), strict=False)
    return _drawn([Scene((Character(s, c),), place=p) for s, c, p in cast])


def _places() -> Image.Image:
    lit = [(p, v.TIMES[i % 3]) for i, p in enumerate(v.PLACES)]
    scenes = [Scene((FOX, BEAR), place=p, time=t) for p, t in lit]
    return _drawn([*scenes, replace(PAIR, place="village")])


def _deeds() -> Image.Image:
    alone = [
        Scene((Character(s, c, action=a),), place=p)
        for s, c, a, p in zip(v.SPECIES[1:], v.COLOURS[2:], v.ACTIONS[1:], v.PLACES, strict=False)
    ]
    moods = (("happy", "surprised"), ("happy", "happy"), ("sad", "happy"), ("angry", "sad"))
    ball = (Thing("ball", "yellow", "left"),)
    together = [
        Scene(
            (
                Character("mouse", "pink", mood=m, position="left", name="Dot"),
                Character("bear", "blue", mood=n, position="right", name="Milo"),
            ),
            ball if kind == "give" else (),
            interaction=Interaction(kind, "left", "right", "ball" if kind == "give" else None),
        )
        for kind, (m, n) in zip(v.INTERACTIONS, moods, strict=True)
    ]
    return _drawn([*alone, *together])


def four_foxes() -> list[Scene]:
    """Four individuals of whom every caption says the same."""
    looks = [sample_identity(Dice("four foxes", i)) for i in range(4)]
    return [Scene((Character("fox", "orange", identity=look),)) for look in looks]


def _views() -> Image.Image:
    views = (View(), View(pan=0.9), View(angle=0.9), View(zoom=1.9))
    return sheet([render(replace(PAIR, style="flat"), 256, view=view) for view in views], 4)


def _layers() -> Image.Image:
    far = (255 * depth(PAIR, 256)).astype(np.uint8)
    parts = TINTS[segmentation(PAIR, 256) % len(TINTS)]
    maps = [Image.fromarray(far).convert("RGB"), Image.fromarray(parts)]
    return sheet([render(PAIR, 256), *maps], 3)


def _animations() -> Image.Image:
    scene = replace(PAIR, time="day", weather="clear", place="village",
                    things=(Thing("ball", "red", "middle"),))  # fmt: skip
    standing = replace(scene, characters=tuple(replace(c, action="standing") for c in (FOX, BEAR)))
    rows = [("walk", standing), ("wave", scene), ("fall", scene), ("sunset", scene)]
    return sheet([p for kind, s in rows for p in frames(s, kind, 6, 160)], 6)


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "species": _species,
    "places": _places,
    "moods": lambda: _drawn([Scene((Character("cat", "purple", mood=m),)) for m in v.MOODS]),
    "deeds": _deeds,
    "styles": lambda: _drawn([replace(PAIR, style=style) for style in v.STYLES]),
    "identities": lambda: _drawn(four_foxes()),
    "views": _views,
    "layers": _layers,
    "animations": _animations,
    "opening": lambda: render(OPENING, 480),
    "random": lambda: _drawn([sample_scene("test", i) for i in range(32)], 8, 128),
}


class WorldPicture(Picture):
    """One of `PICTURES`, as a numbered figure."""

    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in PICTURES:
            raise self.error(f"no world-picture {name!r}; {nearest(name, list(PICTURES))}")
        alt = " ".join(self.options.get("alt", "").split())
        if len(alt) < 20:
            raise self.error(f"world-picture {name!r} has no :alt: that says what is to be seen")
        width, height = PICTURES[name]().size
        up = "../" * self.env.docname.count("/")
        image = (
            f'<img src="{up}{FOLDER}/{name}.webp" alt="{escape(alt, quote=True)}" '
            f'width="{width}" height="{height}" loading="lazy">'
        )
        return self.figure(image, f"world-{name}", self.written_caption())


class WorldStory(Picture):
    """A story by its index: its pictures in order, the words of each page beneath."""

    def run(self) -> list[nodes.Node]:
        index = int(self.arguments[0])
        self.env.metadata[self.env.docname].setdefault("world-stories", []).append(index)
        story = tell(index)
        up = "../" * self.env.docname.count("/")
        pages = "".join(
            f'<li><img src="{up}{FOLDER}/story-{index}-{i}.webp" width="{PAGE}" height="{PAGE}" '
            f'alt="{escape(caption(page.scene), quote=True)}" loading="lazy">'
            f"<p>{escape(page.text)}</p></li>"
            for i, page in enumerate(story.pages)
        )
        html = (
            f'<section class="mm-told" aria-label="A story: {escape(story.title, quote=True)}">'
            f'<p class="mm-told-title">{escape(story.title)}</p><ol>{pages}</ol></section>'
        )
        return [nodes.raw("", html, format="html")]


class WorldValues(Picture):
    """Every attribute with all its values, as a table."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        rows = {
            "species": v.SPECIES, "colour": v.COLOURS, "accessory": v.ACCESSORIES,
            "mood": v.MOODS, "action": v.ACTIONS, "position": v.POSITIONS,
            "interaction": v.INTERACTIONS, "thing": v.KINDS, "place": v.PLACES, "time": v.TIMES,
            "weather": v.WEATHERS, "camera": v.CAMERAS, "style": v.STYLES, "name": v.NAMES,
        }  # fmt: skip
        cells = "".join(
            f'<tr><th scope="row">{name}</th><td>{", ".join(values)}</td></tr>'
            for name, values in rows.items()
        )
        table = (
            '<div class="pst-scrollable-table-container"><table class="table">'
            '<thead><tr><th scope="col">attribute</th><th scope="col">values</th></tr></thead>'
            f"<tbody>{cells}</tbody></table></div>"
        )
        return [nodes.raw("", table, format="html")]


class WorldWords(Picture):
    """Every word that the world's texts use, folded."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        words = [w for w in Tokenizer().words[len(SPECIAL) :] if any(map(str.isalpha, w))]
        html = (
            f"<details class='mm-words'><summary>All {len(words)} words of the world</summary>"
            f"<p>{escape(', '.join(words))}</p></details>"
        )
        return [nodes.raw("", html, format="html")]


class OneCaption(SphinxRole):
    """The caption that all scenes of a sheet have in common."""

    SHEETS: ClassVar = {"identities": four_foxes}

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if self.text not in self.SHEETS:
            raise ValueError(f"no scenes {self.text!r}; {nearest(self.text, list(self.SHEETS))}")
        (text,) = {caption(scene) for scene in self.SHEETS[self.text]()}
        return [nodes.emphasis("", text)], []


def draw(app: Sphinx, exception: Exception | None) -> None:
    """Draw the sheets into the built book."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make().save(folder / f"{name}.webp", quality=84)
    told = {i for page in app.env.metadata.values() for i in page.get("world-stories", ())}
    for index in sorted(told):
        for i, page in enumerate(tell(index).pages):
            render(page.scene, PAGE).save(folder / f"story-{index}-{i}.webp", quality=84)


def setup(app: Sphinx) -> None:
    """Register the directives and the drawing."""
    app.add_directive("world-picture", WorldPicture)
    app.add_directive("world-story", WorldStory)
    app.add_directive("world-values", WorldValues)
    app.add_directive("world-words", WorldWords)
    app.add_role("one-caption", OneCaption())
    app.connect("build-finished", draw)
