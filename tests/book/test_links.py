"""Every link inside the book leads somewhere, and none inside it leads to a file of the machine."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

pytestmark = pytest.mark.book


class Page(HTMLParser):
    """The ids, the links, the language and the title of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.language = ""
        self.titles = 0
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what the tag declares and where it leads."""
        given = dict(attributes)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}  # type: ignore[misc]
        self.titles += tag == "title"
        if tag == "html":
            self.language = given.get("lang") or ""
        for key in ("href", "src"):
            if given.get(key):
                self.links.append(given[key])  # type: ignore[arg-type]


parsed = cache(Page)


def ids_of(file: Path) -> set[str]:
    """What a link can lead to on a page."""
    return parsed(file.resolve()).ids


def test_every_link_leads_somewhere(book: Path, page_name: str) -> None:
    here, broken = book / page_name, []
    for link in parsed(here).links:
        path, anchor = urldefrag(link)
        if urlparse(link).scheme or link.startswith("//"):
            if urlparse(link).scheme == "file":
                broken.append(link)
            continue
        target = here.parent / unquote(urlparse(path).path) if path else here
        page_anchor = anchor and target.suffix == ".html"
        if not target.is_file() or (page_anchor and unquote(anchor) not in ids_of(target)):
            broken.append(link)
    assert not broken, f"{page_name}: {broken}"


def test_every_page_names_its_language_and_title(book: Path, page_name: str) -> None:
    assert parsed(book / page_name).language == "en"
    assert parsed(book / page_name).titles >= 1


def test_no_page_names_a_path_of_this_machine(book: Path, page_name: str) -> None:
    text = (book / page_name).read_text(encoding="utf-8")
    root = str(book.parents[1])
    assert root not in text, f"{page_name} shows {root}"
