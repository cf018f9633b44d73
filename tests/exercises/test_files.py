"""Exercises as files: stubs are written, graded through pytest, and progress is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripts import a_python, in_a_fork
from typer.testing import CliRunner, Result

from mmcourse.exercises import files, ids, process, progress, stub_source
from mmcourse.exercises.catalogue import named
from mmcourse.exercises.commands import app

ENTRY = "from mmcourse.exercises.commands import app; app()"


def mmcourse(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def in_a_shell(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return a_python("-c", ENTRY, *arguments, cwd=cwd, timeout=300)


def here(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in a fork, which has torch loaded."""
    if sys.platform != "linux":
        return in_a_shell(*arguments, cwd=cwd)

    def main() -> None:
        try:
            app()
        finally:
            process.stop()

    return in_a_fork(main, "mmcourse", *arguments, cwd=cwd)


def solve(file: Path, name: str, body: str) -> None:
    before, after = file.read_text().split(f"def {name}(", 1)
    stub, rest = after.split("    raise NotImplementedError\n", 1)
    file.write_text(f"{before}def {name}({stub}{body}{rest}")


def test_start_writes_every_stub_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "my work"
    assert mmcourse("start", str(folder)).exit_code == 0
    source = (folder / "ch01.py").read_text()
    for id in ids("ch01"):
        assert stub_source(id) in source
    (folder / "ch01.py").write_text("mine")
    again = mmcourse("start", str(folder))
    assert again.exit_code == 0
    assert "kept" in again.output
    assert (folder / "ch01.py").read_text() == "mine"


def test_start_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    result = mmcourse("start", str(tmp_path / "taken"))
    assert result.exit_code == 2
    assert result.output.startswith("mmcourse: ")


def test_check_without_files_says_how_to_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = mmcourse("check")
    assert result.exit_code == 2
    assert "mmcourse exercises start DIR" in result.output
    assert "no exercises for 'ch77'" in mmcourse("check", "ch77").output
    assert "did you mean 'ch01.clip_loss'?" in mmcourse("check", "ch01.cliploss").output


def test_the_folder_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mmcourse("start", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    assert files.chapter_files(None, "ch01") == [tmp_path / "work" / "ch01.py"]


def test_check_tells_of_progress_that_cannot_be_read(tmp_path: Path) -> None:
    mmcourse("start", str(tmp_path))
    for _ in range(2):
        progress.path().write_text("no json")
        told = here("check", "ch02", cwd=tmp_path)
        assert told.returncode == 0
        assert "kept as progress.unreadable-1.json, and progress starts anew" in told.stderr
    assert len(list(progress.home().glob("progress.unreadable-*"))) == 1


def test_check_grades_what_is_attempted(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    mmcourse("start", str(folder))
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (folder / "conftest.py").write_text("raise RuntimeError('not mine')\n")
    untouched = in_a_shell("check", "ch01", cwd=folder)
    assert untouched.returncode == 0, untouched.stdout + untouched.stderr
    assert untouched.stdout.count("not attempted") >= len(ids("ch01"))
    assert not progress.read().exercises

    solve(
        folder / "ch01.py",
        "recall_at_k",
        "    print('so far')\n    return share(similarity, k)\n\n\ndef share(s, k):\n"
        "    return ((s >= s.diagonal()[:, None]).sum(1) <= k).float().mean()\n",
    )
    solve(
        folder / "ch01.py",
        "clip_loss",
        "    logits = logit_scale * text_emb @ image_emb.T\n"
        "    return F.cross_entropy(logits, torch.arange(len(logits)))\n",
    )
    solve(folder / "ch01.py", "test_pool", "    assert pool is not None\n")
    graded = here("check", cwd=folder)
    assert graded.returncode == 1
    assert "recall_at_k PASSED" in graded.stdout
    assert "clip_loss FAILED" in graded.stdout
    assert "known mistake: text-to-image only" in graded.stdout
    assert "never calls the implementation" in graded.stdout
    assert f"1 of {len(ids('ch01'))}" in graded.stdout
    stored = progress.read().exercises
    assert stored["ch01.recall_at_k"].passed
    assert not stored["ch01.clip_loss"].passed

    one = here("check", "ch01.recall_at_k", cwd=folder)
    assert one.returncode == 0
    assert "recall_at_k PASSED" in one.stdout
    assert "clip_loss" not in one.stdout


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def broken(:\n", "ch01.py can't be run. SyntaxError"),
        ("import sys\nsys.exit(3)\n", "ch01.py can't be run. SystemExit: 3, line 2"),
        ("import no_such_library\n", "ModuleNotFoundError: No module named 'no_such_library'"),
    ],
)
def test_a_file_that_cannot_be_run_is_told(source: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "ch01.py").write_text(source)
    result = here("check", cwd=tmp_path)
    assert result.returncode != 0
    assert message in result.stdout
    assert "Traceback" not in result.stdout


CLIP = """
from mmcourse.exercises import exercise
import torch, torch.nn.functional as F
from helpers import both

@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    return both(logit_scale * text_emb @ image_emb.T)
"""
RECALL = """
@torch.no_grad()
@exercise("ch01.recall_at_k")
def recall_at_k(similarity, k):
    return ((similarity >= similarity.diagonal()[:, None]).sum(1) <= k).float().mean()

@exercise("ch01.recall_at_k")
def recall_at_k(similarity, k):
    raise NotImplementedError

def zero_shot_predict(image_emb, class_text_emb):
    return image_emb

from mmcourse.joint.retrieval import recall_at_k
"""
HELPERS = """
import functools, torch, torch.nn.functional as F

@functools.lru_cache
def targets(n):
    return torch.arange(n)

def both(x):
    own = targets(len(x)).to(x.device)
    return (F.cross_entropy(x, own) + F.cross_entropy(x.T, own)) / 2
"""


def test_a_shell_finds_what_a_learner_has_written(tmp_path: Path) -> None:
    """Odd folders, helpers, decorators above, overwritten names; one file that can't be read."""
    folder = tmp_path / "-my [course] 2026"
    folder.mkdir()
    (folder / "ch01.py").write_text(CLIP + RECALL)
    (folder / "ch02.py").write_text("def broken(:\n")
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "random.py").write_text("raise RuntimeError('not yours')\n")
    done = here("check", cwd=folder)
    assert done.returncode == 1
    assert "clip_loss PASSED" in done.stdout, done.stdout + done.stderr
    assert "recall_at_k PASSED" in done.stdout
    assert 'the line @exercise("ch01.zero_shot") above it is gone' in done.stdout
    assert "ch02.py can't be run. SyntaxError" in done.stdout
    (folder / "ch01.py").write_text("import no_such_library\n")
    one = here("check", "clip_loss", cwd=folder)
    assert "No module named 'no_such_library'" in one.stdout
    assert "found no collectors" not in one.stdout + one.stderr


@pytest.mark.parametrize(
    ("name", "id"),
    [("1", "ch01"), ("ch1", "ch01"), ("ch02.py", "ch02"), ("clip_loss", "ch01.clip_loss"),
     ("cosine_similarity_matrix", "ch01.normalise_similarity"), ("ch02.vq_loss", "ch02.vq_loss")],
)  # fmt: skip
def test_any_name_of_an_exercise_will_do(name: str, id: str) -> None:
    assert named(name) == id


def test_hints_and_solutions_from_the_shell() -> None:
    first = mmcourse("hint", "clip_loss").output
    assert "hint 1 of 3" in first
    assert "Next: mmcourse exercises hint ch01.clip_loss 2" in first
    assert "solution ch01.clip_loss" in mmcourse("hint", "clip_loss", "3").output
    assert "def clip_loss" in mmcourse("solution", "ch01.clip_loss").output
    assert "did you mean 'ch01.clip_loss'" in mmcourse("hint", "clip_los").output
    assert "name one of" in mmcourse("hint", "ch01").output


def test_progress_in_the_terminal_and_as_a_picture(tmp_path: Path) -> None:
    progress.record("ch01.clip_loss", passed=True)
    result = mmcourse("progress", "--picture", str(tmp_path / "p.svg"))
    assert result.exit_code == 0
    assert f"1 of {len(ids('ch01'))}" in result.output
    assert "[x] ch01.clip_loss" in result.output
    assert (tmp_path / "p.svg").read_text().startswith("<svg")
    assert mmcourse("progress", "--picture", str(tmp_path / "p.gif")).exit_code == 2
