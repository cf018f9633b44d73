"""Let pytest grade a learner's chapter files: every exercise in them is a test."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mmcourse.exercises.attempt import Attempt
from mmcourse.exercises.catalogue import ids
from mmcourse.exercises.files import CHAPTER_FILE
from mmcourse.exercises.report import Report


class NotPassed(Exception):
    """Carries the report of a failed check to where pytest prints it."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.headline)
        self.report = report


def import_answers(file: Path) -> ModuleType:
    """Run a chapter file.

    Raises:
        pytest.Collector.CollectError: it raises, or leaves Python.
    """
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
        where = f", line {lines[-1].lineno}: {lines[-1].line}" if lines else ""
        told = f"{file.name} can't be run. {type(error).__name__}: {error}{where}"
        raise pytest.Collector.CollectError(told) from None
    return module


class ChapterFile(pytest.File):
    """One chapter's answers."""

    def collect(self) -> Iterator[pytest.Item]:
        found = vars(import_answers(self.path)).values()
        answers = {a.exercise.id: a for a in found if isinstance(a, Attempt)}
        for id in ids(self.path.stem):
            name = id.partition(".")[2]
            yield ExerciseItem.from_parent(self, name=name, attempt=answers.get(id))


class ExerciseItem(pytest.Item):
    """One exercise."""

    def __init__(self, attempt: Attempt | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attempt = attempt

    def runtest(self) -> None:
        if self.attempt is None:
            pytest.skip(f"not in {self.path.name}")
        report = self.attempt.grade()
        if report.status == "not attempted":
            pytest.skip("it still raises NotImplementedError")
        if not report.passed:
            raise NotPassed(report)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, NotPassed):
            return str(excinfo.value.report)
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
