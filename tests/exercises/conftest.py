"""Progress goes to a folder of the test, and no worker outlives the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mmcourse.exercises import process


@pytest.fixture(autouse=True)
def learner_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("MMCOURSE_HOME", str(home))
    monkeypatch.setenv("MMCOURSE_CHECK_SECONDS", "60")  # a loaded machine is no wrong answer
    return home


@pytest.fixture(autouse=True, scope="session")
def _no_worker_left() -> Iterator[None]:
    yield
    process.stop()
