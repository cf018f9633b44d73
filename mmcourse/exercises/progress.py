"""What a learner has done: one small file, shared by notebooks and the shell."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1
LOCK_S = 2.0


@dataclass
class Record:
    """One exercise.

    Args:
        passed: whether it was ever passed.
        attempts: how often it was checked.
        caught: most broken implementations caught, in a bug hunt.
        total: how many there are.
        first_passed: when, in UTC.
    """

    passed: bool = False
    attempts: int = 0
    caught: int = 0
    total: int = 0
    first_passed: str = ""


@dataclass
class Progress:
    """All that is stored.

    Args:
        exercises: records by name of the exercise.
        folder: where `mmcourse exercises start` has written the stubs.
        problem: what was wrong with the file, if it could not be read.
    """

    exercises: dict[str, Record]
    folder: str = ""
    problem: str = ""


def home() -> Path:
    """The learner's own folder: MMCOURSE_HOME, or ~/.mmcourse.

    Raises:
        OSError: there is no home folder.
    """
    told = os.environ.get("MMCOURSE_HOME")
    try:
        return Path(told or "~/.mmcourse").expanduser()
    except RuntimeError:
        raise OSError(
            "there is no home folder to keep progress in; set MMCOURSE_HOME to a folder"
        ) from None


def path() -> Path:
    return home() / "progress.json"


def read() -> Progress:
    """The stored progress. A file that can't be understood is put aside and told of.

    Raises:
        OSError: it is there and can't be read.
    """
    try:
        text = path().read_bytes()
    except FileNotFoundError:
        return Progress({})
    try:
        found, bad = _understand(json.loads(text))
        if bad:
            aside = _set_aside(copy=True)
            found.problem = (
                f"in {path()} the records of {', '.join(bad)} could not be understood; the file is "
                f"kept as {aside.name}, and all others count"
            )
        return found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        aside = _set_aside()
        return Progress(
            {},
            problem=f"{path()} could not be understood ({error}); it is kept as {aside.name}, and "
            "progress starts anew",
        )


def _understand(stored: Any) -> tuple[Progress, list[str]]:
    """What is stored, and the names whose records can't be read."""
    if stored["version"] != VERSION:
        raise ValueError(f"version {stored['version']!r}, expected {VERSION}")
    known = {field.name: field.type for field in fields(Record)}
    records, bad = {}, []
    for name, values in stored["exercises"].items():
        try:
            record = Record(**{key: value for key, value in values.items() if key in known})
            wrong = any(type(v).__name__ != known[key] for key, v in asdict(record).items())
        except (TypeError, AttributeError):
            wrong = True
        if wrong:
            bad.append(name)
        else:
            records[name] = record
    return Progress(records, str(stored.get("folder", ""))), bad


def _set_aside(copy: bool = False) -> Path:
    number, found = 1, path().read_bytes()
    while (aside := path().with_name(f"progress.unreadable-{number}.json")).exists():
        if aside.read_bytes() == found:  # by an earlier reading
            break
        number += 1
    if copy:
        aside.write_bytes(found)
    else:
        os.replace(path(), aside)
    return aside


def write(progress: Progress) -> None:
    """Store progress. Either the old file or the new one is there, never half of one.

    Raises:
        OSError: no space, or no permission.
    """
    stored = {
        "version": VERSION,
        "folder": progress.folder,
        "exercises": {name: asdict(record) for name, record in sorted(progress.exercises.items())},
    }
    home().mkdir(parents=True, exist_ok=True)
    temporary = path().with_name(f"progress.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, path())
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One writer at a time. A lock that is left over from a crash is broken after two seconds."""
    home().mkdir(parents=True, exist_ok=True)
    lock = path().with_suffix(".lock")
    until = time.monotonic() + LOCK_S
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if time.monotonic() > until:
                break
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def record(id: str, passed: bool, score: tuple[int, int] | None = None) -> str:
    """Remember the outcome of a check. Returns what to tell the learner, mostly nothing."""
    try:
        with locked():
            progress = read()
            entry = progress.exercises.setdefault(id, Record())
            entry.attempts += 1
            if passed and not entry.passed:
                entry.passed = True
                entry.first_passed = datetime.now(UTC).isoformat(timespec="seconds")
            if score:
                entry.caught, entry.total = max(entry.caught, score[0]), score[1]
            write(progress)
    except OSError as error:
        where = os.environ.get("MMCOURSE_HOME") or "~/.mmcourse"
        return f"Progress could not be saved in {where}: {error.strerror or error}."
    return progress.problem and f"{progress.problem[0].upper()}{progress.problem[1:]}."


def remember_folder(folder: Path) -> None:
    """Remember where the learner's stub files are.

    Raises:
        OSError: no space, or no permission.
    """
    with locked():
        progress = read()
        progress.folder = str(folder.resolve())
        write(progress)
