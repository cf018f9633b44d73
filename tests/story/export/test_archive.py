"""A zip holds all of a story, and is not believed before it is checked."""

import json
import zipfile
from dataclasses import replace

import pytest

from mmcourse.story.export.archive import archive, load
from mmcourse.story.library import Library
from mmcourse.story.pixels import to_png


@pytest.fixture(scope="module")
def written(evening, shelf, tmp_path_factory):
    return archive(evening, shelf, tmp_path_factory.mktemp("zip") / "story.zip")


def test_it_comes_back_identically(evening, shelf, written):
    with_other = Library(":memory:")
    again = load(written, with_other, reader="ann")
    assert again.id != evening.id
    assert replace(again, id=evening.id) == evening
    mine, theirs = shelf.steps(evening.id), with_other.steps(again.id, "ann")
    assert [(s.id, s.parent, s.kind, s.at) for s in mine] == [
        (s.id, s.parent, s.kind, s.at) for s in theirs
    ]
    assert [{**s.data, "id": ""} for s in mine] == [{**s.data, "id": ""} for s in theirs]
    assert with_other.redo(again).tone == "warm"  # what was undone is there too
    first = again.path()[0]
    assert first.marked == "here it began"
    assert len(first.pictures) == 2
    failed = first.picture.failed[0]
    assert with_other.png(failed.hash) == shelf.png(failed.hash)
    assert any(len(n.texts) == 2 for n in again.nodes.values())


def test_the_same_story_gives_the_same_bytes(evening, shelf, written, tmp_path):
    assert archive(evening, shelf, tmp_path / "b.zip").read_bytes() == written.read_bytes()


def test_another_program_finds_texts_pictures_and_gallery(written, evening):
    with zipfile.ZipFile(written) as file:
        shown = json.loads(file.read("book.json"))
        names = set(file.namelist())
    assert shown["title"] == evening.title
    kinds = [part["type"] for part in shown["content"]]
    assert kinds == ["text", "image", "text"]
    assert all(part["data"] in names for part in shown["content"] if part["type"] == "image")
    assert shown["character_gallery"]
    assert all({"name", "description"} <= set(who) for who in shown["character_gallery"])
    assert all(who["image"] in names for who in shown["character_gallery"] if "image" in who)


def rewritten(source, target, change):
    """The zip with its entries changed: a function from {name: bytes} to {name: bytes}."""
    with zipfile.ZipFile(source) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in change(entries).items():
            file.writestr(name, content)
    return target


def in_story(change):
    def changed(entries):
        whole = json.loads(entries["story.json"])
        change(whole)
        return {**entries, "story.json": json.dumps(whole).encode()}

    return changed


def without_a_picture(entries):
    name = next(n for n in entries if n.startswith("pictures/"))
    return {n: c for n, c in entries.items() if n != name}


def another_picture(entries):
    name = next(n for n in entries if n.startswith("pictures/"))
    from PIL import Image

    return {**entries, name: to_png(Image.new("RGB", (8, 8)))}


HOSTILE = {
    "a path outside": (lambda e: {**e, "../evil.py": b"x"}, "which no story has"),
    "an absolute path": (lambda e: {**e, "/etc/passwd": b"x"}, "which no story has"),
    "a stranger": (lambda e: {**e, "pictures/x.exe": b"x"}, "which no story has"),
    "no story": (lambda e: {k: v for k, v in e.items() if k != "story.json"}, "lacks story.json"),
    "a lost picture": (without_a_picture, "lacks pictures/"),
    "another picture": (another_picture, "not the one that was written"),
    "a picture unlisted": (in_story(lambda w: w["pictures"].clear()), "lacks the picture"),
    "no JSON": (lambda e: {**e, "story.json": b"{"}, "cannot be loaded"),
    "a list": (lambda e: {**e, "story.json": b"[]"}, "no story in format"),
    "not UTF-8": (lambda e: {**e, "story.json": b"\xff\xfe"}, "cannot be loaded"),
    "deep": (lambda e: {**e, "story.json": b"[" * 200_000}, "holds no story"),
    "NaN": (lambda e: {**e, "story.json": b'{"format": NaN}'}, "no number"),
    "the future": (in_story(lambda w: w.update(format=2)), "format 1"),
    "no steps": (in_story(lambda w: w.update(steps=[])), "1 to"),
    "no head": (in_story(lambda w: w.update(head="1")), "where the reader was"),
    "head of nothing": (in_story(lambda w: w.update(head=999)), "cannot be loaded"),
    "a lost step": (in_story(lambda w: w["steps"].pop(1)), "cannot be loaded"),
    "an unknown kind": (in_story(lambda w: w["steps"][1].update(kind="drop")), "cannot be loaded"),
    "a field too many": (in_story(lambda w: w["steps"][0].update(x=1)), "unknown field"),
    "a text that is none": (
        in_story(lambda w: w["steps"][1]["data"].update(texts=[{"a": 1}])),
        "cannot be loaded|holds no story",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_is_refused_in_one_line(name, written, tmp_path):
    change, message = HOSTILE[name]
    bad = rewritten(written, tmp_path / "bad.zip", change)
    library = Library(":memory:")
    with pytest.raises(ValueError, match=message) as refused:
        load(bad, library)
    assert "\n" not in str(refused.value)
    assert library.stories() == ()
    assert library.database.rows("SELECT count(*) FROM pictures")[0][0] == 0


def test_what_is_too_large_is_refused_before_it_is_unpacked(written, tmp_path, monkeypatch):
    monkeypatch.setattr("mmcourse.story.export.archive.ENTRY_BYTES", 2_000_000)
    bomb = rewritten(written, tmp_path / "bomb.zip", lambda e: {"story.json": bytes(2_000_001)})
    assert bomb.stat().st_size < 3_000
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *a: pytest.fail("it was opened"))
    with pytest.raises(ValueError, match="more than any"):
        load(bomb, Library(":memory:"))


def test_a_size_that_lies_is_found_out(written, tmp_path):
    content = bytearray(written.read_bytes())
    with zipfile.ZipFile(written) as file:
        size = file.getinfo("story.json").file_size
    content = content.replace(size.to_bytes(4, "little"), (size - 9).to_bytes(4, "little"))
    (tmp_path / "lie.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"as long as it says|no zip"):
        load(tmp_path / "lie.zip", Library(":memory:"))


def test_two_of_one_name_are_refused(written, tmp_path):
    twice = tmp_path / "twice.zip"
    twice.write_bytes(written.read_bytes())
    with zipfile.ZipFile(twice, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("story.json", b"{}")
    with pytest.raises(ValueError, match="two entries"):
        load(twice, Library(":memory:"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x00" * 100])
def test_what_is_no_zip_says_so(content, tmp_path):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.zip is no zip"):
        load(tmp_path / "x.zip", Library(":memory:"))


def test_no_file_says_so(tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        load(tmp_path / "x.zip", Library(":memory:"))


def test_a_damaged_one_never_loads_half(written, tmp_path):
    whole = written.read_bytes()
    for share in (0.2, 0.5, 0.8, 0.99):
        (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * share)])
        library = Library(":memory:")
        with pytest.raises(ValueError, match=r"cut\.zip"):
            load(tmp_path / "cut.zip", library)
        assert library.stories() == ()
