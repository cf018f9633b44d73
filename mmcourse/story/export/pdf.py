"""A story as a PDF to print, without a browser: A4, one scene a page, outline and alt texts inside.

The book's faces are embedded. Letters that they lack come from DejaVu Serif, if matplotlib is there
to lend it, or from a font of the system's; what nobody has is shown as an empty box.
"""

from __future__ import annotations

import io
import logging
import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mmcourse.story.export.book import Book, Figure, Page, Plate, gather, paragraphs
from mmcourse.story.export.lending import covered, lent_face, system_face
from mmcourse.story.export.look import CUT_PAPERS, DAY, TEXT, TITLE, face_file, letters
from mmcourse.story.export.writing import put
from mmcourse.story.library import Library
from mmcourse.story.story import Story

if TYPE_CHECKING:
    from fpdf import FPDF

PICTURES = 768
"""Side of the pictures in pixels: 115 dots an inch on paper, for drawings without fine print."""
WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 20.0
FOOT = 24.0
LARGEST, SMALLEST = WIDTH - 2 * MARGIN, 105.0
"""Sides of a page's picture in mm: it makes room for its text, down to the smallest."""
POINTS = (20.0, 18.5, 17.0, 15.5, 14.0)
"""Sizes of the type that are tried."""
LEADING = 0.53
"""Millimetres from line to line for each point of the type's size."""
BOX = "\u25a1"
MOST_FONTS = 4


def pdf(story: Story, library: Library, path: str | Path) -> Path:
    """Write a story as a PDF.

    Args:
        story: which; the scenes along the path where the reader is.
        library: where its pictures are.
        path: a file that ends in ".pdf".

    Raises:
        ValueError: an empty story, fpdf2 missing, or a path that cannot be written.
    """
    return put(path, printed(gather(story, library, PICTURES)), "pdf")


def printed(book: Book) -> bytes:
    """The whole file.

    Raises:
        ValueError: fpdf2 is missing.
    """
    try:
        from fpdf import FPDF
    except ImportError:
        raise ValueError("a PDF is made by fpdf2, which is missing; pip install fpdf2") from None
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    paper = FPDF(unit="mm", format="A4")
    paper.alias_nb_pages(None)  # type: ignore[arg-type]  # whoever types "{nb}" means it
    paper.set_lang("en")
    paper.set_title(book.title)
    paper.set_creator("mmcourse")
    paper.set_creation_date(datetime.fromisoformat(book.changed))
    paper.set_display_mode("fullpage", "continuous")
    paper.set_page_background(_rgb(DAY["paper"]))  # type: ignore[arg-type]
    paper.set_text_color(*_rgb(DAY["ink"]))
    paper.set_margins(MARGIN, MARGIN, MARGIN)
    paper.set_auto_page_break(True, FOOT)
    replaced = _fonts(paper, book.letters())
    said = lambda text: text.translate(replaced)  # noqa: E731 - one table, used in each part
    _cover(paper, book, said)
    size = _size(paper, book.pages, said)
    for page in book.pages:
        _leaf(paper, page, size, said)
    if book.gallery:
        _gallery(paper, book.gallery, said)
    _colophon(paper, book, said)
    return bytes(paper.output())


# -- letters -------------------------------------------------------------------------------------


def _fonts(paper: FPDF, text: str) -> dict[int, str]:
    """Give the faces to the paper, and whatever the text needs besides. Returns what to write in
    place of letters that nobody has."""
    for name in (TEXT, TITLE):
        paper.add_font(name, "", face_file(name))
    needed = {ord(c) for c in text if not c.isspace()} | {ord(BOX)}
    left = needed - letters(TEXT)
    lent = [TEXT]
    found = lent_face()
    while left and found and len(lent) <= MOST_FONTS:
        has = covered(found)
        if not left & has:
            break
        name = f"lent{len(lent)}"
        paper.add_font(name, "", found)
        lent.append(name)
        left -= has
        found = system_face(min(left)) if left else ""
    paper.set_fallback_fonts(lent)
    return dict.fromkeys(left, BOX if ord(BOX) not in left else "?")


# -- pages ---------------------------------------------------------------------------------------


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _place(paper: FPDF, plate: Plate, x: float, y: float, side: float) -> None:
    """A picture, as large as fits into a square, and in words for those who cannot see it."""
    width, height = plate.image.size
    w, h = side * min(1, width / height), side * min(1, height / width)
    content, _ = plate.packed
    at = (x + (side - w) / 2, y + (side - h) / 2)
    paper.image(io.BytesIO(content), *at, w, h, alt_text=plate.alt)


def _lines(paper: FPDF, width: float, text: str) -> list[str]:
    """A text in the lines that it will have, in the font that is set."""
    lines = paper.multi_cell(width, 1, text, align="C", dry_run=True, output="LINES")
    return cast("list[str]", lines)


def _cover(paper: FPDF, book: Book, said: Any) -> None:
    paper.add_page()
    paper.start_section(_outline(book.title))
    y = 118.0
    if book.cover:
        side = 138.0
        _place(paper, book.cover, (WIDTH - side) / 2, 34, side)
        y = 188.0
    for size in (38.0, 32.0, 26.0, 20.0, 16.0):  # a long title is set smaller, until it fits
        paper.set_font(TITLE, size=size)
        lines = _lines(paper, LARGEST, said(book.title))
        if len(lines) <= 4:
            break
    if len(lines) > 6:
        lines = [*lines[:5], lines[5] + "…"]
    paper.set_xy(MARGIN, y)
    paper.multi_cell(0, size * 0.44, "\n".join(lines), align="C")
    _strip(paper, paper.get_y() + 9)


def _strip(paper: FPDF, y: float) -> None:
    """The strip of cut papers."""
    left, width, high = (WIDTH - 44) / 2, 44.0, 2.6
    edges = (0.0, 0.38, 0.58, 0.82, 1.0)
    for i, colour in enumerate(CUT_PAPERS):
        paper.set_fill_color(*_rgb(colour))
        a, b = left + width * edges[i], left + width * edges[i + 1]
        down = 0.5 * (i % 2)
        paper.polygon(
            [(a, y + down), (b, y + 0.3), (b, y + high), (a, y + high - down / 2)], style="F"
        )


def _outline(text: str) -> str:
    """A line of the outline: not longer than is read."""
    return text if len(text) <= 120 else f"{text[:119]}…"


def _size(paper: FPDF, pages: tuple[Page, ...], said: Any) -> float:
    """One size of type for the whole book: the largest at which every page's text fits below a
    picture of full size, or the smallest."""
    for size in POINTS:
        paper.set_font(TEXT, size=size)
        if all(_high(paper, said(page.text), size) <= _room(page) for page in pages):
            break
    return size


def _high(paper: FPDF, text: str, size: float) -> float:
    """How high a text is in mm, in the font that is set."""
    text = "\n".join(paragraphs(text))
    high = paper.multi_cell(LARGEST, size * LEADING, text, align="L", dry_run=True, output="HEIGHT")
    return cast("float", high)


def _room(page: Page) -> float:
    """How high a page's text may be beside nothing, or below a picture of full size."""
    return HEIGHT - FOOT - (MARGIN + LARGEST + 10 if page.plate else 2 * MARGIN)


def _leaf(paper: FPDF, page: Page, size: float, said: Any) -> None:
    paper.add_page()
    paper.start_section(f"Page {page.number}", level=1)
    y = 2 * MARGIN
    if page.plate:
        paper.set_font(TEXT, size=size)
        more = max(0.0, _high(paper, said(page.text), size) - _room(page))
        side = max(SMALLEST, LARGEST - more)
        _place(paper, page.plate, (WIDTH - side) / 2, MARGIN, side)
        y = MARGIN + side + 10
    _folio(paper, page.number)
    paper.set_font(TEXT, size=size)
    paper.set_xy(MARGIN, y)
    text = "\n".join(paragraphs(said(page.text)))
    paper.multi_cell(LARGEST, size * LEADING, text, align="L")


def _folio(paper: FPDF, number: int) -> None:
    """The page's number, at its foot."""
    paper.set_auto_page_break(False)
    paper.set_font(TITLE, size=12)
    paper.set_text_color(*_rgb(DAY["quiet"]))
    paper.set_xy(MARGIN, HEIGHT - 17)
    paper.cell(LARGEST, 6, str(number), align="C")
    paper.set_text_color(*_rgb(DAY["ink"]))
    paper.set_auto_page_break(True, FOOT)


def _gallery(paper: FPDF, people: tuple[Figure, ...], said: Any) -> None:
    """Two beside each other, two pairs to a page."""
    side, gap = 70.0, 18.0
    paper.set_auto_page_break(False)
    for i, figure in enumerate(people):
        row, column = divmod(i % 4, 2)
        if i % 4 == 0:
            paper.add_page()
            if i == 0:
                paper.start_section("Who is in it")
            paper.set_font(TITLE, size=26)
            paper.set_xy(MARGIN, MARGIN + 4)
            paper.cell(LARGEST, 12, "Who is in it", align="C")
        alone = len(people) - i // 2 * 2 == 1
        shift = (LARGEST - side) / 2 if alone else (LARGEST - 2 * side - gap) / 2
        x, y = MARGIN + shift + column * (side + gap), MARGIN + 28 + row * 118
        if figure.plate:
            _place(paper, figure.plate, x, y, side)
        paper.set_font(TITLE, size=16)
        paper.set_xy(x, y + side + 4)
        name = _lines(paper, side, said(figure.name))
        paper.multi_cell(side, 7, "\n".join(name[:2]), align="C")
        paper.set_font(TEXT, size=11)
        told = _lines(paper, side, said(figure.description))
        most = math.floor((y + 112 - paper.get_y()) / 5.6)
        paper.set_x(x)
        paper.multi_cell(side, 5.6, "\n".join(told[:most]), align="C")
    paper.set_auto_page_break(True, FOOT)


def _colophon(paper: FPDF, book: Book, said: Any) -> None:
    """Who made it, at the foot of the last page."""
    paper.set_auto_page_break(False)
    paper.set_font(TEXT, size=9)
    paper.set_text_color(*_rgb(DAY["quiet"]))
    paper.set_xy(MARGIN, HEIGHT - 11)
    paper.cell(LARGEST, 5, said(f"{book.makers} Made with mmcourse.".strip())[:120], align="C")
