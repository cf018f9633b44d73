"""Copies of a story: zip, HTML, EPUB, PDF, and an animated picture book.

Each kind is a module with one function of the same name that takes `(story, library, path)` and
writes the file wholly or not at all; `export` chooses by the file's ending.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from mmcourse.story.library import Library
from mmcourse.story.narration import Narration
from mmcourse.story.story import Story

KINDS = {
    "zip": ("archive", "everything, to be loaded again"),
    "html": ("html", "one page for any browser"),
    "epub": ("epub", "a book for e-readers"),
    "pdf": ("pdf", "pages to print"),
    "gif": ("film", "an animated picture book"),
    "mp4": ("film", "the same as a film, with sound"),
}
"""The endings, each with the module that writes it and what it is, for the reader."""
SPOKEN = ("html", "epub", "mp4")
"""The kinds that can hold a narration."""


def export(
    story: Story,
    library: Library,
    path: str | Path,
    kind: str = "",
    narration: Narration | None = None,
) -> Path:
    """Write a copy of a story.

    Args:
        story: which; the scenes along the path where the reader is.
        library: where its pictures are.
        path: the file.
        kind: one of `KINDS`; empty takes the path's ending.
        narration: what is read aloud, for the kinds in `SPOKEN`; the others leave it out.

    Raises:
        ValueError: a kind that does not exist, or what the kind's own function refuses.
    """
    kind = kind or Path(path).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ValueError(f"there is no copy of kind {kind!r}; there are {', '.join(KINDS)}")
    name = KINDS[kind][0]
    write = getattr(import_module(f"{__name__}.{name}"), name)
    done: Path = (
        write(story, library, path, narration=narration)
        if kind in SPOKEN
        else write(story, library, path)
    )
    return done
