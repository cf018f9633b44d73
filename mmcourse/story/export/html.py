"""A story as one HTML file that asks nothing of the network: pictures, type and sound are inside.

A policy in its head forbids every request and every script but the file's own, so that even a text
that would break out of its place could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
from html import escape
from importlib.resources import files
from pathlib import Path

from mmcourse.story.export.book import Book, Page, Plate, gather, paragraphs
from mmcourse.story.export.look import DAY, NIGHT, TEXT, TITLE, subset, variables
from mmcourse.story.export.writing import put
from mmcourse.story.library import Library
from mmcourse.story.narration import Narration, Recording
from mmcourse.story.story import Story

TYPES = {"png": "image/png", "jpg": "image/jpeg", "mp3": "audio/mpeg", "woff": "font/woff"}
INTERFACE = "0123456789 of Page Who is in it Night Day Read to me Stop reading Skip to the story"
"""The file's own words, whose letters its faces hold as well."""


def html(
    story: Story, library: Library, path: str | Path, narration: Narration | None = None
) -> Path:
    """Write a story as one self-contained HTML file.

    Args:
        story: which; the scenes along the path where the reader is.
        library: where its pictures are.
        path: a file that ends in ".html".
        narration: what is read aloud, if it is; words are lit while they are spoken.

    Raises:
        ValueError: an empty story, or a path that cannot be written.
    """
    return put(path, page(gather(story, library), narration).encode(), "html")


def page(book: Book, narration: Narration | None = None) -> str:
    """The whole file."""
    script = _file("page.js")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = ("default-src 'none'; img-src data:; font-src data:; media-src data:; "
              f"style-src 'unsafe-inline'; script-src 'sha256-{allowed}'; base-uri 'none'; "
              "form-action 'none'")  # fmt: skip
    leaves = "\n".join(_leaf(p, len(book.pages), narration) for p in book.pages)
    title = escape(book.title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="mmcourse">
<title>{title}</title>
<style>{_style(book)}</style>
</head>
<body>
<a class="skip" href="#story">Skip to the story</a>
<header>
<div class="bar"><button id="whole" type="button" hidden>Read to me</button>\
<button id="theme" type="button" hidden>Night</button></div>
<div class="cover">{_figure(book.cover, "")}<h1 dir="auto">{title}</h1></div>
</header>
<main id="story" tabindex="-1">
{leaves}
{_gallery(book)}
</main>
<footer><p>{escape(_colophon(book, narration))}</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _data(content: bytes, ending: str) -> str:
    return f"data:{TYPES[ending]};base64,{base64.b64encode(content).decode()}"


def _style(book: Book) -> str:
    """The faces with the letters that are used, the two palettes, and the style sheet."""
    used = book.letters() + INTERFACE + _colophon(book, None)
    faces = "".join(
        f'@font-face{{font-family:"{name}";src:url({_data(subset(name, used), "woff")});'
        f"font-weight:{weight}}}"
        for name, weight in ((TEXT, "400"), (TITLE, "600"))
    )
    day, night = f"color-scheme:light;{variables(DAY)}", f"color-scheme:dark;{variables(NIGHT)}"
    return (
        f"{faces}:root{{{day}}}@media screen and (prefers-color-scheme:dark)"
        f'{{:root:not([data-theme="light"]){{{night}}}}}'
        f'@media screen{{:root[data-theme="dark"]{{{night}}}}}\n{_file("page.css")}'
    )


def _figure(plate: Plate | None, alt: str | None = None) -> str:
    if plate is None:
        return ""
    content, ending = plate.packed
    said = escape(plate.alt if alt is None else alt)
    width, height = plate.image.size
    return (
        f'<figure class="plate"><img src="{_data(content, ending)}" alt="{said}" '
        f'width="{width}" height="{height}"></figure>'
    )


def _leaf(leaf: Page, of: int, narration: Narration | None) -> str:
    spoken = narration.of(leaf.scene, leaf.text) if narration else None
    name = f"Page {leaf.number} of {of}"
    sound = ""
    if spoken:
        label = f"Page {leaf.number} read aloud"
        source = _data(spoken.mp3(), "mp3")
        sound = f'<audio controls preload="metadata" aria-label="{label}" src="{source}"></audio>'
    return (
        f'<section class="page" id="page-{leaf.number}" aria-label="{name}">{_figure(leaf.plate)}'
        f'<div class="words" dir="auto">{words(leaf.text, spoken)}{sound}</div>'
        f'<div class="folio" aria-hidden="true">{leaf.number}</div></section>'
    )


def words(text: str, spoken: Recording | None) -> str:
    """A text as paragraphs; the words of a recording carry their times."""
    if spoken is None:
        return "".join(f"<p>{escape(part)}</p>" for part in paragraphs(text))
    out, at, begin = io.StringIO(), {w.start: w for w in spoken.words}, 0
    for part in paragraphs(text):
        begin = text.index(part, begin)
        end, here = begin + len(part), begin
        out.write("<p>")
        while here < end:
            word = at.get(here)
            if word and here < word.end <= end:
                times = f'data-b="{word.begins:.3f}" data-e="{word.ends:.3f}"'
                out.write(f"<span {times}>{escape(text[here : word.end])}</span>")
                here = word.end
            else:
                out.write(escape(text[here]))
                here += 1
        out.write("</p>")
        begin = end
    return out.getvalue()


def _gallery(book: Book) -> str:
    if not book.gallery:
        return ""
    people = "\n".join(
        f'<li>{_figure(f.plate)}<h3 dir="auto">{escape(f.name)}</h3>'
        f"<p>{escape(f.description)}</p></li>"
        for f in book.gallery
    )
    return (
        '<section class="who" aria-labelledby="who"><h2 id="who">Who is in it</h2>'
        f'<ul role="list">{people}</ul></section>'
    )


def _colophon(book: Book, narration: Narration | None) -> str:
    voice = f" Read aloud by {narration.credit.backend}." if narration else ""
    return f"{book.makers}{voice} Made with mmcourse."
