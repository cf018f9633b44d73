"""Let pytest grade a learner's chapter files: every exercise in them is a test."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import mmcourse.exercises
from mmcourse.exercises.attempt import Attempt
from mmcourse.exercises.attempt import exercise as decorated
from mmcourse.exercises.catalogue import ids, load
from mmcourse.exercises.files import CHAPTER_FILE
from mmcourse.exercises.report import Report
from mmcourse.exercises.stubs import is_stub


class NotPassed(Exception):
    """Carries the report of a failed check to where pytest prints it."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.headline)
        self.report = report


made: list[Attempt] = []
"""Every answer that the file which is being read has decorated, also those that go by no name."""

only: set[str] = set()
"""Names of the exercises to be graded; all, if empty."""

notes: dict[str, None] = {}
"""What was to be told beside passing or failing, each once."""


def _recording(id: str) -> Any:
    def decorate(answer: Any) -> Attempt:
        attempt = decorated(id)(answer)
        made.append(attempt)
        return attempt

    return decorate


def import_answers(file: Path) -> ModuleType:
    """Run a chapter file; what it decorates is in `made`.

    Raises:
        pytest.Collector.CollectError: it raises, or leaves Python.
    """
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    made.clear()
    if str(file.parent) not in sys.path:  # at the end: a random.py there is not Python's
        sys.path.append(str(file.parent))
    mmcourse.exercises.exercise = _recording
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
        where = f", line {lines[-1].lineno}: {lines[-1].line}" if lines else ""
        told = f"{file.name} can't be run. {type(error).__name__}: {error}{where}"
        raise pytest.Collector.CollectError(told) from None
    finally:
        mmcourse.exercises.exercise = decorated
    return module


class ChapterFile(pytest.File):
    """One chapter's answers."""

    def collect(self) -> Iterator[pytest.Item]:
        names = vars(import_answers(self.path))
        answers: dict[str, Attempt] = {}
        for attempt in made:  # the last one counts, but a stub is no answer
            if attempt.attempted or attempt.exercise.id not in answers:
                answers[attempt.exercise.id] = attempt
        for id in ids(self.path.stem):
            name = id.partition(".")[2]
            if only and name not in only:
                continue
            bare = names.get(load(id).function) if id not in answers else None
            lost = isinstance(bare, FunctionType) and not is_stub(bare)
            yield ExerciseItem.from_parent(self, name=name, attempt=answers.get(id), lost=lost)


class ExerciseItem(pytest.Item):
    """One exercise."""

    def __init__(self, attempt: Attempt | None = None, lost: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attempt, self.lost = attempt, lost

    def runtest(self) -> None:
        id = f"{self.path.stem}.{self.name}"
        if self.lost:
            pytest.fail(
                f'{load(id).function} is written, but the line @exercise("{id}") above it is gone, '
                "so it can't be graded. Put it back.",
                pytrace=False,
            )
        if self.attempt is None:
            pytest.skip(f"not in {self.path.name}")
        report = self.attempt.grade()
        if report.status == "not attempted":
            pytest.skip("it still raises NotImplementedError")
        if report.note:
            notes[report.note] = None
        if not report.passed:
            raise NotPassed(report)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, NotPassed):
            report = excinfo.value.report
            return f"{report}\n\n  A hint: mmcourse exercises hint {report.exercise.id}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    """In place of pytest's own reading of a chapter file, which would run `test_loss` as a test."""
    if CHAPTER_FILE.fullmatch(module_path.name):
        return ChapterFile.from_parent(parent, path=module_path)
    return None


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    if report.skipped and isinstance(report.longrepr, tuple):
        return "not attempted", "-", "not attempted"
    return None
