"""Work that lasts: each job is a generator of plain data, so that it can be shown and stopped.

Jobs yield often, and once a second something is said in any case (`lively`). A job that is asked to
stop is closed at its next yield, and then nothing of it has been recorded. What a reader can mend
comes back as one line (`refused`).
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from mmcourse.story.app import shown
from mmcourse.story.app.lively import lively
from mmcourse.story.app.made import Made
from mmcourse.story.framework import Storyteller
from mmcourse.story.library import Library
from mmcourse.story.pixels import from_png, to_png
from mmcourse.story.story import Story
from mmcourse.story.team import Team
from mmcourse.storyworld.drawing.textures import noise

if TYPE_CHECKING:
    from PIL.Image import Image

    from mmcourse.story.loop import Event

Data = dict[str, Any]
log = logging.getLogger(__name__)
EARLY = 1000
"""How many wishes to stop are kept for jobs that have not begun."""


@dataclass
class Desk:
    """What all readers share.

    library, make_team: where stories are kept, and who tells them (made when first needed).
    made: what was made for readers. running: the jobs that run, each with its wish to stop.
    early: wishes to stop jobs that have not begun.
    """

    library: Library
    make_team: Callable[[], Team]
    made: Made = field(default_factory=Made)
    running: dict[tuple[str, str], threading.Event] = field(default_factory=dict)
    early: set[tuple[str, str]] = field(default_factory=set)
    _team: Team | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def team(self) -> Team:
        """Who does what."""
        with self._lock:
            if self._team is None:
                self._team = self.make_team()
            return self._team

    def teller(self, reader: str) -> Storyteller:
        """A storyteller for one reader."""
        return Storyteller(self.library, self.team(), reader)

    def stop(self, reader: str, job: str) -> None:
        """Let a job of a reader's end at its next yield, or before it begins."""
        with self._lock:
            if (reader, job) in self.running:
                self.running[reader, job].set()
                return
            if len(self.early) >= EARLY:  # wishes for jobs that never came
                self.early.clear()
            self.early.add((reader, job))

    def begin(self, reader: str, job: str) -> threading.Event:
        """A job begins; what will be set when it shall stop."""
        with self._lock:
            event = self.running[reader, job] = threading.Event()
            if (reader, job) in self.early:
                self.early.discard((reader, job))
                event.set()
            return event

    def picture(self, reader: str, token: str) -> Image | None:
        """An upload by its name; None for no name."""
        return from_png(self.made.take(reader, token).content) if token else None

    def keep(self, reader: str, picture: Image) -> str:
        """Keep a picture for a reader; its name."""
        return self.made.keep(reader, to_png(picture), "image/png")


def work(desk: Desk, reader: str, job: Data) -> Iterator[Data]:
    """Do a job: `job["do"]` names it, `job["id"]` is what `Desk.stop` is told."""
    from mmcourse.story.app.jobs import JOBS

    key = (reader, str(job.get("id", "")))
    stop = desk.begin(*key)
    try:
        if job.get("do") not in JOBS:
            raise ValueError(f"there is no work called {job.get('do')!r}")
        signs = lively(JOBS[job["do"]](desk, desk.teller(reader), job))
        try:
            for step in signs:
                if stop.is_set():
                    break
                yield step
        finally:
            signs.close()
        if stop.is_set():
            yield {"kind": "stopped", "message": "Stopped. Nothing was written down."}
    except KeyError as error:
        yield {"kind": "refused", "message": f"this job lacks something: {error}"}
    except ValueError as error:
        yield {"kind": "refused", "message": " ".join(str(error).split())}
    except Exception:  # the reader sees a line, the log all of it
        log.exception("a job failed: %s", job.get("do"))
        yield {"kind": "refused", "message": "something broke here; the story is as it was before"}
    finally:
        desk.running.pop(key, None)
        give_back()


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library than GNU's
        return None


def give_back() -> None:
    """Give memory that is free to the system: the noise of large pictures, of which what is made
    is kept, and what GNU's allocator keeps of what threads have freed, after a film some 200 MB."""
    noise.cache_clear()
    trim = _trim()
    if trim is not None:
        trim(0)


def told(desk: Desk, teller: Storyteller, events: Iterator[Event]) -> Iterator[Data]:
    """Events as data: pictures are kept and named, the last one brings the story."""
    titles = {b.name: b.title for b in teller.team.backends}
    try:
        for e in events:
            data = shown.event(e, titles)
            if e.picture is not None:
                data["picture"] = desk.keep(teller.reader, e.picture)
            if e.story is not None:
                data["story"] = shown.story(teller, e.story)
            yield data
    finally:
        if hasattr(events, "close"):
            events.close()


def at_scene(teller: Storyteller, job: Data) -> Story:
    """The story of a job, moved to the scene that it is about."""
    story = teller.open(str(job.get("story", "")))
    scene = int(job.get("scene") or story.current)
    return story if scene == story.current else teller.branch(story, scene)
