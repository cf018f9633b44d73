"""A tiny book, packed."""

import io
import re
import zipfile

import epub
import pytest
import soundfile


@pytest.fixture
def packed(tiny, tmp_path) -> dict[str, str]:
    """What is in the tiny EPUB, and that epubcheck accepts it."""
    toc, book = tiny()
    epub.make(toc, book, tmp_path / "tiny.epub")
    assert epub.complaints(tmp_path / "tiny.epub") == []
    with zipfile.ZipFile(tmp_path / "tiny.epub") as archive:
        assert archive.infolist()[0].filename == "mimetype"
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        return {n: archive.read(n).decode("utf-8", "replace") for n in archive.namelist()}


def test_a_book_is_packed(packed: dict[str, str]) -> None:
    one, lab = packed["book/book-one.xhtml"], packed["book/notebooks-one.xhtml"]
    assert 'href="notebooks-one.xhtml#notebooks-one--first"' in one
    assert 'href="book-one.xhtml"' in packed["book/book-index.xhtml"]
    assert "x.zip" not in packed["book/book-index.xhtml"]
    assert "<button" not in one
    assert "<details" not in lab
    assert 'alt="A dot in the middle of a square"' in one
    svg = packed["book/pictures/book-one-1.svg"]
    assert 'fill="#123456"' in svg
    assert 'clip-path="url(#book-one--c)"' in svg
    assert 'id="book-one--c"' in svg
    nav = packed["book/nav.xhtml"]
    assert nav.index("Chapters") < nav.index("1. Page book one") < nav.index("First of the lab")


def test_text_takes_its_colour_from_the_reader(packed: dict[str, str]) -> None:
    """A colour without its ground may be black on black at night."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", packed["book/style.css"])
    assert any(".highlight .k" in selector for selector, _ in rules), "code is not set at all"
    pages = "".join(text for name, text in packed.items() if name.endswith(".xhtml"))
    for selector, style in [*rules, *(("", s) for s in re.findall(r'style="([^"]*)"', pages))]:
        colour = re.search(r"(?<![\w-])color\s*:\s*(?!inherit)", style)
        assert not colour or "background" in style, f"{selector} {style}"


def test_sounds_are_files_that_every_reader_plays(tiny, tmp_path) -> None:
    epub.make(*tiny(), tmp_path / "tiny.epub")
    with zipfile.ZipFile(tmp_path / "tiny.epub") as archive:
        name = "sounds/notebooks-one-2.mp3"
        lab = archive.read("book/notebooks-one.xhtml").decode()
        sound = archive.read(f"book/{name}")
    assert soundfile.info(io.BytesIO(sound)).format == "MP3"
    samples, rate = soundfile.read(io.BytesIO(sound))
    assert f'<audio controls="controls" src="{name}">' in lab
    assert "data:" not in lab
    assert (rate, len(samples)) == (8000, 800)
    assert 0.2 < abs(samples).max() <= 1


def test_epubcheck_is_listened_to(tiny, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(epub, "ACCESS", ("<dc:nonsense>x</dc:nonsense>",))
    epub.make(*tiny(), tmp_path / "bad.epub")
    found = epub.complaints(tmp_path / "bad.epub")
    assert any(line.startswith("ERROR") and "package.opf" in line for line in found), found
