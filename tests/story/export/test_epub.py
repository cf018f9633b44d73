"""An EPUB that epubcheck accepts, and what epubcheck does not look at."""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from unittest import mock

import epub as checker
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import told, typed

from mmcourse.story import steps
from mmcourse.story.export.book import clean
from mmcourse.story.export.epub import ACTIVE, epub
from mmcourse.story.library import Library
from mmcourse.story.story import Node

OPF = "{http://www.idpf.org/2007/opf}"
XHTML = "{http://www.w3.org/1999/xhtml}"
SMIL = "{http://www.w3.org/ns/SMIL}"


@pytest.fixture(scope="module")
def file(world_story, shelf, narration, tmp_path_factory):
    return epub(world_story, shelf, tmp_path_factory.mktemp("epub") / "a.epub", narration)


@pytest.fixture(scope="module")
def entries(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metas(package):
    return [(m.get("property"), m.get("refines"), m.text) for m in package.iter(f"{OPF}meta")]


def test_the_type_comes_first_and_is_not_packed(file):
    with zipfile.ZipFile(file) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", 0, b"")
    assert file.read_bytes()[30:58] == b"mimetypeapplication/epub+zip"


def test_the_same_story_gives_the_same_bytes(file, world_story, shelf, narration, tmp_path):
    again = epub(world_story, shelf, tmp_path / "a.epub", narration)
    assert again.read_bytes() == file.read_bytes()


def test_every_picture_has_words_and_the_gallery_everybody(entries, world_story):
    pages = [ET.fromstring(c) for n, c in entries.items() if n.endswith(".xhtml")]
    images = [image for page in pages for image in page.iter(f"{XHTML}img")]
    assert len(images) == 1 + 3 + len(world_story.state().characters)
    assert all(len(image.get("alt", "")) > 20 for image in images)
    assert not any(b"<svg" in c for c in entries.values())  # else the package has to say so
    gallery = entries["book/gallery.xhtml"].decode()
    assert all(f">{name}</h2>" in gallery for name in world_story.state().characters)
    assert [re.search(r"[^/]+$", n)[0] for n in entries if "cover." in n] == [
        "cover.png",
        "cover.xhtml",
    ]


def test_sounds_are_mp3_and_last_as_long_as_is_said(entries, narration):
    package = ET.fromstring(entries["book/package.opf"])
    told = {r: float(t[:-1]) for p, r, t in metas(package) if p == "media:duration"}
    total = told.pop(None)
    assert len(told) == len(narration.recordings)
    assert total == pytest.approx(sum(told.values()), abs=1e-6)
    items = {i.get("href"): i for i in package.iter(f"{OPF}item")}
    for name, recording in zip(
        sorted(n for n in items if n.endswith(".mp3")), narration.recordings.values(), strict=True
    ):
        assert items[name].get("media-type") == "audio/mpeg"
        content = io.BytesIO(entries[f"book/{name}"])
        info = soundfile.info(content)
        assert (info.format, info.frames) == ("MP3", len(recording.samples))
        page = name.removeprefix("sounds/").removesuffix(".mp3")
        overlay = items[f"{page}.smil"]
        assert items[f"{page}.xhtml"].get("media-overlay") == overlay.get("id")
        assert told[f"#{overlay.get('id')}"] == pytest.approx(recording.seconds, abs=0.002)
        _check_overlay(entries, page, recording)


def _check_overlay(entries, page, recording):
    """Every part points at a sentence, in order, without gaps, to the end of the sound."""
    smil = ET.fromstring(entries[f"book/{page}.smil"])
    xhtml = ET.fromstring(entries[f"book/{page}.xhtml"])
    spans = {s.get("id"): "".join(s.itertext()) for s in xhtml.iter(f"{XHTML}span")}
    at = 0.0
    for part in smil.iter(f"{SMIL}par"):
        target = part.find(f"{SMIL}text").get("src").split("#")
        assert target[0] == f"{page}.xhtml"
        assert spans.pop(target[1]).strip()
        audio = part.find(f"{SMIL}audio")
        assert re.fullmatch(r"\d+\.\d{3}s", audio.get("clipBegin"))
        assert float(audio.get("clipBegin")[:-1]) == pytest.approx(at, abs=1e-6)
        at = float(audio.get("clipEnd")[:-1])
    assert not spans
    assert at == pytest.approx(recording.seconds, abs=0.001)


def test_what_is_spoken_is_marked_on_every_page(entries):
    package = ET.fromstring(entries["book/package.opf"])
    assert ("media:active-class", None, ACTIVE) in metas(package)
    assert f".{ACTIVE} {{" in entries["book/style.css"].decode()
    for name, content in entries.items():
        if name.endswith(".xhtml"):
            assert b'href="style.css"' in content, name


def test_no_text_has_a_colour_that_night_would_swallow(entries):
    for rule in re.findall(r"\{([^}]*)\}", entries["book/style.css"].decode()):
        assert not re.search(r"(?<![-\w])color\s*:", rule), rule
        ground = re.search(r"background:\s*([^;]+);", rule)
        assert not ground or float(re.search(r"([\d.]+)\)$", ground[1])[1]) <= 0.4


def test_without_a_narration_nothing_speaks_of_one(library, tmp_path):
    file = epub(typed(library, "T", "A text."), library, tmp_path / "a.epub")
    with zipfile.ZipFile(file) as archive:
        package = archive.read("book/package.opf").decode()
        assert "media" not in re.sub(r'media-type="[^"]*"', "", package)
        assert not [n for n in archive.namelist() if n.endswith((".mp3", ".smil"))]
        assert "auditory" not in package


TYPED = st.lists(
    st.one_of(
        st.sampled_from(["</p>", "]]>", "&nbsp;", "<!DOCTYPE x>", "\x00\x0c", "\ufffe", "\u2028",
                         "<?xml?>", "a\n\nb", "\ud800", "&#0;", "\U0001f600"]),
        st.text(max_size=10),
    ),
    min_size=1,
    max_size=5,
).map(" ".join)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TYPED, TYPED)
def test_what_is_typed_comes_out_as_text(tmp_path_factory, title, text):
    library = Library(":memory:")
    title, text = (x.encode("utf-8", "ignore").decode() for x in (title, text))
    story = typed(library, title, text)
    path = tmp_path_factory.mktemp("typed") / "a.epub"
    with mock.patch("mmcourse.story.export.epub.subset", return_value=b""):
        epub(story, library, path)
    with zipfile.ZipFile(path) as archive:
        pages = {n: ET.fromstring(archive.read(n)) for n in archive.namelist() if "ml" in n[-5:]}
        ET.fromstring(archive.read("book/package.opf"))
    page = pages["book/page-001.xhtml"]
    words = "".join(next(d for d in page.iter(f"{XHTML}div")).itertext())
    assert "".join(words.split()) == "".join(clean(text).split())
    heading = "".join(next(pages["book/cover.xhtml"].iter(f"{XHTML}h1")).itertext())
    assert heading.split() == (clean(title).split() or ["A", "story"])


def test_epubcheck_is_silent_whatever_was_typed(library, team, tmp_path):
    from mmcourse.story.narration import narrate

    story = told(library, 3, scenes=1)
    story = library.add(story, steps.choose(title="<b>&nbsp;\x00 ]]>"))
    text = 'He said <hi> & "no".\x0b\n\nTwo. Three?'
    story = library.add(story, steps.scene(Node(0, story.current, (text,))))
    story = library.add(story, steps.scene(Node(0, story.current, ("\u2026",))))
    *_, spoken = narrate(story, team)
    assert checker.complaints(epub(story, library, tmp_path / "a.epub", spoken)) == []
