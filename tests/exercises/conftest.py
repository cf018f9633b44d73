"""Progress goes to a folder of the test, workers come quickly, and none outlives the tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmcourse.exercises import hunting, process

from . import zygote


@pytest.fixture(autouse=True)
def learner_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("MMCOURSE_HOME", str(home))
    monkeypatch.setattr(
        hunting, "MORE_SECONDS", 0.02
    )  # some more seeds; a test of them asks for all
    monkeypatch.setenv("MMCOURSE_CHECK_SECONDS", "60")  # a loaded machine is no wrong answer
    return home


@pytest.fixture(autouse=True, scope="session")
def _forked_workers() -> Iterator[None]:
    """Workers are forked, where forks are safe; and no worker is left."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux":
            quick = SimpleNamespace(**vars(subprocess) | {"Popen": zygote.popen})
            patch.setattr(process, "subprocess", quick)
        yield
        process.stop()
        zygote.stop()


@pytest.fixture
def started_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers are started as a learner's are: by a new Python."""
    process.stop()
    monkeypatch.setattr(process, "subprocess", subprocess)
    yield
    process.stop()
