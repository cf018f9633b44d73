"""A story as an EPUB 3: cover, pages, gallery, contents and, if it is read aloud, media overlays.

A reading system lights the sentence that is spoken: where sentences begin and end in the sound is
exact. No text has a colour, for many readers take grounds away at night and leave colours.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from mmcourse.story.export.book import Book, Page, Plate, gather, paragraphs
from mmcourse.story.export.look import TEXT, TITLE, subset
from mmcourse.story.export.writing import put
from mmcourse.story.library import Library
from mmcourse.story.narration import Narration, Recording
from mmcourse.story.story import Story

TYPES = {
    ".xhtml": "application/xhtml+xml",
    ".smil": "application/smil+xml",
    ".css": "text/css",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".mp3": "audio/mpeg",
    ".woff": "font/woff",
}
WHEN = (1980, 1, 1, 0, 0, 0)
ACTIVE = "-epub-media-overlay-active"
INTERFACE = "0123456789 Cover Contents Page Who is in it About this copy"
CONTAINER = (
    '<?xml version="1.0"?>\n<container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
    'full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>\n"
)


@dataclass(frozen=True)
class Item:
    """A file of the package. `spine` says that a reader pages through it; `overlay` names the item
    that reads it aloud, which lasts `seconds`."""

    name: str
    content: bytes
    properties: str = ""
    spine: bool = False
    overlay: str = ""
    seconds: str = ""

    @property
    def id(self) -> str:
        """Its name in the manifest."""
        return "i-" + self.name.replace("/", "-").replace(".", "-")

    @property
    def line(self) -> str:
        """Its line in the manifest."""
        more = f' properties="{self.properties}"' if self.properties else ""
        more += f' media-overlay="{self.overlay}"' if self.overlay else ""
        kind = TYPES[Path(self.name).suffix]
        return f'<item id="{self.id}" href="{self.name}" media-type="{kind}"{more}/>'


def epub(
    story: Story, library: Library, path: str | Path, narration: Narration | None = None
) -> Path:
    """Write a story as an EPUB 3.

    Args:
        story: which; the scenes along the path where the reader is.
        library: where its pictures are.
        path: a file that ends in ".epub".
        narration: what is read aloud, if it is; it becomes MP3 with media overlays.

    Raises:
        ValueError: an empty story, or a path that cannot be written.
    """
    book = gather(story, library)
    items = [*_front(book, narration), *_style(book)]
    for page in book.pages:
        spoken = narration.of(page.scene, page.text) if narration else None
        items += _leaf(page, spoken)
    items += _gallery(book)
    items.append(_about(book, narration))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        # The type comes first and uncompressed, or a reader may not know the file.
        file.writestr(zipfile.ZipInfo("mimetype", WHEN), "application/epub+zip", zipfile.ZIP_STORED)
        whole = {"META-INF/container.xml": CONTAINER.encode(),
                 "book/package.opf": package(book, items, narration).encode()}  # fmt: skip
        whole |= {f"book/{item.name}": item.content for item in items}
        for name, content in whole.items():
            file.writestr(zipfile.ZipInfo(name, WHEN), content, zipfile.ZIP_DEFLATED)
    return put(path, out.getvalue(), "epub")


def _xhtml(name: str, title: str, body: str, attributes: str = "", **item: str) -> Item:
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="en" xml:lang="en"><head><title>{escape(title)}</title>'
        '<link rel="stylesheet" href="style.css" type="text/css"/></head>'
        f"<body{attributes}>{body}</body></html>\n"
    )
    return Item(f"{name}.xhtml", text.encode(), spine=True, **item)


def _picture(plate: Plate, name: str, properties: str = "") -> Item:
    content, ending = plate.packed
    return Item(f"pictures/{name}.{ending}", content, properties)


def _image(item: Item, alt: str) -> str:
    return f'<figure><img src="{item.name}" alt="{escape(alt)}"/></figure>'


def _front(book: Book, narration: Narration | None) -> list[Item]:
    """Cover, with its picture, and the contents."""
    title = f'<h1 dir="auto">{escape(book.title)}</h1><hr/>'
    found: list[Item] = []
    image = ""
    if book.cover:
        found.append(_picture(book.cover, "cover", "cover-image"))
        image = _image(found[0], f"The cover. {book.cover.alt}")
    lines = [("cover", "Cover"), *((_leaf_name(p), _leaf_title(p)) for p in book.pages)]
    lines += [("gallery", "Who is in it")] if book.gallery else []
    listed = "".join(f'<li><a href="{at}.xhtml">{escape(text)}</a></li>'
                     for at, text in [*lines, ("about", "About this copy")])  # fmt: skip
    first = _leaf_name(book.pages[0])
    contents = (
        f'<nav epub:type="toc" id="toc" role="doc-toc"><h1>Contents</h1><ol>{listed}</ol></nav>'
        '<nav epub:type="landmarks" hidden="hidden"><h2>Landmarks</h2><ol>'
        '<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>'
        '<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>'
        f'<li><a epub:type="bodymatter" href="{first}.xhtml">Start</a></li></ol></nav>'
    )
    cover = f'<section epub:type="cover">{image}{title}</section>'
    return [
        *found,
        _xhtml("cover", book.title, cover),
        _xhtml("nav", "Contents", contents, properties="nav"),
    ]


def _style(book: Book) -> list[Item]:
    used = book.letters() + INTERFACE + " Written Drawn Read aloud by Made with mmcourse."
    faces = [Item(f"fonts/{name}.woff", subset(name, used)) for name in (TEXT, TITLE)]
    rules = "".join(f'@font-face {{font-family: "{Path(f.name).stem}"; src: url("{f.name}");}}\n'
                    for f in faces)  # fmt: skip
    sheet = files(__package__).joinpath("epub.css").read_text(encoding="utf-8")
    return [Item("style.css", (rules + sheet).encode()), *faces]


def _leaf_name(page: Page) -> str:
    return f"page-{page.number:03d}"


def _leaf_title(page: Page) -> str:
    return f"Page {page.number}"


def _leaf(page: Page, spoken: Recording | None) -> list[Item]:
    """A page, its picture and, if it is read aloud, its sound and overlay."""
    name, found, image = _leaf_name(page), list[Item](), ""
    if page.plate:
        found.append(_picture(page.plate, name))
        image = _image(found[0], page.plate.alt)
    marks = {cut.start: (i, cut.end) for i, cut in enumerate(spoken.cuts)} if spoken else {}
    body = (
        f'<section epub:type="chapter" role="doc-chapter" aria-label="{_leaf_title(page)}">{image}'
        f'<div class="words" dir="auto">{_words(page.text, marks)}</div>'
        f'<p class="number" aria-hidden="true">{page.number}</p></section>'
    )
    if spoken is None:
        return [*found, _xhtml(name, _leaf_title(page), body)]
    sound = Item(f"sounds/{name}.mp3", spoken.mp3())
    text, seconds = _smil(name, spoken)
    overlay = Item(f"{name}.smil", text.encode(), seconds=seconds)
    return [*found, _xhtml(name, _leaf_title(page), body, overlay=overlay.id), sound, overlay]


def _words(text: str, marks: dict[int, tuple[int, int]]) -> str:
    """The paragraphs; each sentence that is spoken has a name. One that runs over the end of a
    paragraph has its name on what stands in its first."""
    out, begin = io.StringIO(), 0
    for part in paragraphs(text):
        begin = text.index(part, begin)
        end, here = begin + len(part), begin
        out.write("<p>")
        while here < end:
            if here in marks:
                number, until = marks[here]
                until = min(until, end)
                out.write(f'<span id="s{number}">{escape(text[here:until])}</span>')
                here = until
            else:
                following = min((m for m in marks if here < m < end), default=end)
                out.write(escape(text[here:following]))
                here = following
        out.write("</p>")
        begin = end
    return out.getvalue()


def clock(seconds: float) -> str:
    """A time as SMIL writes it."""
    return f"{seconds:.3f}s"


def _smil(name: str, spoken: Recording) -> tuple[str, str]:
    """What is spoken when, and how long all of it is."""
    parts = "".join(
        f'<par id="p{i}"><text src="{name}.xhtml#s{i}"/><audio src="sounds/{name}.mp3" '
        f'clipBegin="{clock(cut.begins)}" clipEnd="{clock(cut.ends)}"/></par>'
        for i, cut in enumerate(spoken.cuts)
    )
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<smil xmlns="http://www.w3.org/ns/SMIL" '
        f'xmlns:epub="http://www.idpf.org/2007/ops" version="3.0"><body epub:textref="{name}.xhtml"'
        f' id="all">{parts}</body></smil>\n'
    )
    lasts = sum(round(c.ends, 3) - round(c.begins, 3) for c in spoken.cuts)
    return text, clock(lasts)


def _gallery(book: Book) -> list[Item]:
    if not book.gallery:
        return []
    found, people = list[Item](), ""
    for i, figure in enumerate(book.gallery, start=1):
        image = ""
        if figure.plate:
            found.append(_picture(figure.plate, f"who-{i:03d}"))
            image = _image(found[-1], figure.plate.alt)
        people += (f'<div class="who">{image}<h2 dir="auto">{escape(figure.name)}</h2>'
                   f"<p>{escape(figure.description)}</p></div>")  # fmt: skip
    body = f"<section><h1>Who is in it</h1>{people}</section>"
    return [*found, _xhtml("gallery", "Who is in it", body)]


def _about(book: Book, narration: Narration | None) -> Item:
    lines = [book.makers, f"Read aloud by {narration.credit.backend}." if narration else "",
             "Made with mmcourse."]  # fmt: skip
    said = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    body = f'<section class="about" epub:type="colophon" role="doc-colophon">{said}</section>'
    return _xhtml("about", "About this copy", body)


def package(book: Book, items: list[Item], narration: Narration | None) -> str:
    """The package document: metadata, manifest, spine."""
    read = [item for item in items if item.seconds]
    features = ["alternativeText", "tableOfContents", "structuralNavigation", "readingOrder"]
    modes = ["textual", "visual"] + ["auditory"] * bool(read)
    meta = [
        f'<dc:identifier id="book">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, book.id)}'
        "</dc:identifier>",
        f"<dc:title>{escape(book.title)}</dc:title>",
        "<dc:language>en</dc:language>",
        f'<meta property="dcterms:modified">{book.changed}</meta>',
        *(f'<meta property="schema:accessMode">{mode}</meta>' for mode in modes),
        '<meta property="schema:accessModeSufficient">textual</meta>',
        *(
            f'<meta property="schema:accessibilityFeature">{feature}</meta>'
            for feature in features + ["synchronizedAudioText"] * bool(read)
        ),
        '<meta property="schema:accessibilityHazard">none</meta>',
        '<meta property="schema:accessibilitySummary">Every picture is described in words.</meta>',
    ]
    if read:
        total = sum(float(item.seconds[:-1]) for item in read)
        meta += [
            f'<meta property="media:duration" refines="#{i.id}">{i.seconds}</meta>' for i in read
        ]
        meta += [
            f'<meta property="media:duration">{clock(total)}</meta>',
            f'<meta property="media:active-class">{ACTIVE}</meta>',
        ]
        if narration:
            meta.append(
                f'<meta property="media:narrator">{escape(narration.credit.backend)}</meta>'
            )
    manifest = "\n".join(item.line for item in items)
    spine = "\n".join(f'<itemref idref="{item.id}"/>' for item in items if item.spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" '
        'version="3.0" unique-identifier="book" xml:lang="en">\n'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n{chr(10).join(meta)}\n'
        f"</metadata>\n<manifest>\n{manifest}\n</manifest>\n<spine>\n{spine}\n</spine>\n"
        "</package>\n"
    )
