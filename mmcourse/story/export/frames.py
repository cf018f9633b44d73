"""A frame of an animated book: a picture on paper, and lines below it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mmcourse.story.export.cards import Card, strip, write_lines
from mmcourse.story.export.look import DAY, TEXT, TITLE

if TYPE_CHECKING:
    from PIL.Image import Image

FINE = 3
"""How many times finer text is drawn."""


@dataclass(frozen=True)
class Format:
    """How a film is made.

    side: of the picture; drawn: the side at which moving ones are drawn; text: height of the area
    below it; n: pictures of a movement; step: seconds of each; quick: whether a movement is seen
    once a card and then held, which keeps a GIF small.
    """

    side: int
    drawn: int
    text: int
    n: int
    step: float
    quick: bool

    @property
    def letters(self) -> int:
        """Height of the letters."""
        return self.side // 21

    @property
    def room(self) -> float:
        """Width of a line."""
        return self.side * 0.9


GIF = Format(side=320, drawn=320, text=96, n=6, step=0.16, quick=True)
MP4 = Format(side=720, drawn=432, text=216, n=12, step=0.125, quick=False)


def drawn(card: Card, number: int, form: Format) -> Image:
    """Frame `number` of a card: its picture on paper, its lines below."""
    from PIL import Image

    size, whole = form.side, (form.side, form.side + form.text)
    out = Image.new("RGB", whole, DAY["paper"])
    top = 0
    if card.pictures:
        last = len(card.pictures) - 1
        number = number % len(card.pictures) if card.again else min(number, last)
        picture = card.pictures[number]
        if picture.width != size:
            picture = picture.resize((size, size), Image.Resampling.LANCZOS)
        out.paste(picture, (0, 0))
        top = size
    out.paste(_panel(card.lines, card.title, form, whole[1] - top), (0, top))
    return out


@lru_cache(maxsize=8)
def _panel(lines: tuple[str, ...], title: bool, form: Format, high: int) -> Image:
    """The lines on paper, drawn finer and averaged down: letters of this size want it."""
    from PIL import Image, ImageDraw

    wide, tall = FINE * form.side, FINE * high
    panel = Image.new("RGB", (wide, tall), DAY["paper"])
    draw = ImageDraw.Draw(panel)
    letters = FINE * form.letters
    name, size = (TITLE, round(1.5 * letters)) if title else (TEXT, letters)
    write_lines(draw, lines, name, size, (0, 0, wide, tall))
    if title:
        strip(draw, wide * 3 // 8, tall - FINE * form.text // 8, wide // 4, wide // 90)
    return panel.reduce(FINE)
