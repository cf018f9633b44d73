"""The store survives crashes, corruption and two writers; the drawing says what it holds."""

from __future__ import annotations

import json
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mmcourse.exercises import drawing, ids, progress
from mmcourse.exercises.progress import Progress, Record


def test_outcomes_are_remembered() -> None:
    assert progress.record("ch01.clip_loss", passed=False) == ""
    assert progress.record("ch01.clip_loss", passed=True) == ""
    assert progress.record("ch01.clip_loss", passed=False) == ""
    progress.record("ch01.hunt_pooling", passed=False, score=(5, 8))
    progress.record("ch01.hunt_pooling", passed=False, score=(3, 8))
    stored = progress.read().exercises
    assert stored["ch01.clip_loss"].passed
    assert stored["ch01.clip_loss"].attempts == 3
    assert stored["ch01.clip_loss"].first_passed
    assert (stored["ch01.hunt_pooling"].caught, stored["ch01.hunt_pooling"].total) == (5, 8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"version": 99, "exercises": {}}',
        b'{"version": 1}',
        b'{"version": 1, "exercises": {"ch01.clip_loss": {"passed": "yes"}}}',
        b'{"version": 1, "exercises": {"ch01.clip_loss": 3}}',
        b'{"version": 1, "exercises": {"ch01.clip_loss": {"attempts": -1.5}}}',
    ],
)
def test_an_unreadable_store_is_kept_aside_and_told(content: bytes) -> None:
    progress.home().mkdir(parents=True)
    progress.path().write_bytes(content)
    note = progress.record("ch01.clip_loss", passed=True)
    assert "could not be understood" in note
    assert "kept as progress.unreadable-1.json" in note
    assert (progress.home() / "progress.unreadable-1.json").read_bytes() == content
    assert progress.record("ch01.clip_loss", passed=True) == ""
    assert progress.read().exercises["ch01.clip_loss"].attempts == 2


def test_unknown_fields_of_a_later_version_are_no_corruption() -> None:
    progress.home().mkdir(parents=True)
    stored = {"version": 1, "exercises": {"ch01.clip_loss": {"passed": True, "mood": "happy"}}}
    progress.path().write_text(json.dumps(stored))
    assert progress.read().exercises == {"ch01.clip_loss": Record(passed=True)}


def test_writers_do_not_lose_each_others_work() -> None:
    def write(name: str) -> None:
        for _ in range(5):
            progress.record(name, passed=False)

    threads = [threading.Thread(target=write, args=(f"ch01.{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {r.attempts for r in progress.read().exercises.values()} == {5}
    assert sorted(p.name for p in progress.home().iterdir()) == ["progress.json"]


def test_a_lock_left_by_a_crash_does_not_stop_anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOCK_S", 0.1)
    progress.home().mkdir(parents=True)
    progress.path().with_suffix(".lock").touch()
    assert progress.record("ch01.clip_loss", passed=True) == ""
    assert progress.read().exercises["ch01.clip_loss"].passed


def test_a_full_disk_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    progress.record("ch01.clip_loss", passed=True)

    def full(self: Path, *args: object, **kwargs: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        note = progress.record("ch01.recall_at_k", passed=True)
    assert "could not be saved" in note
    assert "No space left on device" in note
    assert list(progress.read().exercises) == ["ch01.clip_loss"]


def test_a_home_that_is_a_file_is_told(learner_home: Path) -> None:
    learner_home.write_text("in the way")
    assert "could not be saved" in progress.record("ch01.clip_loss", passed=True)


def some_progress() -> Progress:
    return Progress(
        {
            "ch01.clip_loss": Record(passed=True, attempts=2),
            "ch01.hunt_pooling": Record(attempts=1, caught=3, total=8),
            "ch99.gone": Record(passed=True),
        }
    )


def test_the_drawing_in_the_terminal() -> None:
    assert drawing.line("ch01", some_progress()).endswith(
        f"[#{'.' * (len(ids('ch01')) - 1)}]  1 of {len(ids('ch01'))}"
    )
    assert "passed" in drawing.detail("ch01.clip_loss", some_progress())
    assert "tried, not passed, 3 of 8 caught" in drawing.detail(
        "ch01.hunt_pooling", some_progress()
    )
    assert "not attempted" in drawing.detail("ch01.recall_at_k", some_progress())


def test_a_picture_may_go_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    drawing.save(some_progress(), Path("~/p.svg"))
    assert (tmp_path / "p.svg").exists()


def test_the_picture_says_in_words_what_it_shows(tmp_path: Path) -> None:
    root = ET.fromstring(drawing.svg(some_progress()))
    assert root.get("role") == "img"
    assert "1 of" in (root.get("aria-label") or "")
    titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) >= len(ids("ch01"))
    assert "The contrastive loss (core): passed" in titles
    drawing.save(some_progress(), tmp_path / "p.html")
    html = (tmp_path / "p.html").read_text()
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")  # offline
    with pytest.raises(ValueError, match=r"\.svg or \.html, got 'p\.png'"):
        drawing.save(some_progress(), tmp_path / "p.png")


def test_one_bad_record_loses_no_other(learner_home: Path) -> None:
    progress.record("ch01.clip_loss", passed=True)
    stored = json.loads(progress.path().read_text())
    stored["exercises"]["ch01.recall_at_k"] = {"passed": "yes"}
    stored["exercises"]["ch01.zero_shot"] = None
    progress.path().write_text(json.dumps(stored))
    found = progress.read()
    assert list(found.exercises) == ["ch01.clip_loss"]
    assert "ch01.recall_at_k, ch01.zero_shot could not be understood" in found.problem
    assert "progress.unreadable-1.json" in found.problem


def test_without_a_home_checks_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MMCOURSE_HOME")
    monkeypatch.setattr(Path, "expanduser", homeless)
    note = progress.record("ch01.clip_loss", passed=True)
    assert "could not be saved" in note
    assert "set MMCOURSE_HOME" in note
