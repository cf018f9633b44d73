"""Print the whole book as one PDF: cover, imprint, contents with page numbers, every page.

Chromium lays the pages out and makes their links; pikepdf then rebuilds the outline in the order of
_toc.yml, and says who wrote the book. The page numbers of the contents are known only when all is
printed, so the contents are printed again, and their pages take the place of the first ones.
"""

import io
from collections.abc import Iterable
from html import escape
from pathlib import Path

import cover
from offline import (
    AUTHOR,
    BOOK,
    NAME,
    SUBTITLE,
    TITLE,
    CannotCopyError,
    Entry,
    gathered,
    in_order,
    told,
    version,
)
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, OutlineItem, Pdf, String
from playwright.sync_api import Page

CONTENTS = 2  # the page, counted from 0: after the cover and the imprint
OUT = BOOK.parent / f"{NAME}.pdf"


def shown_in_contents(entry: Entry) -> list[tuple[str, str, str]]:
    """(class, id, text) of each line of the contents: the page, and a chapter's sections."""
    lines = [("is-page", entry.key, entry.title)]
    if not entry.name.startswith("book/api/"):
        lines += [("is-section", h.id, h.text) for h in entry.headings if h.level == 2]
    return lines


def contents(entries: list[Entry]) -> str:
    """The table of contents. A number holds the place of each page's until it is known."""
    lines, part = [], ""
    for entry in entries:
        if entry.part != part:
            part = entry.part
            lines.append(f'<li class="mm-contents-part">{escape(part)}</li>')
        lines += [
            f'<li class="{kind}"><a href="#{at}"><span>{escape(text)}</span>'
            f'<span class="mm-folio" data-of="{at}">000</span></a></li>'
            for kind, at, text in shown_in_contents(entry)
        ]
    return (
        '<nav class="mm-contents" id="contents" aria-label="Contents">'
        f'<p class="mm-contents-title">Contents</p><ol>{"".join(lines)}</ol></nav>'
    )


def running_heads(entries: list[Entry]) -> str:
    """A named page for each page of the book, whose title then stands at its head."""
    rules = []
    for number, entry in enumerate(entries):
        title = entry.title.replace("\\", r"\\").replace('"', r"\"")
        rules.append(
            f"#{entry.key} {{page: part{number}}}\n@page part{number} {{@top-left "
            f'{{content: "{title}"; color: #444; font: italic 9pt Literata, serif}}}}'
        )
    return "\n".join(rules)


def bookmarks(pdf: Pdf, entries: list[Entry]) -> list[OutlineItem]:
    """Chromium's bookmark of each heading, in the order of the pages."""
    found: list[OutlineItem] = []

    def walk(items: Iterable[OutlineItem]) -> None:
        for item in items:
            found.append(item)
            walk(item.children)

    with pdf.open_outline() as outline:
        walk(outline.root)
    expected = sum(len(entry.headings) for entry in entries)
    if len(found) != expected:
        raise CannotCopyError(
            f"the pages have {expected} headings, and Chromium's outline has {len(found)}: look for"
            " headings without text"
        )
    return found


def outline_of(entries: list[Entry], made: list[OutlineItem]) -> list[OutlineItem]:
    """Bookmarks as in _toc.yml: parts, pages, a lab below its chapter, sections below both."""
    root = [OutlineItem("Contents", CONTENTS)]
    stack: list[OutlineItem] = []  # the last bookmark of each depth
    part, bookmark = "", iter(made)
    for entry in entries:
        for heading in entry.headings:
            target = next(bookmark).destination
            if entry.part != part:
                part, stack = entry.part, [OutlineItem(entry.part, target)]
                root += stack
            depth = bool(part) + entry.depth + heading.level - 1
            text = entry.title if heading.level == 1 else heading.text
            item = OutlineItem(text, target)
            stack = stack[:depth]
            (stack[-1].children if stack else root).append(item)
            stack.append(item)
    return root


def numbers(pdf: Pdf, entries: list[Entry]) -> dict[str, int]:
    """The page on which each heading and each entry begins, counted from 1, by its id."""
    index: dict[object, int] = {page.objgen: i for i, page in enumerate(pdf.pages, start=1)}
    made = iter(bookmarks(pdf, entries))
    found = {}
    for entry in entries:
        for heading in entry.headings:
            target = next(made).destination
            assert isinstance(target, Array)  # [page, "/XYZ", left, top, zoom]
            found[heading.id] = index[target.as_list()[0].objgen]
        found[entry.key] = found[entry.headings[0].id]
    return found


def printed(page: Page) -> Pdf:
    """What the browser prints of its page now."""
    raw = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    return Pdf.open(io.BytesIO(raw))


def number_contents(pdf: Pdf, page: Page, entries: list[Entry]) -> None:
    """Print the contents with their numbers, and lay their ink over the pages without."""
    page.evaluate(
        """numbers => {
          for (const e of document.querySelectorAll("[data-of]")) {
            e.textContent = numbers[e.dataset.of];
          }
          document.querySelector(".mm-whole").remove();
        }""",
        numbers(pdf, entries),
    )
    with printed(page) as front:
        first = min(numbers(pdf, entries).values()) - 1
        if len(front.pages) != first:
            raise CannotCopyError(
                f"the contents took {first} pages without numbers and {len(front.pages)} with them:"
                " widen .mm-folio in tools/offline.css"
            )
        for old, new in list(zip(pdf.pages, front.pages, strict=False))[CONTENTS:]:
            for part in (Name.Contents, Name.Resources):
                content = new.obj[part]
                content = content if content.is_indirect else front.make_indirect(content)
                old.obj[part] = pdf.copy_foreign(content)


def finish(pdf: Pdf, entries: list[Entry], out: Path) -> int:
    """Write the file with its outline and its metadata. Returns the number of its pages."""
    wanted = outline_of(entries, bookmarks(pdf, entries))
    with pdf.open_outline() as outline:
        outline.root[:] = wanted
    pdf.docinfo["/Title"] = f"{TITLE}: {SUBTITLE[0].lower()}{SUBTITLE[1:]}"
    pdf.docinfo["/Author"] = AUTHOR
    pdf.docinfo["/Subject"] = "An executable book: multimodal models, built in PyTorch"
    pdf.docinfo["/Creator"] = f"{NAME} {version()}"
    with pdf.open_metadata() as metadata:
        metadata.load_from_docinfo(pdf.docinfo)
        metadata["dc:language"] = ["en"]
    pdf.Root.Lang = String("en")
    pdf.Root.PageMode = Name.UseOutlines
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    pdf.save(out, object_stream_mode=ObjectStreamMode.generate, linearize=True)
    return len(pdf.pages)


def make(toc: Path = Path("_toc.yml"), book: Path = BOOK, out: Path = OUT) -> int:
    """Print the book that was built. Returns the number of pages."""
    with gathered(in_order(toc, book), book) as (page, entries):
        page.add_style_tag(content=cover.style() + running_heads(entries))
        front = cover.markup() + cover.imprint() + contents(entries)
        page.evaluate("html => document.body.insertAdjacentHTML('afterbegin', html)", front)
        page.evaluate("() => Promise.all([...document.images].map(i => i.decode()))")
        with printed(page) as pdf:
            number_contents(pdf, page, entries)
            return finish(pdf, entries, out)


def main() -> None:
    """Make the PDF and say where it is."""
    count = make()
    print(f"{OUT} ({count} pages, {OUT.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    told(main)
