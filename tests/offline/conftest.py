"""A tiny book as Sphinx would have built it, to be printed and packed in a second or two."""

import base64
import io
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

TOC = """
format: jb-book
root: book/index
parts:
  - caption: Chapters
    chapters:
      - file: book/one
        sections:
          - file: notebooks/one
  - caption: Reference
    chapters:
      - file: book/api/index
        sections:
          - glob: book/api/[!i]*
"""
DRAWING = (
    '<svg viewBox="0 0 9 9" role="img" aria-label="A dot in the middle of a square" width="90">'
    '<defs><clipPath id="c"><path d="M0 0h9v9z"/></clipPath></defs>'
    '<circle cx="4" cy="4" r="2" fill="var(--mm-blue, #123456)" clip-path="url(#c)"/></svg>'
)


def beep(rate: int = 8000) -> str:
    """A tenth of a second of a tone, as a notebook plays it."""
    with wave.open(file := io.BytesIO(), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(bytes(8 * [0, 0] + 8 * [0, 64]) * (rate // 160))
    data = base64.b64encode(file.getvalue()).decode()
    return (
        '<p>a tone</p><div><audio  controls="controls" ><source src="data:audio/wav;base64,'
        f'{data}" type="audio/wav" />Your browser does not support the audio element.</audio></div>'
    )


PAGES = {
    "index": "<meta http-equiv='refresh' content='0; url=book/index.html'>",
    "search": "<p>Search</p>",
    "book/index": '<p>Begin with <a href="one.html">one</a>, or <a href="../x.zip">x</a>.</p>',
    "book/one": DRAWING
    + '<section id="first"><h2>First</h2><p>See <a href="../notebooks/one.html#first">it</a>.</p>'
    "</section><div class='admonition tip dropdown'><p class='admonition-title'>Check</p>"
    "<p><em>Why is it so?</em></p><p>Because of that.</p></div><button>Copy</button>",
    "notebooks/one": DRAWING
    + '<section id="first"><h2>First of the lab</h2><p>See <a href="#first">here</a>.</p></section>'
    "<details><summary>Answer</summary><p>Forty-two.</p></details>"
    "<details class='words'><summary>All words</summary><p>fox<br>owl</p></details>" + beep(),
    "book/api/index": "<p>Parts</p>",
    "book/api/alpha": "<p>alpha</p>",
    "book/api/beta": "<p>beta</p>",
}


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Writes _toc.yml and the pages, some of them replaced, and returns where both are."""

    def write(**replaced: str | None) -> tuple[Path, Path]:
        toc, book = tmp_path / "_toc.yml", tmp_path / "html"
        toc.write_text(TOC)
        for name, text in (PAGES | {k.replace("__", "/"): v for k, v in replaced.items()}).items():
            if text is None:
                continue
            number = "1. " if name == "book/one" else ""
            title = f"Page {name.replace('/', ' ')}"
            file = book / f"{name}.html"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(
                f"<!doctype html><html lang=en><title>{number}{title} \u2014 Tiny</title>"
                f'<article class="bd-article"><section id="top"><h1>{title}'
                f'<a class="headerlink" href="#top">#</a></h1>{text}</section></article></html>'
            )
        return toc, book

    return write
