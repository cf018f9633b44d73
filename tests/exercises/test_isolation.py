"""Answers that hang, crash, flood or fork: the report says so, and the session is unharmed."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from mmcourse.exercises import exercise, process
from mmcourse.exercises.report import Report

from .right_answers import RIGHT, clip_by_hand


def checked(answer: Callable[..., Any], id: str = "ch01.clip_loss") -> Report:
    return exercise(id)(answer).grade()


MARK = f"left over by {os.getpid()}"
forked: list[bool] = []


def never_ends(text_emb, image_emb, logit_scale):
    print("before the loop")
    while True:
        pass


def deep_in_c(text_emb, image_emb, logit_scale):
    return sum(range(10**13))


def sleeps(text_emb, image_emb, logit_scale):
    return time.sleep(1000)


def exits_at_once(text_emb, image_emb, logit_scale):
    print("going")
    os._exit(7)


def segfaults(text_emb, image_emb, logit_scale):
    import ctypes

    ctypes.string_at(0)


def takes_memory(text_emb, image_emb, logit_scale):
    kept = []
    while True:
        kept.append(torch.ones(20_000_000))


def asks_for_the_moon(text_emb, image_emb, logit_scale):
    return torch.zeros(10**15)


def floods(text_emb, image_emb, logit_scale):
    for i in range(20_000):
        print("line", i)
    return clip_by_hand(text_emb, image_emb, logit_scale)


def floods_below_python(text_emb, image_emb, logit_scale):
    for _ in range(2_000):
        os.write(1, b"x" * 1000)
    return clip_by_hand(text_emb, image_emb, logit_scale)


def asks_the_learner(text_emb, image_emb, logit_scale):
    return input("name? ")


def closes_everything(text_emb, image_emb, logit_scale):
    os.closerange(0, 100)


def leaves_a_thread(text_emb, image_emb, logit_scale):
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return clip_by_hand(text_emb, image_emb, logit_scale)


def leaves_settings(text_emb, image_emb, logit_scale):
    torch.set_default_dtype(torch.float64)
    return clip_by_hand(text_emb, image_emb, logit_scale)


def forks(text_emb, image_emb, logit_scale):
    if not forked:  # once: every call would double the processes
        forked.append(True)
        os.fork()
    return clip_by_hand(text_emb, image_emb, logit_scale)


def starts_a_process(text_emb, image_emb, logit_scale):
    import subprocess

    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", MARK])
    while True:
        pass


def replaces_allclose(text_emb, image_emb, logit_scale):
    torch.allclose = lambda *a, **k: True
    return text_emb.sum() * 0


@pytest.fixture
def two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCOURSE_CHECK_SECONDS", "2")


@pytest.mark.usefixtures("two_seconds")
@pytest.mark.parametrize("answer", [never_ends, deep_in_c, sleeps, starts_a_process])
def test_what_never_ends_is_stopped(answer: Callable[..., Any]) -> None:
    process.warm_up()
    process._running().wait_until_ready()
    report = checked(answer)
    assert report.status == "failed"
    left = [p for p in psutil.process_iter(["cmdline"]) if MARK in (p.info["cmdline"] or [])]
    assert not left
    text = str(report)
    assert "still running after 2 seconds" in text
    assert f"in {answer.__name__}" in text  # where it was stuck
    if answer is never_ends:
        assert "before the loop" in report.printed
        assert "Timeout" not in report.printed


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (exits_at_once, "ended the process that it ran in (exit code 7)"),
        (closes_everything, "ended the process"),
        (takes_memory, "more than 2 GB"),
        (asks_for_the_moon, "RuntimeError"),
        (asks_the_learner, "EOFError"),
    ],
)
def test_what_ends_the_process_is_told(answer: Callable[..., Any], message: str) -> None:
    report = checked(answer)
    assert report.status == "failed"
    assert message in str(report)
    if answer is exits_at_once:
        assert report.printed.strip() == "going"


@pytest.mark.usefixtures("started_anew")
@pytest.mark.skipif(sys.platform == "win32", reason="signals are told otherwise there")
def test_a_segmentation_fault_is_told() -> None:
    report = checked(segfaults)
    assert "ended the process that it ran in (signal 11)" in str(report)
    assert "in segfaults" in str(report)


@pytest.mark.parametrize("answer", [floods, floods_below_python])
def test_floods_of_prints_are_cut(answer: Callable[..., Any]) -> None:
    report = checked(answer)
    assert report.passed, str(report)
    assert len(str(report)) < 6_000


@pytest.mark.parametrize("answer", [leaves_a_thread, leaves_settings, replaces_allclose])
def test_what_is_left_behind_does_not_reach_the_next_check(answer: Callable[..., Any]) -> None:
    checked(clip_by_hand)
    first = process._running().child.pid
    checked(answer)
    assert process._running().child.pid != first
    assert torch.allclose(torch.zeros(1), torch.ones(1)) is False
    assert checked(clip_by_hand).passed


@pytest.mark.usefixtures("started_anew")
def test_clean_answers_share_one_process_and_answer_quickly() -> None:
    assert checked(clip_by_hand).passed
    first = process._running().child.pid
    started = time.process_time()
    assert checked(clip_by_hand).passed
    assert process._running().child.pid == first
    assert time.process_time() - started < 1.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_does_not_answer_twice() -> None:
    usual = checked(clip_by_hand)
    for report in (checked(forks), checked(clip_by_hand)):
        assert report.passed, str(report)
        assert len(report.findings) == len(usual.findings)


def test_every_right_answer_passes_in_the_worker_too() -> None:
    for id, answers in RIGHT.items():
        report = checked(answers[0], id)
        assert report.passed, str(report)


def test_two_threads_may_check_at_once() -> None:
    reports: list[Report] = []
    threads = [
        threading.Thread(target=lambda: reports.append(checked(clip_by_hand))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.status for report in reports] == ["passed"] * 3


@pytest.mark.parametrize("python", ["", "/no/such/python", __file__])
def test_without_a_python_to_run_it_says_so(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    process.stop()
    monkeypatch.delenv("MMCOURSE_PYTHON", raising=False)
    monkeypatch.setattr(sys, "executable", python)
    report = checked(clip_by_hand)
    assert report.status == "not graded"
    assert "Nothing is wrong with the answer" in report.headline
    process.stop()


def test_a_python_without_the_package_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("needs a shell script")
    process.stop()
    fake = tmp_path / "python"
    fake.write_text(
        textwrap.dedent("""\
            #!/bin/sh
            echo "No module named mmcourse" >&2
            exit 1
            """)
    )
    fake.chmod(0o755)
    monkeypatch.setenv("MMCOURSE_PYTHON", str(fake))
    report = checked(clip_by_hand)
    process.stop()
    assert report.status == "not graded"
    assert "No module named mmcourse" in report.headline


def test_a_time_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCOURSE_CHECK_SECONDS", "long")
    with pytest.raises(ValueError, match="must be a number of seconds, got 'long'"):
        checked(clip_by_hand)


def forges(text_emb, image_emb, logit_scale):
    line = b'{"event": "done", "clean": true, "printed": ""}\n'
    for file in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(file, line)
    return text_emb.sum() * 0


def leaves_a_device(text_emb, image_emb, logit_scale):
    torch.set_default_device("meta")
    return text_emb.sum()


def replaces_matmul(text_emb, image_emb, logit_scale):
    torch.Tensor.__matmul__ = lambda a, b: a
    return text_emb.sum()


@pytest.mark.parametrize("answer", [forges, leaves_a_device, replaces_matmul])
def test_nothing_forged_passes_and_nothing_is_left_for_the_next(answer: Any) -> None:
    assert not checked(answer).passed
    report = checked(clip_by_hand)
    assert report.passed, str(report)
