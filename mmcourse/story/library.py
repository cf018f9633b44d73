"""A library: the stories of one or more readers, in one file.

Every step is one transaction, with the pictures that it brings. Undo and redo move a pointer; all
steps stay. A reader is named by a string (an app gives each browser its own), and no method shows
one reader what is another's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mmcourse.story.database import Database
from mmcourse.story.pixels import from_png, picture_hash
from mmcourse.story.steps import Change, Step, apply, play
from mmcourse.story.steps import start as starting
from mmcourse.story.story import Story

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Listed:
    """A story as a shelf shows it: when it was last changed (ISO 8601), its number of scenes along
    the current path, and the hash of its first picture."""

    id: str
    title: str
    changed: str
    scenes: int
    cover: str


class Library:
    """Stories in one SQLite file (":memory:" keeps them nowhere).

    Raises:
        ValueError: a file that is no library (see `Database`).
    """

    def __init__(self, path: str | Path) -> None:
        self.database = Database(path)

    # -- stories ---------------------------------------------------------------------------------

    def begin(self, story: Story, pictures: Iterable[bytes] = (), reader: str = "") -> Story:
        """Put a new story on a reader's shelf: title, prompt, style and settings are kept.

        `pictures` are the PNG bytes that it began from, if any.
        """
        story = replace(story, id=story.id or uuid.uuid4().hex)
        kind, data = starting(story)
        with self.database.transaction() as db:
            if db.execute("SELECT 1 FROM stories WHERE id = ?", (story.id,)).fetchone():
                raise ValueError(f"there is a story {story.id} already; leave its id empty")
            now = _now()
            row = (story.id, reader, now, story.title)
            db.execute("INSERT INTO stories VALUES (?, ?, 1, 1, ?, ?, 0, '')", row)
            values = (story.id, 1, 0, kind, _json(data), now)
            db.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)", values)
            self._keep(db, story.id, pictures)
        return play([Step(1, 0, kind, data, now)])

    def add(self, story: Story, change: Change, pictures: Iterable[bytes] = ()) -> Story:
        """Record a step after the one where `story` stands, in one transaction with its pictures.

        Returns:
            The story after the step.

        Raises:
            ValueError: the story has gone on elsewhere meanwhile, or the step does not fit.
        """
        kind, data = change
        with self.database.transaction() as db:
            self._expect(db, story)
            last = db.execute("SELECT max(id) FROM steps WHERE story = ?", (story.id,)).fetchone()
            step = Step(last[0] + 1, story.step, kind, json.loads(_json(data)), _now())
            after = apply(story, step)
            values = (story.id, step.id, step.parent, kind, _json(data), step.at)
            db.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)", values)
            self._keep(db, story.id, pictures)
            if kind in ("scene", "edit"):
                node = after.nodes[step.id if kind == "scene" else data["scene"]]
                db.execute("INSERT INTO words VALUES (?, ?, ?)", (node.text, story.id, node.id))
            self._point(db, after, step.id)
        return after

    def restore(
        self, steps: Sequence[Step], pictures: Iterable[bytes] = (), reader: str = "", head: int = 0
    ) -> Story:
        """Put a whole history on a reader's shelf, as a story of its own, in one transaction.

        Args:
            steps: every step, as `steps` gives them.
            pictures: PNG bytes of all its pictures.
            reader: whose shelf.
            head: the step where its pointer stands (the last).

        Raises:
            ValueError: steps that make no story.
        """
        if not steps:
            raise ValueError("a story without steps cannot be restored")
        id, head = uuid.uuid4().hex, head or steps[-1].id
        known = {s.id: s for s in steps}
        for s in steps:
            if s.parent and (s.parent not in known or s.parent >= s.id):
                raise ValueError(f"step {s.id} follows step {s.parent}, which is not there")
        if head not in known or sorted(known) != list(range(1, len(steps) + 1)):
            raise ValueError("these steps are not numbered from 1 on without a gap")
        with self.database.transaction() as db:
            tip, now = max(known), _now()
            row = (id, reader, head, tip, now)
            db.execute("INSERT INTO stories VALUES (?, ?, ?, ?, ?, '', 0, '')", row)
            for s in steps:
                data = {**s.data, "id": id} if s.kind == "start" else s.data
                values = (id, s.id, s.parent, s.kind, _json(data), s.at)
                db.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)", values)
                if s.kind in ("scene", "edit"):
                    text = s.data["texts"][-1] if s.kind == "scene" else s.data["text"]
                    scene = s.id if s.kind == "scene" else s.data["scene"]
                    db.execute("INSERT INTO words VALUES (?, ?, ?)", (text, id, scene))
            self._keep(db, id, pictures)
            leaves = set(known) - {s.parent for s in steps}
            for step in leaves:
                play(self._path(id, step))  # every way through it must make a story
            story = play(self._path(id, head))
            self._point(db, story, tip)
        return story

    def open(self, id: str, reader: str = "") -> Story:
        """A story of a reader's, where its pointer stands.

        Raises:
            ValueError: this reader has no such story.
        """
        head = self._row(id, reader)[0]
        return play(self._path(id, head))

    def stories(self, reader: str = "") -> tuple[Listed, ...]:
        """A reader's shelf, the last changed first."""
        rows = self.database.rows(
            "SELECT id, title, changed, scenes, cover FROM stories WHERE reader = ?"
            " ORDER BY changed DESC, id",
            reader,
        )
        return tuple(Listed(*row) for row in rows)

    def erase(self, id: str, reader: str = "") -> None:
        """Take a story off the shelf for good, with the pictures that no other story shows.

        Raises:
            ValueError: this reader has no such story.
        """
        self._row(id, reader)
        with self.database.transaction() as db:
            db.execute("DELETE FROM words WHERE story = ?", (id,))
            db.execute("DELETE FROM stories WHERE id = ?", (id,))
            db.execute("DELETE FROM embeddings WHERE hash IN (SELECT hash FROM pictures"
                       " WHERE hash NOT IN (SELECT hash FROM used))")  # fmt: skip
            db.execute("DELETE FROM pictures WHERE hash NOT IN (SELECT hash FROM used)")

    # -- history ---------------------------------------------------------------------------------

    def steps(self, id: str, reader: str = "") -> tuple[Step, ...]:
        """Every step that a story ever took, the undone ones too."""
        self._row(id, reader)
        rows = self.database.rows(
            "SELECT id, parent, kind, data, at FROM steps WHERE story = ? ORDER BY id", id
        )
        return tuple(Step(i, p, k, json.loads(d), at) for i, p, k, d, at in rows)

    def undo(self, story: Story) -> Story:
        """The story before its last step.

        Raises:
            ValueError: there is nothing to undo (a story's beginning stays).
        """
        path = self._path(story.id, story.step)
        if len(path) < 2:
            raise ValueError("there is nothing to undo: this is how the story began")
        with self.database.transaction() as db:
            tip = self._expect(db, story)
            before = play(path[:-1])
            self._point(db, before, tip)
        return before

    def redo(self, story: Story) -> Story:
        """The story after the step that was undone last.

        Raises:
            ValueError: there is nothing to redo.
        """
        with self.database.transaction() as db:
            tip = self._expect(db, story)
            later = [s for s in self._path(story.id, tip) if s.parent == story.step]
            if not later:
                raise ValueError("there is nothing to redo")
            after = apply(story, later[0])
            self._point(db, after, tip)
        return after

    def can_undo(self, story: Story) -> bool:
        """Whether `undo` has something to do."""
        return story.step > 1

    def can_redo(self, story: Story) -> bool:
        """Whether `redo` has something to do."""
        tip = self.database.rows("SELECT tip FROM stories WHERE id = ?", story.id)[0][0]
        return any(s.parent == story.step for s in self._path(story.id, tip))

    def _path(self, id: str, step: int) -> list[Step]:
        """The steps from the first to one, in order."""
        rows = self.database.rows(
            "WITH RECURSIVE back(id, parent, kind, data, at) AS ("
            " SELECT id, parent, kind, data, at FROM steps WHERE story = ?1 AND id = ?2"
            " UNION ALL SELECT s.id, s.parent, s.kind, s.data, s.at FROM steps s"
            " JOIN back b ON s.story = ?1 AND s.id = b.parent) SELECT * FROM back",
            id,
            step,
        )
        return [Step(i, p, k, json.loads(d), at) for i, p, k, d, at in reversed(rows)]

    def _row(self, id: str, reader: str) -> tuple[int, int]:
        rows = self.database.rows(
            "SELECT head, tip FROM stories WHERE id = ? AND reader = ?", id, reader
        )
        if not rows:
            raise ValueError(f"there is no story {id!r} on this shelf")
        return rows[0][0], rows[0][1]

    def _expect(self, db: object, story: Story) -> int:
        """Make sure that the story stands where its holder thinks; its tip."""
        rows = self.database.rows("SELECT head, tip FROM stories WHERE id = ?", story.id)
        if not rows:
            raise ValueError(f"the story {story.id!r} was erased meanwhile")
        if rows[0][0] != story.step:
            raise ValueError(
                f"this story has gone on elsewhere (step {rows[0][0]}, here {story.step}); "
                "open it again"
            )
        return int(rows[0][1])

    @staticmethod
    def _point(db: object, story: Story, tip: int) -> None:
        """Move the pointer to where `story` stands, and note what a shelf shows of it."""
        path = story.path()
        cover = next((n.picture.hash for n in path if n.picture), "")
        values = (story.step, tip, _now(), story.title, len(path), cover, story.id)
        sql = (
            "UPDATE stories SET head = ?, tip = ?, changed = ?, title = ?, scenes = ?, cover = ?"
            " WHERE id = ?"
        )
        db.execute(sql, values)  # type: ignore[attr-defined]

    # -- pictures --------------------------------------------------------------------------------

    def _keep(self, db: object, id: str, pictures: Iterable[bytes]) -> None:
        for png in pictures:
            name = picture_hash(png)
            db.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?)", (name, png))  # type: ignore[attr-defined]
            db.execute("INSERT OR IGNORE INTO used VALUES (?, ?)", (id, name))  # type: ignore[attr-defined]

    def png(self, hash: str) -> bytes:
        """The PNG bytes of a picture.

        Raises:
            ValueError: the library holds no such picture.
        """
        rows = self.database.rows("SELECT png FROM pictures WHERE hash = ?", hash)
        if not rows:
            raise ValueError(f"this library holds no picture {hash[:12]!r}")
        return bytes(rows[0][0])

    def picture(self, hash: str) -> Image:
        """A picture of the library, as RGB."""
        return from_png(self.png(hash))

    def backup(self, path: str | Path) -> None:
        """A whole copy of the library, made while it is in use."""
        self.database.backup(path)

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
