"""Copies of a story to take along, made aside so that the reader can stop waiting at once."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mmcourse.story.app import shown
from mmcourse.story.app.work import Data, Desk
from mmcourse.story.framework import Storyteller
from mmcourse.story.story import Story

if TYPE_CHECKING:
    from mmcourse.story.narration import Narration

MIMES = {
    "zip": "application/zip",
    "html": "text/html",
    "epub": "application/epub+zip",
    "pdf": "application/pdf",
    "gif": "image/gif",
    "mp4": "video/mp4",
}
ONE = threading.Lock()
"""One copy is made at a time, even if the reader of the one before no longer waits for it."""


def copy(desk: Desk, teller: Storyteller, job: Data) -> Generator[Data, None, None]:
    """A copy of one kind; with `aloud`, it is read aloud in it."""
    from mmcourse.story.export import KINDS, SPOKEN
    from mmcourse.story.export.writing import file_name

    kind, story = str(job["kind"]), teller.open(str(job["story"]))
    if kind not in KINDS:
        raise ValueError(f"there is no copy of kind {kind!r}; there are {', '.join(KINDS)}")
    yield {"kind": "copying", "message": "Binding the book", "share": 0.05}
    narration: Narration | None = None
    if job.get("aloud") and kind in SPOKEN:
        from mmcourse.story.narration import Narration as Whole
        from mmcourse.story.narration import narrate

        for step in narrate(story, teller.team):
            if isinstance(step, Whole):
                narration = step
            else:
                yield {"kind": "copying", "message": "Reading it aloud", "share": 0.7 * step}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"story.{kind}"
        for share in _aside(story, desk, path, kind, narration):
            yield {"kind": "copying", "message": "Binding the book", "share": share}
        content = path.read_bytes()
    name = file_name(story.title, kind)
    token = desk.made.keep(teller.reader, content, MIMES[kind], name)
    yield {"kind": "copied", "file": token, "name": name, "bytes": len(content), "share": 1.0}


def load(desk: Desk, teller: Storyteller, content: bytes) -> Data:
    """A story from the zip that `copy` made, for this reader.

    Raises:
        ValueError: it is no such zip, or not whole.
    """
    from mmcourse.story.export.archive import load as from_zip

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.zip"
        path.write_bytes(content)
        return {"story": shown.story(teller, from_zip(path, desk.library, teller.reader))}


def _aside(
    story: Story, desk: Desk, path: Path, kind: str, narration: Narration | None
) -> Iterator[float]:
    """Write the copy in a thread of its own; how much of the waiting may be done."""
    from mmcourse.story.export import export

    wrong: list[Exception] = []

    def make() -> None:
        try:
            with ONE:
                export(story, desk.library, path, kind, narration)
        except Exception as error:  # it is raised where the reader waits
            wrong.append(error)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    begun = time.monotonic()
    while thread.is_alive():
        thread.join(0.2)
        waited = time.monotonic() - begun
        yield 0.7 + 0.28 * waited / (waited + 3.0)
    if wrong:
        raise wrong[0]
