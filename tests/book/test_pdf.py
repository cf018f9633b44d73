"""The whole book as one PDF: read by another library than the one that wrote it."""

import html
import re
from collections.abc import Iterator

import pikepdf
import pypdfium2
import pytest
from offline import BOOK, NAME, ROOT, in_order

pytestmark = [pytest.mark.book, pytest.mark.slow]
FILE = ROOT / "_build" / f"{NAME}.pdf"
POINTS_PER_MM = 72 / 25.4


def titles() -> list[str]:
    """The title of every page that _toc.yml names, with its number."""
    found = []
    for entry in in_order(ROOT / "_toc.yml", ROOT / BOOK):
        text = (ROOT / BOOK / f"{entry.name}.html").read_text(encoding="utf-8")
        title = re.search("<title>(.*?)</title>", text, re.S)[1]  # type: ignore[index]
        found.append(html.unescape(title).split(" \u2014 ")[0].strip())
    return found


@pytest.fixture(scope="module")
def pdf() -> Iterator[pypdfium2.PdfDocument]:
    """The printed book."""
    if not FILE.is_file():
        pytest.fail(f"there is no {FILE.name} in _build: run `make pdf` first", pytrace=False)
    document = pypdfium2.PdfDocument(FILE)
    yield document
    document.close()


@pytest.fixture(scope="module")
def texts(pdf: pypdfium2.PdfDocument) -> list[str]:
    """What each page says, in one line."""
    return [" ".join(page.get_textpage().get_text_range().split()) for page in pdf]


@pytest.fixture(scope="module")
def marks(pdf: pypdfium2.PdfDocument) -> list[tuple[int, str, int]]:
    """The outline: (depth, title, page counted from 1)."""
    return [(b.level, b.get_title(), b.get_dest().get_index() + 1) for b in pdf.get_toc()]


def test_the_outline_names_every_page_in_order(marks: list, texts: list[str]) -> None:
    here = iter(marks)
    for title in titles():
        page = next((page for _, name, page in here if name == title), None)
        assert page, f"the outline has no {title!r} where _toc.yml has it"
        assert re.sub(r"^\d+\. ", "", title) in texts[page - 1], title
    assert [page for _, _, page in marks] == sorted(page for _, _, page in marks)


def test_a_lab_lies_below_its_chapter(marks: list) -> None:
    depths = {name: depth for depth, name, _ in marks}
    assert depths["Chapters"] == 0
    assert depths["1. Joint embeddings"] == 1
    assert next(d for name, d in depths.items() if name.startswith("Lab 1")) == 2


def test_the_contents_give_the_right_pages(marks: list, texts: list[str]) -> None:
    first = min(page for _, name, page in marks if name == titles()[0])
    contents = "".join("".join(texts[2 : first - 1]).split())  # spaces are a reader's guess
    where = {name: page for _, name, page in marks}
    for title in titles():
        line = "".join(title.split())
        assert re.search(rf"{re.escape(line)}{where[title]}(?!\d)", contents), title


def test_every_page_but_the_cover_has_its_number(pdf: pypdfium2.PdfDocument) -> None:
    for number, page in enumerate(pdf, start=1):
        foot = page.get_textpage().get_text_bounded(top=20 * POINTS_PER_MM).strip()
        assert foot == ("the mmcourse authors" if number == 1 else str(number)), f"page {number}"


def test_nothing_runs_off_the_paper(pdf: pypdfium2.PdfDocument) -> None:
    edge = (210 - 15) * POINTS_PER_MM
    for number, page in enumerate(pdf, start=1):
        text = page.get_textpage()
        boxes = [text.get_rect(i) for i in range(text.count_rects())]
        # A stretched brace has a box as wide as its font's, which begins left of the paper.
        cut = [text.get_text_bounded(*box) for box in boxes if box[0] > 0 and box[2] > edge]
        assert not cut, f"page {number}: {cut[:3]}"


def test_links_lead_inside_the_file_or_to_the_web() -> None:
    with pikepdf.open(FILE) as document:
        pages = {page.objgen for page in document.pages}
        names = set(document.Root.get("/Dests", {}).keys())
        tree = document.Root.get("/Names", {}).get("/Dests")
        names |= set(pikepdf.NameTree(tree)) if tree is not None else set()
        inside = 0
        for page in document.pages:
            for note in page.get("/Annots", []):
                target = note.get("/Dest", note.get("/A", {}).get("/D"))
                if target is None:
                    assert re.match("https?://(?!127|localhost)", str(note.A.URI)), note.A.URI
                    continue
                inside += 1
                if isinstance(target, pikepdf.Array):
                    assert target[0].objgen in pages
                else:
                    assert str(target) in names, target
    assert inside > 300


def test_it_says_what_it_is_and_carries_its_fonts() -> None:
    with pikepdf.open(FILE) as document:
        assert str(document.docinfo["/Title"]).startswith("Multimodal AI from scratch")
        assert str(document.docinfo["/Author"])
        assert str(document.Root.Lang) == "en"
        assert document.Root.MarkInfo.Marked
        kinds = [o for o in document.objects if isinstance(o, pikepdf.Dictionary)]
        fonts = [o for o in kinds if o.get("/Type") == "/Font" and "/FontDescriptor" in o]
        assert fonts
        for font in fonts:
            if font.Subtype != "/Type3":  # whose glyphs are drawings in the file
                files = [key for key in font.FontDescriptor if key.startswith("/FontFile")]
                assert files, font.get("/BaseFont")


def test_no_formula_is_left_as_source(texts: list[str]) -> None:
    left = [page for page, text in enumerate(texts, 1) if re.search(r"\\\(|\\begin\{|\\frac", text)]
    assert not left
