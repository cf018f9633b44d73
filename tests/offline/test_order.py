"""The pages of a copy, in the order of _toc.yml, and what is said when something is missing."""

import subprocess
import sys
from pathlib import Path

import epub
import offline
import pytest

ROOT = Path(__file__).parents[2]


def test_pages_come_in_the_order_of_the_contents(tiny) -> None:
    found = [(e.name, e.part, e.depth) for e in offline.in_order(*tiny())]
    assert found == [
        ("book/index", "", 0),
        ("book/one", "Chapters", 0),
        ("notebooks/one", "Chapters", 1),
        ("book/api/index", "Reference", 0),
        ("book/api/alpha", "Reference", 1),
        ("book/api/beta", "Reference", 1),
    ]


def test_a_page_that_was_not_built_is_named(tiny) -> None:
    toc, book = tiny(notebooks__one=None)
    with pytest.raises(offline.CannotCopyError, match=r"names notebooks/one, of which .* has no p"):
        offline.in_order(toc, book)


def test_a_link_that_leads_nowhere_is_named(tiny) -> None:
    toc, book = tiny(book__api__alpha='<a href="beta.html#gone">x</a>')
    expected = "lead nowhere: #book-api-beta--gone in book-api-alpha"
    with (
        pytest.raises(offline.CannotCopyError, match=expected),
        offline.gathered(offline.in_order(toc, book), book),
    ):
        pass


@pytest.mark.parametrize("tool", ["pdf", "epub"])
def test_without_a_book_a_sentence_says_what_to_do(tmp_path: Path, tool: str) -> None:
    ask = [sys.executable, str(ROOT / "tools" / f"{tool}.py")]
    answer = subprocess.run(ask, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr == "there is no book in _build/html: run `make book` first\n"


def test_without_chromium_a_sentence_says_what_to_do(tiny, monkeypatch) -> None:
    monkeypatch.setattr(offline, "find_chromium", lambda: None)
    with (
        pytest.raises(offline.CannotCopyError, match=r"no Chromium.*apt-get install chromium"),
        offline.chromium(),
    ):
        pass


def test_without_java_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(offline.CannotCopyError, match=r"needs Java.*default-jre-headless"):
        epub.complaints(tmp_path / "book.epub")


def test_the_links_online_name_the_files_that_are_made() -> None:
    source = (ROOT / "book" / "ext" / "offline.py").read_text(encoding="utf-8")
    assert f'NAME = "{offline.NAME}"' in source
    assert f"COPY        := _build/{offline.NAME}\n" in (ROOT / "Makefile").read_text()
