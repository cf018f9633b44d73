"""The whole book as an EPUB: what epubcheck says, and what it does not look at."""

import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from epub import complaints
from offline import BOOK, NAME, ROOT, in_order

pytestmark = [pytest.mark.book, pytest.mark.slow]
FILE = ROOT / "_build" / f"{NAME}.epub"
H = "{http://www.w3.org/1999/xhtml}"
M = "{http://www.w3.org/1998/Math/MathML}"
O = "{http://www.idpf.org/2007/opf}"  # noqa: E741


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    """The packed book."""
    if not FILE.is_file():
        pytest.fail(f"there is no {FILE.name} in _build: run `make epub` first", pytrace=False)
    return zipfile.ZipFile(FILE)


@pytest.fixture(scope="module")
def pages(archive: zipfile.ZipFile) -> dict[str, ET.Element]:
    """Every XHTML file by its name."""
    names = [name for name in archive.namelist() if name.endswith(".xhtml")]
    return {Path(name).stem: ET.fromstring(archive.read(name)) for name in names}


def test_epubcheck_has_no_complaint(archive: zipfile.ZipFile) -> None:
    assert complaints(FILE) == []


def test_every_page_is_in_it_in_order(archive: zipfile.ZipFile, pages: dict) -> None:
    wanted = [entry.key for entry in in_order(ROOT / "_toc.yml", ROOT / BOOK)]
    package = ET.fromstring(archive.read("book/package.opf"))
    spine = [item.get("idref", "")[2:-6] for item in package.iter(f"{O}itemref")]
    assert spine == ["cover", "imprint", "nav", *wanted]
    linked = [a.get("href") for a in pages["nav"].iter(f"{H}a")]
    assert [link for link in linked if link in {f"{key}.xhtml" for key in wanted}][
        : len(wanted)
    ] == [f"{key}.xhtml" for key in wanted]


def test_nothing_runs_and_nothing_is_fetched(archive: zipfile.ZipFile, pages: dict) -> None:
    for name, page in pages.items():
        for element in page.iter():
            assert element.tag not in {f"{H}{tag}" for tag in ("script", "button", "details")}, name
            assert not element.get("src", "").startswith(("http", "//", "data:")), name
            assert not [key for key in element.attrib if key.startswith("on")], name
    for name in archive.namelist():
        if name.endswith((".css", ".svg")):
            text = archive.read(name).decode()
            assert "url(http" not in text, name
            assert "var(--" not in text, name


def test_every_picture_says_what_is_to_be_seen(pages: dict) -> None:
    for name, page in pages.items():
        for picture in page.iter(f"{H}img"):
            assert len(picture.get("alt", "").split()) >= 4, f"{name}: {picture.get('src')}"


def test_every_formula_is_mathml(pages: dict) -> None:
    for entry in in_order(ROOT / "_toc.yml", ROOT / BOOK):
        web = (ROOT / BOOK / f"{entry.name}.html").read_text(encoding="utf-8")
        here = list(pages[entry.key].iter(f"{M}math"))
        assert len(here) == web.count('class="math notranslate'), entry.name
        assert not list(pages[entry.key].iter(f"{M}merror")), entry.name


def test_letters_of_other_alphabets_need_no_attribute(pages: dict) -> None:
    variants = Counter(
        element.get("mathvariant", "normal")
        for page in pages.values()
        for element in page.iter()
        if element.tag.startswith(M)
    )
    assert set(variants) == {"normal"}
    text = "".join(pages["book-ch01_joint_embeddings"].itertext())
    assert "\N{SCRIPT CAPITAL L}" in text
    assert "\N{MATHEMATICAL DOUBLE-STRUCK CAPITAL E}" in text
