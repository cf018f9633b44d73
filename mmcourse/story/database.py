"""The library's file: its tables, how they came to be, and one transaction at a time.

SQLite with a write-ahead log: what is committed survives the process being killed at any instant,
and what is not leaves no trace. Transactions are written out (`BEGIN IMMEDIATE`, `COMMIT`,
`ROLLBACK`), for `with connection:` rolls nothing back once autocommit is on, and `executescript`
would commit what was pending.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmcourse.paths import user_path

APPLICATION = 0x6D6D7374
"""Marks the file as a library of stories, in its header ("mmst")."""
BUSY_SECONDS = 10.0

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE stories (id TEXT PRIMARY KEY, reader TEXT NOT NULL, head INTEGER NOT NULL,"
        " tip INTEGER NOT NULL, changed TEXT NOT NULL, title TEXT NOT NULL,"
        " scenes INTEGER NOT NULL, cover TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE steps (story TEXT NOT NULL REFERENCES stories(id) ON DELETE CASCADE,"
        " id INTEGER NOT NULL, parent INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,"
        " at TEXT NOT NULL, PRIMARY KEY (story, id)) WITHOUT ROWID",
        "CREATE TABLE pictures (hash TEXT PRIMARY KEY, png BLOB NOT NULL)",
        "CREATE TABLE used (story TEXT NOT NULL REFERENCES stories(id) ON DELETE CASCADE,"
        " hash TEXT NOT NULL REFERENCES pictures(hash), PRIMARY KEY (story, hash)) WITHOUT ROWID",
        "CREATE TABLE embeddings (hash TEXT NOT NULL, encoder TEXT NOT NULL, vector BLOB NOT NULL,"
        " PRIMARY KEY (hash, encoder)) WITHOUT ROWID",
        "CREATE TABLE preferences (reader TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
        " PRIMARY KEY (reader, name)) WITHOUT ROWID",
        "CREATE VIRTUAL TABLE words USING fts5(text, story UNINDEXED, scene UNINDEXED,"
        " tokenize = 'porter unicode61')",
    ),
)
"""How the tables of version n came to be from those of n - 1. Only ever add to this list."""


class Database:
    """One library's file, shared by the threads of one process.

    Raises:
        ValueError: a file that is no library, is damaged, cannot be opened, or was written by a
            newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path if str(path) == ":memory:" else user_path(path)
        self._lock = threading.RLock()
        try:
            if isinstance(self.path, Path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self.path, BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as error:
            raise ValueError(f"the library {path} cannot be opened: {error}") from None
        try:
            self._prepare(MIGRATIONS)
        except sqlite3.Error as error:
            self._db.close()
            raise ValueError(
                f"{path} cannot be read as a library of stories: {error}; name another file"
            ) from None
        except ValueError:
            self._db.close()
            raise

    def _prepare(self, migrations: Sequence[Sequence[str]]) -> None:
        """Set the connection up and bring the tables to today's version."""
        self._db.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")
        version, mark = self._pragma("user_version"), self._pragma("application_id")
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if mark != APPLICATION and tables:
            raise ValueError(f"{self.path} is another program's database; name another file")
        if version > len(migrations):
            raise ValueError(
                f"the library {self.path} was written by a newer version (tables {version}, this "
                f"one knows {len(migrations)}); upgrade mmcourse"
            )
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON",
                       "secure_delete = ON"):  # fmt: skip
            self._db.execute(f"PRAGMA {pragma}")
        if version == len(migrations):
            return
        with self.transaction() as db:
            version = self._pragma("user_version")  # another process may have been quicker
            for number in range(version, len(migrations)):
                for statement in migrations[number]:
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {len(migrations)}")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing.

        Raises:
            ValueError: the file cannot be written (full, read-only, locked for long).
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                raise ValueError(
                    f"the library {self.path} could not be written: {error}; nothing was changed"
                ) from None
            except sqlite3.DatabaseError as error:
                raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.DatabaseError) -> Exception:
        """A file that is no longer whole, in one line; any other error is the program's own."""
        if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
            return error
        return ValueError(f"the library {self.path} is damaged: {error}; go on from a copy of it")

    def rows(self, sql: str, *values: object) -> list[tuple]:
        """Read.

        Raises:
            ValueError: the file is damaged there.
        """
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise self._damaged(error) from error

    def backup(self, path: str | Path) -> None:
        """A copy that is whole, whatever is being written meanwhile. A copy of the file alone would
        miss what is still in the log.

        Raises:
            ValueError: the copy exists already or cannot be written.
        """
        target = user_path(path)
        if target.exists():
            raise ValueError(f"{target} exists already; name another file")
        try:
            copy = sqlite3.connect(target)
            try:
                with self._lock:
                    self._db.backup(copy)
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise ValueError(f"the copy {target} could not be written: {error}") from None

    def close(self) -> None:
        """Close the file; everything committed is in it."""
        with self._lock:
            self._db.close()
