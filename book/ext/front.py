"""The front page's moving picture: a story in four scenes, drawn by the package at build time.

```{hero-story}
```
The four pictures are all in the page, each with its sentence. With motion allowed, a style sheet
and a few lines of script show one after another, each of them moving, and a button stops them;
otherwise they stand still, side by side.
"""

from html import escape
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mmcourse.storyworld import Character, Scene, Thing, caption, render
from mmcourse.storyworld.drawing.animate import frames

SIDE = 640  # pixels: twice the size on the page, for sharp screens
MOVING = 440  # pixels of what moves, where sharpness is seen less
FRAME = 110  # milliseconds
FOLDER = "_static/hero"


def fern(mood: str, action: str, position: str = "middle") -> Character:
    """The heroine, always herself."""
    return Character("fox", "orange", "scarf", mood, action, position, "Fern")


class Page(NamedTuple):
    """A scene, its sentence, and how it moves (see `mmcourse.storyworld.drawing.animate`)."""

    scene: Scene
    sentence: str
    motion: str
    frames: int


def story() -> list[Page]:
    """The four pages."""
    balloon = Thing("balloon", "red", "left")
    owl = Character("owl", "blue", "hat", "surprised", "standing", "right", "Olive")
    found = Character("owl", "blue", "hat", "happy", "waving", "right", "Olive")
    return [
        Page(
            Scene((fern("happy", "waving"),), (balloon,), "meadow", "day", "clear"),
            "Fern the fox took her red balloon for a walk.",
            "wave",
            12,
        ),
        Page(
            Scene((fern("surprised", "jumping"),), (), "mountains", "sunset", "clear"),
            "On the mountain the wind took it. She jumped, and missed.",
            "sunset",
            24,
        ),
        Page(
            Scene((fern("sad", "standing", "left"), owl), (), "forest", "night", "rain"),
            "All night she looked for it in the forest. Only Olive was awake.",
            "walk",
            24,
        ),
        Page(
            Scene((fern("happy", "waving", "left"), found), (balloon,), "village", "day", "snow"),
            "In the morning they found it, above the first snow.",
            "wave",
            12,
        ),
    ]


class HeroStory(SphinxDirective):
    """The pictures and their sentences, and the button that stops them."""

    def run(self) -> list[nodes.Node]:
        up = "../" * self.env.docname.count("/")
        frames = []
        for number, page in enumerate(story(), start=1):
            alt = escape(f"A picture of this scene: {caption(page.scene)}", quote=True)
            moving = f"{up}{FOLDER}/{number}-moving.webp"
            loading = 'fetchpriority="high"' if number == 1 else 'loading="lazy"'
            frames.append(
                f'<li><img src="{up}{FOLDER}/{number}.webp" data-moving="{moving}"'
                f' alt="{alt}" width="{SIDE}" height="{SIDE}" {loading}>'
                f"<p>{escape(page.sentence)}</p></li>"
            )
        html = (
            '<div class="mm-hero"><ol aria-label="A story in four pictures">'
            f"{''.join(frames)}</ol>"
            '<button type="button" class="mm-hero-pause" hidden>Stop the pictures</button></div>'
        )
        return [nodes.raw("", html, format="html")]


def draw(app: Sphinx, exception: Exception | None) -> None:
    """Render the scenes into the built book. They are never files of the repository."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(story(), start=1):
        render(page.scene, size=SIDE).save(folder / f"{number}.webp", quality=86)
        first, *others = frames(page.scene, page.motion, page.frames, MOVING)
        first.save(
            folder / f"{number}-moving.webp",
            save_all=True,
            append_images=others,
            duration=FRAME,
            loop=0 if page.motion == "wave" else 1,
            quality=62,
        )


def setup(app: Sphinx) -> None:
    """Register the directive and the drawing."""
    app.add_directive("hero-story", HeroStory)
    app.connect("build-finished", draw)
