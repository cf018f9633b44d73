"""A story as a book: its pages, pictures and characters, ready for any kind of copy.

All that is typed by people or written by models is cleaned here, once: what no XML, PDF or name of
a file may hold is taken out, and the rest is text. Each kind of copy escapes it by the rules of its
own format.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from mmcourse.story.abilities import Credit
from mmcourse.story.library import Library
from mmcourse.story.pixels import cut_out
from mmcourse.story.portrait import portrait_of
from mmcourse.story.staging import boxes, in_words, people, scene_of, square_around
from mmcourse.story.state import State
from mmcourse.story.story import Node, Picture, Story
from mmcourse.storyworld import Scene, View, render

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = 512
"""The side of a page's picture in pixels, where it can be drawn that fine."""
PORTRAIT = 384
UNTITLED = "A story"
MAKERS = {"reader": "the reader", "world": "the world's own pen"}
"""Backends by the names that readers know; the others are called by their own."""
FORBIDDEN = re.compile("[^\t\n\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd"
                       "\U00010000-\U0010fffd]")  # fmt: skip
"""What XML 1.0 forbids or advises against: control characters, surrogates, non-characters."""


@dataclass(frozen=True)
class Plate:
    """A picture (RGB) and the same in words."""

    image: Image
    alt: str

    @cached_property
    def packed(self) -> tuple[bytes, str]:
        """The picture as a file, and that file's ending ("png" or "jpg"): exact, unless that would
        be much larger."""
        png, jpg = io.BytesIO(), io.BytesIO()
        self.image.save(png, "PNG")
        self.image.save(jpg, "JPEG", quality=92, subsampling=0, optimize=True)
        exact = len(png.getvalue()) <= 1.5 * len(jpg.getvalue())
        return (png.getvalue(), "png") if exact else (jpg.getvalue(), "jpg")


@dataclass(frozen=True)
class Page:
    """One scene: its id, its number from 1 on, its text, and its picture if it has one.

    staging: the exact scene of the picture, for who can move it; empty where nobody knows it.
    """

    scene: int
    number: int
    text: str
    plate: Plate | None = None
    staging: str = ""


@dataclass(frozen=True)
class Figure:
    """A character in the gallery: name, description, and a portrait if one can be had."""

    name: str
    description: str
    plate: Plate | None = None


@dataclass(frozen=True)
class Book:
    """All that a copy shows. `id` is the story's; `makers` says who wrote and drew it; `changed`
    is when its last step was taken (ISO 8601, UTC)."""

    id: str
    title: str
    pages: tuple[Page, ...]
    gallery: tuple[Figure, ...]
    makers: str = ""
    changed: str = "2000-01-01T00:00:00Z"

    @property
    def cover(self) -> Plate | None:
        """The first picture."""
        return next((page.plate for page in self.pages if page.plate), None)

    def letters(self) -> str:
        """Every text of it, to see which letters are needed."""
        said = [f"{f.name} {f.description}" for f in self.gallery]
        return " ".join([self.title, self.makers, *(p.text for p in self.pages), *said])


def clean(text: str) -> str:
    """Text without what XML forbids; line ends are made one kind, spaces at the ends go."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return FORBIDDEN.sub("", text.replace("\u2029", "\n\n")).strip()


def paragraphs(text: str) -> tuple[str, ...]:
    """A text at its empty lines; single line breaks stay inside."""
    return tuple(part.strip() for part in re.split(r"\n\s*\n", text) if part.strip())


def gather(story: Story, library: Library, size: int = SIZE) -> Book:
    """The scenes along the path where the reader is, and everybody in them.

    Args:
        story: which.
        library: where its pictures are.
        size: side of the pages' pictures in pixels; those of a model stay as they are.

    Raises:
        ValueError: a story without scenes.
    """
    path = story.path()
    if not path:
        raise ValueError(f"{story.title!r} has no scene yet, so there is nothing to copy: start it")
    pages = tuple(_page(node, i, library, size) for i, node in enumerate(path, start=1))
    title = " ".join(clean(story.title).split()) or UNTITLED
    made = clean(_makers(path))
    return Book(story.id, title, pages, gallery(story, library), made, _changed(story, library))


def _changed(story: Story, library: Library) -> str:
    rows = library.database.rows(
        "SELECT at FROM steps WHERE story = ? AND id = ?", story.id, story.step
    )
    at = datetime.fromisoformat(rows[0][0]) if rows else datetime.fromtimestamp(0, UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(node: Node, number: int, library: Library, size: int) -> Page:
    record = node.picture
    if record is None:
        return Page(node.id, number, clean(node.text))
    image, scene = sharp(library, record, size)
    plate = Plate(image, alt_of(record))
    moves = scene.to_json() if scene and not record.view else ""
    return Page(node.id, number, clean(node.text), plate, moves)


def alt_of(record: Picture) -> str:
    """A picture in words: as recorded, else as staged, else its prompt."""
    said = record.alt or in_words(record.staging, record.prompt)
    return " ".join(clean(said).split()) or "A picture of the story."


def sharp(library: Library, record: Picture, size: int) -> tuple[Image, Scene | None]:
    """A picture as fine as it can be had, and the exact scene that it shows, if that is certain.

    What the world drew by rule is drawn again at `size`, if drawing it at its own size gives the
    very same pixels; all else is returned as it is kept, without a scene.
    """
    kept = library.picture(record.hash)
    scene = _redrawn(kept, record)
    if scene is None or kept.width >= size:
        return kept, scene
    return render(scene, size, view=View(**record.view)), scene  # type: ignore[arg-type]


def _redrawn(kept: Image, record: Picture) -> Scene | None:
    """The scene, if drawing it gives exactly these pixels."""
    if not record.staging or kept.width != kept.height:
        return None
    try:
        staged = scene_of(record.staging)
        assert staged is not None
        scene = replace(staged, style=record.style)
        again = render(scene, kept.width, view=View(**record.view))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None
    return scene if again.tobytes() == kept.tobytes() else None


# -- who is in it --------------------------------------------------------------------------------


def gallery(story: Story, library: Library) -> tuple[Figure, ...]:
    """Everybody of the story in the order of their coming, with words and a portrait.

    The portrait is the last one that the reader had made. Else it is cut out of the first page that
    shows them, or, if that page is the world's own drawing, the world draws one; else there are
    words alone.
    """
    state = story.state()
    names = dict.fromkeys([*state.characters, *(p.name for p in story.portraits)])
    return tuple(_figure(story, library, state, name) for name in names)


def _figure(story: Story, library: Library, state: State, name: str) -> Figure:
    told = " ".join(clean(describe(name, state)).split())
    shown = " ".join(clean(name).split()) or "Somebody"
    made = story.portraits_of(name)
    if made:
        record = made[-1].picture
        return Figure(shown, told, Plate(sharp(library, record, PORTRAIT)[0], alt_of(record)))
    pictures = [n.picture for n in story.path() if n.picture and name in people(n.picture.staging)]
    if not pictures:
        return Figure(shown, told)
    kept, exact = sharp(library, pictures[0], PORTRAIT)
    if exact is None:
        box = boxes(pictures[0].staging).get(name)
        alt = f"{shown}, cut out of a page's picture."
        return Figure(shown, told, None if box is None else Plate(cut_around(kept, box), alt))
    words, staging = portrait_of(name, state, story.style)
    scene = scene_of(staging)
    if scene is None:
        return Figure(shown, told)
    return Figure(shown, told, Plate(render(scene, PORTRAIT), clean(words)))


def cut_around(picture: Image, box: tuple[float, float, float, float]) -> Image:
    """The square around a box, in parts of the picture's sides, as large as a portrait."""
    from PIL import Image

    x, y, side = square_around(box, room=1.15)
    cut = cut_out(picture, (x, y, x + side, y + side))
    return cut.resize((PORTRAIT, PORTRAIT), Image.Resampling.BICUBIC)


def describe(name: str, state: State) -> str:
    """Somebody in two or three sentences, from what is true at the end."""
    looks, mood = state.looks(name), state.mood(name)
    what = " ".join(filter(None, (looks.get("colour"), looks.get("species"))))
    said = f"{_a(what).capitalize()}" if what else "Somebody of this story"
    if looks.get("accessory", "none") != "none":
        said += f" with {_a(looks['accessory'])}"
    said += f", {mood} in the end." if mood else "."
    things = state.holds(name)
    if things:
        said += f" Has {_list([_a(thing) for thing in things])}."
    for relation in ("friend of", "knows", "fears", "misses"):
        others = [
            f.value for f in state.relations() if (f.subject, f.attribute) == (name, relation)
        ]
        if others:
            verb = "A friend of" if relation == "friend of" else relation.capitalize()
            said += f" {verb} {_list(others)}."
    return said


def _a(what: str) -> str:
    return f"an {what}" if what[:1] in "aeiou" else f"a {what}"


def _list(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _makers(path: tuple[Node, ...]) -> str:
    """Who wrote and drew it, each once."""
    wrote = dict.fromkeys(_drawer(c) for n in path for c in n.credits if c.ability == "writer")
    drew = dict.fromkeys(_drawer(n.picture.drawn) for n in path if n.picture)
    said = [f"Written by {_list(list(wrote))}."] if wrote else []
    return " ".join([*said, *([f"Drawn by {_list(list(drew))}."] if drew else [])])


def _drawer(credit: Credit) -> str:
    return MAKERS.get(credit.backend, credit.backend)
