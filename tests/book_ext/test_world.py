"""StoryWorld in the book: its sheets are drawn, its lists are whole, and misses are loud."""

import html
import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from ext import world
from PIL import Image

from mmcourse.storyworld import Tokenizer, caption, render, sample_scene
from mmcourse.storyworld.language.check import check_scene
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.language.tokenizer import SPECIAL
from mmcourse.storyworld.world import vocabulary

ALT = 'A fox & a bear, "cut" from paper and in pencil'
SHEET = Image.effect_noise((40, 30), 60).convert("RGB")


@pytest.fixture
def few(monkeypatch):
    """Two sheets that take no time, instead of the world's own."""
    sheets = {"styles": lambda: SHEET, "moods": lambda: SHEET.resize((24, 24))}
    monkeypatch.setattr(world, "PICTURES", sheets)


def page(name, alt=ALT, caption="A *caption*."):
    option = f"   :alt: {alt}\n" if alt else ""
    return f"Page\n====\n\n.. world-picture:: {name}\n{option}\n   {caption}\n"


def image_of(text):
    """The attributes of the page's only picture."""
    (found,) = re.findall(r"<img [^>]*_static/world[^>]*>", text)
    return {key: html.unescape(value) for key, value in re.findall(r'(\w+)="([^"]*)"', found)}


def test_a_sheet_is_a_numbered_figure_with_its_text(tiny, few):
    tiny.write("index.rst", page("styles") + "\nSee :numref:`world-styles`.\n")
    tiny.build("ext.world")
    text = tiny.html()
    image = image_of(text)
    assert image["alt"] == ALT
    assert (image["width"], image["height"]) == ("40", "30")
    assert "A <em>caption</em>." in text
    assert "See <a" in text
    assert text.count("Fig. 1") == 2
    assert tiny.messages == ""


@pytest.mark.parametrize("name", ["index", "part/one", "part/deep/two"])
def test_a_page_finds_the_picture_from_where_it_lies(tiny, few, name):
    if name != "index":
        tiny.write("index.rst", f"Top\n===\n\n.. toctree::\n\n   {name}\n")
    tiny.write(f"{name}.rst", page("moods"))
    tiny.build("ext.world")
    out = tiny.root / "out"
    file = ((out / f"{name}.html").parent / image_of(tiny.html(name))["src"]).resolve()
    assert file == (out / "_static" / "world" / "moods.webp").resolve()
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("WEBP", (24, 24))
    assert tiny.messages == ""


def test_an_unknown_picture_is_named_with_the_nearest(tiny, few):
    tiny.write("index.rst", page("style"))
    tiny.build("ext.world")
    expected = "index.rst:4: ERROR: no world-picture 'style'; the nearest that exists is 'styles'"
    assert expected in tiny.messages


@pytest.mark.parametrize("alt", ["", "Styles", "   Styles      of\n        it"])
def test_a_picture_without_a_text_is_an_error(tiny, few, alt):
    tiny.write("index.rst", page("styles", alt=alt))
    tiny.build("ext.world")
    assert "index.rst:4: ERROR: world-picture 'styles' has no :alt:" in tiny.messages


def test_a_build_that_failed_or_makes_no_pages_draws_nothing(tmp_path, few):
    nothing = SimpleNamespace(metadata={"index": {}})
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"), env=nothing)
    world.draw(app, ValueError("no"))
    app.builder.format = "latex"
    world.draw(app, None)
    assert not list(tmp_path.iterdir())
    app.builder.format = "html"
    world.draw(app, None)
    assert len(list(tmp_path.rglob("*.webp"))) == 2


def test_a_story_is_told_page_by_page_beside_its_pictures(tiny, few):
    tiny.write("index.rst", "Page\n====\n\n.. world-story:: 6\n")
    tiny.build("ext.world")
    story, text = tell(6), tiny.html()
    told = re.findall(r'<li><img src="([^"]*)"[^>]* alt="([^"]*)"[^>]*><p>(.*?)</p></li>', text)
    assert [html.unescape(words) for _, _, words in told] == [p.text for p in story.pages]
    for (source, alt, _), page in zip(told, story.pages, strict=True):
        assert not check_scene(html.unescape(alt), page.scene)[0]
        with Image.open(tiny.root / "out" / source) as picture:
            drawn = np.asarray(picture.convert("RGB")).astype(int)
        assert np.abs(drawn - np.asarray(render(page.scene, world.PAGE)).astype(int)).mean() < 4
    assert f'aria-label="A story: {story.title}"' in text
    assert tiny.messages == ""


def test_the_table_lists_every_value_of_the_vocabulary(tiny, few):
    tiny.write("index.rst", "Page\n====\n\n.. world-values::\n")
    tiny.build("ext.world")
    cells = dict(re.findall(r'<th scope="row">(\w+)</th><td>(.*?)</td>', tiny.html()))
    lists = {
        name: values
        for name, values in vars(vocabulary).items()
        if name.isupper() and isinstance(values, tuple) and isinstance(values[0], str)
    }
    assert lists.keys() == {
        "SPECIES", "COLOURS", "ACCESSORIES", "MOODS", "ACTIONS", "POSITIONS", "KINDS", "PLACES",
        "TIMES", "WEATHERS", "CAMERAS", "STYLES", "INTERACTIONS", "MUTUAL", "NAMES",
    }, "a new list: is it in the table?"  # fmt: skip
    rows = [set(row.split(", ")) for row in cells.values()]
    for name, values in lists.items():
        assert any(set(values) <= row for row in rows), name
    assert len(rows) == len(lists) - 1  # what is mutual is among the interactions
    assert cells["place"] == ", ".join(vocabulary.PLACES)
    assert cells["thing"] == ", ".join(vocabulary.KINDS)
    assert tiny.messages == ""


def test_the_words_are_those_of_the_tokenizer(tiny, few):
    tiny.write("index.rst", "Page\n====\n\n.. world-words::\n")
    tiny.build("ext.world")
    shown = re.search(
        r"<summary>All (\d+) words[^<]*</summary><p>(.*?)</p>", tiny.html(), re.DOTALL
    )
    listed = html.unescape(shown[2]).split(", ")
    expected = {w for w in Tokenizer().words if w not in SPECIAL and re.search("[a-z]", w, re.I)}
    assert len(expected) > 500
    assert int(shown[1]) == len(listed) == len(expected)
    assert set(listed) == expected
    assert not set(SPECIAL) & set(listed)
    assert tiny.messages == ""


SIZES = {
    "species": (4, 2, 256), "places": (4, 2, 256), "moods": (4, 1, 256), "deeds": (4, 2, 256),
    "styles": (4, 1, 256), "identities": (4, 1, 256), "views": (4, 1, 256), "layers": (3, 1, 256),
    "animations": (6, 4, 160), "random": (8, 4, 128), "opening": (1, 1, 480),
}  # fmt: skip
"""Columns, rows and the side of a picture."""


def test_every_sheet_has_its_size_below():
    assert world.PICTURES.keys() == SIZES.keys()


@pytest.mark.parametrize("name", SIZES)
def test_each_sheet_is_full_of_different_pictures(name):
    columns, rows, side = SIZES[name]
    step = side + side // 32
    sheet = world.PICTURES[name]()
    assert sheet.mode == "RGB"
    assert sheet.size == (columns * step - step + side, rows * step - step + side)
    pixels = np.asarray(sheet)
    seen = []
    for i in range(columns * rows):
        top, left = i // columns * step, i % columns * step
        picture = pixels[top : top + side, left : left + side]
        assert picture.std() > 10, f"picture {i} of {name} is blank"
        seen.append(picture.tobytes())
    if name == "animations":  # where what moves is again where it was
        strips = [seen[row : row + columns] for row in range(0, len(seen), columns)]
        assert all(a != b for strip in strips for a, b in pairwise(strip)), "nothing moves"
    else:
        assert len(set(seen)) == len(seen), "a picture is shown twice"
    gaps = [pixels[side:step, :], pixels[:, side:step]]
    assert all((gap == world.PAPER).all() for gap in gaps)


def test_a_caption_that_scenes_share_stands_in_a_sentence(tiny, few):
    tiny.write("index.rst", "Page\n====\n\nThe same: :one-caption:`identities`\n")
    tiny.build("ext.world")
    shared = {caption(scene) for scene in world.four_foxes()}
    assert len(shared) == 1
    assert f"<em>{shared.pop()}</em>" in tiny.html()


def test_scenes_that_share_no_caption_stop_the_build(tiny, few, monkeypatch):
    two = [sample_scene("test", 0), sample_scene("test", 1)]
    monkeypatch.setattr(world.OneCaption, "SHEETS", {"identities": lambda: two})
    tiny.write("index.rst", "Page\n====\n\nThe same: :one-caption:`identities`\n")
    with pytest.raises(ValueError, match="too many values"):
        tiny.build("ext.world")
