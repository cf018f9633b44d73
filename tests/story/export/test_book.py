"""A story becomes a book: cleaned texts, sharp pictures, a gallery, names for files."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from stories import told, typed

from mmcourse.story import steps
from mmcourse.story.export import KINDS, export, look
from mmcourse.story.export.book import UNTITLED, clean, cut_around, gather, paragraphs
from mmcourse.story.export.writing import RESERVED, file_name, put
from mmcourse.story.staging import boxes, square_around
from mmcourse.story.story import Portrait, Story

ROOT = Path(__file__).resolve().parents[3]


def test_colours_are_those_of_the_book():
    sheet = (ROOT / "book/_static/paper.css").read_text(encoding="utf-8")
    day, night = (
        re.search(rf'html\[data-theme="{theme}"\] {{(.*?)}}', sheet, re.S)[1]
        for theme in ("light", "dark")
    )
    for colours, told_there in ((look.DAY, day), (look.NIGHT, night)):
        for name, value in colours.items():
            assert f"--mm-{name}: {value};" in told_there, name
    named = re.findall(r"--mm-(?:orange|rose|teal|blue): (#\w+)", sheet)
    assert set(named) == set(look.CUT_PAPERS)


def test_a_face_holds_the_letters_that_are_used_and_no_more():
    import io

    from fontTools.ttLib import TTFont

    small = look.subset(look.TEXT, "Zoë!")
    assert small == look.subset(look.TEXT, "!ëoZ")
    assert set(TTFont(io.BytesIO(small)).getBestCmap()) == {0x20, *map(ord, "Zoë!")}
    assert len(small) < 8000
    assert {ord(c) for c in "ÄäßéŁłőŽğ\u201c\u201d\u2019\u2014\u2026½€"} <= look.letters(look.TEXT)


def test_pictures_drawn_by_rule_are_drawn_finer_and_others_are_kept(shelf, world_story):
    book = gather(world_story, shelf, 96)
    assert [p.plate.image.size for p in book.pages] == [(96, 96)] * 3
    assert all(p.staging for p in book.pages)
    small = shelf.picture(world_story.path()[0].picture.hash)
    again = book.pages[0].plate.image.resize(small.size, Image.Resampling.BOX)
    from numpy import abs, asarray

    assert abs(asarray(again, int) - asarray(small, int)).mean() < 6


def test_a_picture_that_is_not_what_its_record_says_is_kept_as_it_is(library):
    story = told(library, 3, scenes=1)
    node = story.path()[0]
    other = Image.new("RGB", (64, 64), "#804020")
    from mmcourse.story.pixels import picture_hash, to_png

    png = to_png(other)
    record = replace(node.picture, hash=picture_hash(png))
    story = library.add(story, steps.draw({node.id: record}), [png])
    page = gather(story, library, 96).pages[0]
    assert page.staging == ""
    assert page.plate.image.tobytes() == other.tobytes()


def test_everybody_is_in_the_gallery_in_the_order_of_their_coming(shelf, world_story):
    book = gather(world_story, shelf, 64)
    state = world_story.state()
    assert tuple(f.name for f in book.gallery) == state.characters
    for figure in book.gallery:
        looks = state.looks(figure.name)
        assert looks["species"] in figure.description
        assert looks["colour"] in figure.description
        assert state.mood(figure.name) in figure.description
        assert figure.plate.image.size == (384, 384)
        assert figure.name in figure.plate.alt


def test_of_a_page_that_a_model_drew_the_portrait_is_cut_out_of_it(library):
    """The world's pen would draw somebody whom no page of the book shows."""
    from mmcourse.story.pixels import picture_hash, to_png

    story = told(library, 3, scenes=1)
    node = story.path()[0]
    name = story.state().characters[0]
    left, top, right, bottom = boxes(node.picture.staging)[name]
    drawn = Image.new("RGB", (128, 128), "#204080")
    inside = [round(128 * edge) for edge in (left, top, right, bottom)]
    drawn.paste("#e08020", inside)
    png = to_png(drawn)
    record = replace(node.picture, hash=picture_hash(png))
    story = library.add(story, steps.draw({node.id: record}), [png])
    plate = gather(story, library, 96).gallery[0].plate
    assert plate.image.size == (384, 384)
    assert plate.alt == f"{name}, cut out of a page's picture."
    orange = sum(n for n, colour in plate.image.getcolors(384**2) if colour == (224, 128, 32))
    share = (right - left) * (bottom - top) / (1.15 * max(right - left, bottom - top)) ** 2
    assert orange / 384**2 == pytest.approx(share, abs=0.08)
    assert plate.image.getpixel((192, 192)) == (224, 128, 32)


def test_whoever_is_hidden_on_it_has_words_alone(library, monkeypatch):
    from mmcourse.story.pixels import picture_hash, to_png

    story = told(library, 3, scenes=1)
    node = story.path()[0]
    png = to_png(Image.new("RGB", (128, 128), "#204080"))
    record = replace(node.picture, hash=picture_hash(png))
    story = library.add(story, steps.draw({node.id: record}), [png])
    monkeypatch.setattr("mmcourse.story.export.book.boxes", lambda staging: {})
    figure = gather(story, library, 96).gallery[0]
    assert figure.plate is None
    assert figure.description


@pytest.mark.parametrize("box", [(0.0, 0.0, 0.2, 0.9), (0.4, 0.0, 1.0, 1.0), (0.9, 0.9, 1.0, 1.0)])
def test_a_portrait_is_square_and_stays_in_the_picture(box):
    assert cut_around(Image.new("RGB", (64, 64)), box).size == (384, 384)
    x, y, side = square_around(box, 1.15)
    assert min(x, y) >= 0
    assert max(x, y) + side <= 1 + 1e-9


def test_the_reader_s_own_portrait_goes_first(library):
    from stories import drawn

    from mmcourse.storyworld import sample_scene

    story = told(library, 3, scenes=1)
    name = story.state().characters[0]
    record, png = drawn(sample_scene("train", 1), 48)
    story = library.add(story, steps.portrait(Portrait(name, story.current, record)), [png])
    figure = gather(story, library, 64).gallery[0]
    assert figure.plate.alt == record.alt


def test_a_story_without_scenes_is_refused(library):
    with pytest.raises(ValueError, match="no scene yet"):
        gather(library.begin(Story("", "Nothing")), library)


def test_a_title_of_nothing_gets_one(library):
    assert gather(typed(library, " \x00\n ", "text"), library).title == UNTITLED


HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x00\x0b<>&\"'\ud800\ufffe\r\n")))


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_a_clean_text_is_what_xml_allows_and_loses_nothing_else(text):
    import xml.dom.minidom
    from html import escape

    kept = clean(text)
    xml.dom.minidom.parseString(f"<a>{escape(kept)}</a>".encode())
    assert clean(kept) == kept
    letters = [c for c in text if c.isalnum()]
    assert [c for c in kept if c.isalnum()] == letters
    assert "".join("".join(paragraphs(kept)).split()) == "".join(kept.split())


@settings(max_examples=60, deadline=None)
@given(st.one_of(HOSTILE, st.sampled_from(["CON", "..", "a/b\\c:d", "Zoë & Łukasz", "x" * 400])))
def test_a_title_becomes_a_name_that_every_system_takes(title):
    name = file_name(title, "epub")
    assert re.fullmatch(r"[\w-]+\.epub", name)
    assert name.split(".")[0] not in RESERVED
    assert len(name.encode()) <= 80
    assert not name.startswith("-")


def test_names_are_read_again():
    assert file_name("Zoë & the blue ball", "pdf") == "zoe-the-blue-ball.pdf"
    assert file_name("???", "pdf") == "story.pdf"
    assert file_name("Привет", "zip") == "привет.zip"


def test_what_stood_there_stays_if_writing_fails(tmp_path, monkeypatch):
    target = put(tmp_path / "deep" / "a.pdf", b"old", "pdf")
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(ValueError, match="no space left on the disk; what stood there"):
        put(target, b"new", "pdf")
    assert target.read_bytes() == b"old"
    assert [f.name for f in target.parent.iterdir()] == ["a.pdf"]


def test_paths_that_cannot_be(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="is a folder"):
        put(tmp_path, b"x")
    with pytest.raises(ValueError, match=r"is a \.pdf file, got 'a\.txt'"):
        put(tmp_path / "a.txt", b"x", "pdf")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ValueError, match="was not written"):
        put(tmp_path / "file" / "a.pdf", b"x", "pdf")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert put("~/a.pdf", b"x", "pdf") == tmp_path / "a.pdf"


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_story_leaves_no_file(kind, library, tmp_path):
    story = library.begin(Story("", "Nothing"))
    with pytest.raises(ValueError, match="no scene yet"):
        export(story, library, tmp_path / f"a.{kind}")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused(library, tmp_path):
    with pytest.raises(ValueError, match="no copy of kind 'doc'; there are zip, html"):
        export(typed(library, "T", "t"), library, tmp_path / "a.doc")


def test_export_takes_the_kind_from_the_ending(library, tmp_path):
    story = typed(library, "T", "t")
    assert export(story, library, tmp_path / "A.HTML").read_text().startswith("<!DOCTYPE html>")
