"""What an animated book shows: cards of a picture and a few lines of text below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mmcourse.story.export.book import Book, Figure, Page, Plate
from mmcourse.story.export.lending import covered, lent_face
from mmcourse.story.export.look import CUT_PAPERS, DAY, TEXT, TITLE, letters, pen
from mmcourse.story.narration import Recording, sentences
from mmcourse.storyworld import Scene, View, render
from mmcourse.storyworld.drawing.animate import frames

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

LINES = 4
"""How many lines of text stand below a picture."""
READING = 0.30
"""Seconds a word, for whoever reads along, and at least `SHORTEST` seconds a card."""
SHORTEST, TITLE_SECONDS, END_SECONDS = 2.5, 3.0, 4.0
PAN = 0.35


@dataclass(frozen=True)
class Card:
    """What is seen for some seconds: pictures that follow each other, and lines below them.

    pictures: squares; the last one is held for as long as the card stays.
    again: whether they begin again, for as long as the card stays.
    """

    pictures: tuple[Image, ...]
    lines: tuple[str, ...]
    seconds: float
    again: bool = False
    title: bool = False


def movement(page: Page, before: Page | None, n: int, size: int) -> tuple[list[Image], bool]:
    """A page's picture as it moves, and whether it may begin again: whoever waves waves, whoever
    follows walks, the sun that goes down between two pages goes down; else one looks about the
    stage, whose layers slide. A picture whose scene nobody knows stands still."""
    if not page.staging:
        return ([] if page.plate is None else [square(page.plate, size)]), False
    scene = Scene.from_json(page.staging)
    actions = {c.action for c in scene.characters}
    if "waving" in actions:
        return frames(scene, "wave", n, size), True
    if scene.interaction and scene.interaction.kind == "follow" and actions == {"standing"}:
        return frames(scene, "walk", n, size), False
    earlier = Scene.from_json(before.staging).time if before and before.staging else ""
    if scene.time == "sunset" and scene.weather == "clear" and earlier == "day":
        return frames(scene, "sunset", 2 * n - 1, size)[:n], False
    return [render(scene, size, view=View(pan=PAN * _swing(i / n))) for i in range(n)], True


def _swing(t: float) -> float:
    """From the middle to one side, to the other and back, as a triangle with soft ends."""
    import math

    return math.sin(2 * math.pi * t)


def square(plate: Plate, size: int) -> Image:
    """A picture in a square of paper, whole."""
    from PIL import Image, ImageOps

    fitted = ImageOps.contain(plate.image, (size, size), Image.Resampling.LANCZOS)
    out = Image.new("RGB", (size, size), DAY["paper"])
    out.paste(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2))
    return out


# -- text ----------------------------------------------------------------------------------------


@cache
def _lent_pen(size: int) -> FreeTypeFont | None:
    from PIL import ImageFont

    return ImageFont.truetype(lent_face(), size) if lent_face() else None


def runs(text: str, name: str, size: int) -> Iterator[tuple[str, FreeTypeFont]]:
    """A line in pieces, each with a pen that has its letters; what nobody has is an empty box."""
    lent = _lent_pen(size)
    has = covered(lent_face()) if lent else frozenset[int]()
    pens = {n: pen(n, size) for n in (name, TEXT)}

    def chosen(c: str) -> tuple[str, FreeTypeFont]:
        for n in pens:
            if ord(c) in letters(n):
                return c, pens[n]
        if lent and ord(c) in has:
            return c, lent
        return ("\u25a1", lent) if lent else ("?", pens[TEXT])

    piece, last = "", None
    for c, font in map(chosen, text):
        if last is not None and font is not last:
            yield piece, last
            piece = ""
        piece, last = piece + c, font
    if last is not None:
        yield piece, last


def width(text: str, name: str, size: int) -> float:
    """How wide a line is in pixels."""
    return sum(font.getlength(piece) for piece, font in runs(text, name, size))


def wrapped(text: str, name: str, size: int, room: float) -> list[str]:
    """A text in lines that fit into `room` pixels; a word that is longer is cut."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, name, size) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for c in word:
            if lines[-1] and width(lines[-1] + c, name, size) > room:
                lines.append("")
            lines[-1] += c
    return [line for line in lines if line]


def write_lines(
    draw: ImageDraw, lines: Sequence[str], name: str, size: int, box: tuple[int, int, int, int]
) -> None:
    """Lines in the middle of a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    step = round(1.36 * size)
    y = top + (bottom - top - step * len(lines)) / 2 + step * 0.78
    for line in lines:
        x = left + (right - left - width(line, name, size)) / 2
        for piece, font in runs(line, name, size):
            draw.text((x, y), piece, DAY["ink"], font, anchor="ls")
            x += font.getlength(piece)
        y += step


def strip(draw: ImageDraw, x: int, y: int, wide: int, high: int) -> None:
    """The strip of cut papers."""
    edges = (0.0, 0.38, 0.58, 0.82, 1.0)
    for i, colour in enumerate(CUT_PAPERS):
        a, b, down = x + wide * edges[i], x + wide * edges[i + 1], high * 0.2 * (i % 2)
        draw.polygon([(a, y + down), (b, y), (b, y + high), (a, y + high - down)], colour)


# -- cards ---------------------------------------------------------------------------------------


def spoken_in_cards(
    text: str, recording: Recording | None, size: int, room: float
) -> list[tuple[tuple[str, ...], float]]:
    """A page's text in portions of a few lines, each with its seconds. Portions of a text that is
    read aloud change with its sentences."""
    cuts = recording.cuts if recording else ()
    parts = [(text[c.start : c.end], c.ends - c.begins) for c in cuts]
    if not cuts:
        parts = [(text[a:b], READING * len(text[a:b].split())) for a, b in sentences(text)]
    found: list[tuple[tuple[str, ...], float]] = []
    held, time = "", 0.0
    for words, seconds in parts:
        both = f"{held} {words}".strip()
        if held and len(wrapped(both, TEXT, size, room)) > LINES:
            found += _portions(held, time, size, room)
            held, time = words, seconds
        else:
            held, time = both, time + seconds
    if held:
        found += _portions(held, time, size, room)
    return found if cuts else [(lines, max(SHORTEST, s)) for lines, s in found]


def _portions(
    text: str, seconds: float, size: int, room: float
) -> Iterator[tuple[tuple[str, ...], float]]:
    """One text in portions of `LINES` lines; the seconds are shared by length."""
    lines = wrapped(text, TEXT, size, room)
    total = sum(map(len, lines))
    for i in range(0, len(lines), LINES):
        portion = tuple(lines[i : i + LINES])
        yield portion, seconds * sum(map(len, portion)) / max(1, total)


def cover_card(book: Book, size: int, letters_high: int, room: float) -> Card:
    """The title under the first picture."""
    lines = wrapped(book.title, TITLE, letters_high, room)
    lines = lines if len(lines) <= 3 else [*lines[:2], f"{lines[2][:-1]}…"]
    pictures = (square(book.cover, size),) if book.cover else ()
    return Card(pictures, tuple(lines), TITLE_SECONDS, title=True)


def gallery_card(people: Sequence[Figure], size: int, letters_high: int) -> Card:
    """Everybody at once, each with a name."""
    from PIL import Image, ImageDraw

    out = Image.new("RGB", (size, size), DAY["paper"])
    draw = ImageDraw.Draw(out)
    columns = 1 if len(people) == 1 else 2 if len(people) <= 4 else 3
    rows = min(columns, -(-len(people) // columns))
    shown = people[: columns * rows]
    cell = size // max(columns, rows)
    side, top = round(cell * 0.78), (size - rows * cell) // 2
    for i, figure in enumerate(shown):
        row, column = divmod(i, columns)
        here = min(columns, len(shown) - row * columns)
        x = (size - here * cell) // 2 + column * cell
        y = top + row * cell
        if figure.plate:
            out.paste(square(figure.plate, side), (x + (cell - side) // 2, y))
        name = wrapped(figure.name, TITLE, letters_high, cell)[:1]
        write_lines(draw, name, TITLE, letters_high, (x, y + side, x + cell, y + cell))
    return Card((out,), ("Who is in it",), END_SECONDS, title=True)
