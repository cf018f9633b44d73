"""What the offline copies share: the book's pages in order, and a browser that holds them all.

`tools/pdf.py` prints them, `tools/epub.py` packs them. Both start from the built book, so that a
reader offline gets the figures and numbers of the pages online.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import browser
from browser import served
from playwright.sync_api import Browser, Page
from sphinx.util.matching import patfilter
from sphinx_external_toc.api import FileItem, GlobItem, SiteMap
from sphinx_external_toc.parsing import parse_toc_yaml

from mmcourse.doctor import find_chromium

TITLE = "Multimodal AI from scratch"
SUBTITLE = "From joint embeddings to a storyteller"
AUTHOR = "the mmcourse authors"
NAME = "multimodal-ai-from-scratch"
ROOT = Path(__file__).resolve().parents[1]
BOOK = Path("_build/html")
PATIENCE = 300_000  # milliseconds: a busy machine shall be slow, not fail
SCRIPT = Path(__file__).with_suffix(".js")


class CannotCopyError(Exception):
    """One sentence that says what is missing and what to do about it."""


@dataclass(frozen=True)
class Heading:
    """A heading inside a page. `level` is 1 for the page's title."""

    id: str
    level: int
    text: str


@dataclass(frozen=True)
class Entry:
    """A page of the book: its name ("book/glossary"), its part, how deep it lies below that."""

    name: str
    part: str  # the caption above it in _toc.yml, empty for the front page
    depth: int  # 0 for a chapter, 1 for its lab
    title: str = ""  # with its number, once it was read
    headings: tuple[Heading, ...] = ()

    @property
    def key(self) -> str:
        """What its id and its file in a copy are called."""
        return self.name.replace("/", "-")


def in_order(toc: Path, book: Path = BOOK) -> list[Entry]:
    """Every page that _toc.yml names, in its order. A page that was not built is an error."""
    if not (book / "index.html").is_file():
        raise CannotCopyError(f"there is no book in {book}: run `make book` first")
    built = {
        file.relative_to(book).with_suffix("").as_posix()
        for file in book.rglob("*.html")
        if not file.relative_to(book).parts[0].startswith("_")
    }
    site = parse_toc_yaml(toc)
    found = [Entry(site.root.docname, "", 0), *below(site, site.root.docname, built)]
    missing = [entry.name for entry in found if entry.name not in built]
    if missing:
        raise CannotCopyError(
            f"{toc} names {', '.join(missing)}, of which {book} has no page: run `make book` again"
        )
    return found


def below(site: SiteMap, name: str, built: set[str], part: str = "", depth: int = 0) -> list[Entry]:
    """The pages under one page, depth first."""
    found: list[Entry] = []
    for tree in site[name].subtrees if name in site else ():
        caption = part or tree.caption or ""
        for item in tree.items:
            if isinstance(item, GlobItem):
                taken = {name, *(entry.name for entry in found)}
                names = [n for n in sorted(patfilter(built, item)) if n not in taken]
            else:
                names = [str(item)] if isinstance(item, FileItem) else []
            for child in names:
                found.append(Entry(child, caption, depth))
                found += below(site, child, built, caption, depth + 1)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that prints and reads pages."""
    if not find_chromium():
        raise CannotCopyError(
            "no Chromium found, which reads and prints the book's pages: install it (Debian:"
            " apt-get install chromium), or name a browser in MMCOURSE_CHROMIUM"
        )
    with browser.chromium() as started:
        yield started


@contextmanager
def gathered(entries: list[Entry], book: Path = BOOK) -> Iterator[tuple[Page, list[Entry]]]:
    """One document with every page's article, formulas typeset, links made to lead inside it.

    Yields the browser's page, and the entries with their titles and headings.
    """
    with served(book) as address, chromium() as started:
        page = started.new_context(color_scheme="light", reduced_motion="reduce").new_page()
        page.set_default_timeout(PATIENCE)
        whole = f"{address}/{NAME}"
        blank = f'<!doctype html><html lang="en" data-theme="light"><title>{TITLE}</title></html>'
        page.route(whole, lambda route: route.fulfill(body=blank, content_type="text/html"))
        page.goto(whole)
        page.add_script_tag(path=SCRIPT)
        found = page.evaluate(
            "pages => offline.gather(pages)",
            [{"name": e.name, "key": e.key} for e in entries],
        )
        if found["broken"]:
            links = "; ".join(found["broken"][:5])
            raise CannotCopyError(f"links that lead nowhere: {links}: mend them in the sources")
        yield (
            page,
            [
                replace(entry, title=title, headings=headings_of(entry, found["headings"]))
                for entry, title in zip(entries, found["titles"], strict=True)
            ],
        )


def headings_of(entry: Entry, found: list[dict]) -> tuple[Heading, ...]:
    """One page's headings, of those of the whole."""
    mine = (h for h in found if h["page"] == entry.key)
    return tuple(Heading(h["id"], h["level"], h["text"]) for h in mine)


def version() -> str:
    """The package's version, which is the book's."""
    text = (ROOT / "mmcourse" / "_version.py").read_text(encoding="utf-8")
    return text.split('"')[1]


def told(main: Callable[[], None]) -> None:
    """Run a tool's main; a `CannotCopyError` becomes its one sentence and exit status 1."""
    try:
        main()
    except CannotCopyError as error:
        sys.exit(str(error))
