"""A story as a zip of JSON and pictures, and back: nothing of it is lost.

`story.json` holds every step that the story ever took, the undone ones too, so every version of a
text, failed tries, facts, marks and settings come back. `book.json` is the story as it reads now,
for other programs: title, texts and pictures in turn, the gallery of characters. Only `story.json`
and the pictures in `pictures/`, each named by its hash, are read back, and nothing of them is
believed before it is checked.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmcourse.paths import user_path
from mmcourse.story.codec import from_data, to_data
from mmcourse.story.export.book import Book, gather
from mmcourse.story.export.writing import put
from mmcourse.story.library import Library
from mmcourse.story.pixels import picture_hash
from mmcourse.story.steps import Step
from mmcourse.story.story import Story

FORMAT = 1
WHEN = (1980, 1, 1, 0, 0, 0)
"""Every entry's time, so that the same story gives the same bytes."""
NAMES = re.compile(r"story\.json|book\.json|pictures/[0-9a-f]{64}\.png|gallery/[0-9]{3}\.(png|jpg)")
MOST_ENTRIES, MOST_STEPS = 20_000, 20_000
ENTRY_BYTES, TOTAL_BYTES = 64_000_000, 2_000_000_000
MOST_PIXELS = 4096 * 4096


def archive(story: Story, library: Library, path: str | Path) -> Path:
    """Write a story as a zip that `load` reads back.

    Args:
        story: which; all its branches and versions are kept.
        library: where its steps and pictures are.
        path: a file that ends in ".zip".

    Raises:
        ValueError: an empty story, or a path that cannot be written.
    """
    book = gather(story, library, size=1)  # its pictures are kept as they are
    hashes, reader = _used(library, story.id)
    whole = {
        "format": FORMAT,
        "title": story.title,
        "head": story.step,
        "steps": [to_data(step) for step in library.steps(story.id, reader)],
        "pictures": hashes,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        _add(file, "story.json", json.dumps(whole, ensure_ascii=True, indent=1).encode())
        shown, pictures = _as_read(book, story)
        _add(file, "book.json", json.dumps(shown, ensure_ascii=True, indent=1).encode())
        for name in hashes:
            _add(file, f"pictures/{name}.png", library.png(name))
        for name, content in pictures.items():
            _add(file, name, content)
    return put(path, out.getvalue(), "zip")


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    kind = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
    file.writestr(zipfile.ZipInfo(name, WHEN), content, kind)


def _used(library: Library, id: str) -> tuple[list[str], str]:
    """The hashes of all pictures of a story, failed tries too, and whose story it is."""
    rows = library.database.rows("SELECT hash FROM used WHERE story = ? ORDER BY hash", id)
    owner = library.database.rows("SELECT reader FROM stories WHERE id = ?", id)
    if not owner:
        raise ValueError(f"this library holds no story {id!r}; record it first")
    return [row[0] for row in rows], owner[0][0]


def _as_read(book: Book, story: Story) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The story as it reads now, and the files of its gallery."""
    content: list[dict[str, str]] = []
    for page, node in zip(book.pages, story.path(), strict=True):
        content.append({"type": "text", "data": page.text})
        if page.plate and node.picture:
            name = f"pictures/{node.picture.hash}.png"
            content.append({"type": "image", "data": name, "alt": page.plate.alt})
    people, files = [], {}
    for i, figure in enumerate(book.gallery, start=1):
        entry = {"name": figure.name, "description": figure.description}
        if figure.plate:
            packed, ending = figure.plate.packed
            entry["image"] = f"gallery/{i:03d}.{ending}"
            files[entry["image"]] = packed
        people.append(entry)
    return {"title": book.title, "content": content, "character_gallery": people}, files


# -- and back ------------------------------------------------------------------------------------


def load(path: str | Path, library: Library, reader: str = "") -> Story:
    """Put the story of a zip on a reader's shelf, under a new id, as it was when it was written.

    Raises:
        ValueError: in one line, a file that `archive` did not write, or that is damaged.
    """
    source = user_path(path)
    try:
        with zipfile.ZipFile(source) as file:
            entries = _entries(file)
            whole = _json(_read(file, entries, "story.json"))
            steps, hashes, head = _history(whole)
            return library.restore(steps, list(_pictures(file, entries, hashes)), reader, head)
    except FileNotFoundError:
        raise ValueError(f"there is no file {source}") from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise ValueError(f"{source.name} is no zip that can be read: {error}") from None
    except (KeyError, TypeError, RecursionError, OverflowError, sqlite3.Error) as error:
        raise ValueError(f"{source.name} holds no story: {type(error).__name__} {error}") from None
    except ValueError as error:
        raise ValueError(f"{source.name} cannot be loaded: {error}") from None


def _entries(file: zipfile.ZipFile) -> Mapping[str, zipfile.ZipInfo]:
    """The entries by name, if all of them may be there."""
    found = file.infolist()
    if len(found) > MOST_ENTRIES:
        raise ValueError(f"it has {len(found)} entries, more than any story")
    for entry in found:
        if not NAMES.fullmatch(entry.filename):
            raise ValueError(f"it has an entry {entry.filename[:60]!r}, which no story has")
        if entry.flag_bits & 1:
            raise ValueError("it is locked with a password")
        if entry.file_size > ENTRY_BYTES:
            raise ValueError(f"{entry.filename} is {entry.file_size} bytes, more than any")
    if sum(entry.file_size for entry in found) > TOTAL_BYTES:
        raise ValueError("it is larger than any story when unpacked")
    names = {entry.filename: entry for entry in found}
    if len(names) < len(found):
        raise ValueError("it has two entries of one name")
    return names


def _read(file: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str) -> bytes:
    """An entry, never more of it than it says."""
    if name not in entries:
        raise ValueError(f"it lacks {name}")
    with file.open(entries[name]) as stream:
        content = stream.read(entries[name].file_size + 1)
    if len(content) != entries[name].file_size:
        raise ValueError(f"{name} is not as long as it says")
    return content


def _json(content: bytes) -> Mapping[str, Any]:
    def refuse(word: str) -> None:
        raise ValueError(f"story.json holds {word}, which is no number")

    whole = json.loads(content.decode("utf-8"), parse_constant=refuse)
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise ValueError(f"story.json is no story in format {FORMAT}; a newer mmcourse may know it")
    return whole


def _history(whole: Mapping[str, Any]) -> tuple[list[Step], list[str], int]:
    steps, hashes, head = whole["steps"], whole["pictures"], whole["head"]
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise ValueError(f"a story has 1 to {MOST_STEPS} steps")
    if type(head) is not int:
        raise ValueError("story.json does not say where the reader was")
    if not isinstance(hashes, list) or not all(
        isinstance(h, str) and re.fullmatch("[0-9a-f]{64}", h) for h in hashes
    ):
        raise ValueError("story.json does not list its pictures")
    found = [from_data(Step, step) for step in steps]
    named = set().union(*(_hashes(step.data) for step in found))
    if missing := sorted(named - set(hashes)):
        raise ValueError(f"it lacks the picture {missing[0][:12]}, which its story shows")
    return found, hashes, head


def _hashes(data: Any) -> set[str]:
    """The hashes of the pictures that a step names."""
    if isinstance(data, Mapping):
        own = {str(data[k]) for k in ("hash", "source") if data.get(k)}
        return own.union(*(_hashes(x) for x in data.values()))
    if isinstance(data, list | tuple):
        return set().union(*(_hashes(x) for x in data))
    return set()


def _pictures(
    file: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], hashes: list[str]
) -> Iterator[bytes]:
    from PIL import Image

    for name in hashes:
        png = _read(file, entries, f"pictures/{name}.png")
        if picture_hash(png) != name:
            raise ValueError(f"the picture {name[:12]} is not the one that was written")
        try:
            with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ValueError(f"the picture {name[:12]} has more pixels than any")
                picture.load()
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"the picture {name[:12]} is no PNG: {error}") from None
        yield png
