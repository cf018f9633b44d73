"""Reports read well as text and as HTML, and hints come in steps."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from mmcourse.exercises import exercise, load
from mmcourse.exercises.attempt import Attempt
from mmcourse.exercises.findings import Finding
from mmcourse.exercises.html import card
from mmcourse.exercises.report import Report, shorten, trace_of
from mmcourse.exercises.values import Broken, show

from .test_every_exercise import graded
from .test_wrong_answers import nan


def failing() -> Report:
    nasty = '<script>alert("x")</script> & `code`'
    finding = Finding("it <holds>", "broke", nasty, [("x<y", nasty)], nasty, nasty)
    return Report(
        load("ch01.clip_loss"), "failed", nasty, [finding, finding], (nasty, nasty), nasty, nasty
    )


REPORTS: dict[str, Callable[[], Report]] = {
    "nasty": failing,
    "failed": lambda: graded("ch01.clip_loss", nan),
    "passed": lambda: graded("ch01.clip_loss", load("ch01.clip_loss").reference),
    "hunt": lambda: graded("ch01.hunt_pooling", load("ch01.hunt_pooling").mutants[0].answer),
    "untouched": lambda: Report(load("ch01.zero_shot"), "not attempted", "Not yet."),
}


@pytest.mark.parametrize("kind", REPORTS)
def test_html_is_well_formed_safe_and_labelled(kind: str) -> None:
    report = REPORTS[kind]()
    html = card(report)
    root = ET.fromstring(html)
    assert root.tag == "section"
    assert report.status in (root.get("aria-label") or "")
    assert report.status in "".join(root.itertext())  # in words, not by colour alone
    assert not list(root.iter("script"))
    for element in root.iter():
        style = element.get("style") or ""
        assert "#" not in style.replace("var(--", "").split("(")[0] or "var(--mm" in style
    assert "var(--mm-ink" in html
    assert "var(--mm-paper" in html


def test_text_has_the_same_news() -> None:
    text = str(graded("ch01.clip_loss", nan))
    assert text.startswith("ch01.clip_loss (core): FAILED")
    assert "[FAILED] two pairs at right angles" in text
    assert "There is a NaN in it." in text


def test_values_are_shown_small() -> None:
    import numpy as np
    import torch

    assert show(torch.tensor(0.31326168)) == "0.313262   (scalar, float32)"
    assert show(torch.tensor([[1.0, -0.0]])) == "[[1, 0]]   (shape (1, 2), float32)"
    assert show(torch.zeros(100)).startswith("[0, 0, 0, 0, …]")
    assert show(np.zeros(3)) == "numpy array of shape (3,), float64"
    assert len(show("x" * 1000)) < 250
    broken = Broken("differs", torch.tensor(1.0000001), torch.tensor(1.0))
    assert broken.got != broken.expected


def test_prints_are_shortened() -> None:
    assert shorten("a\na\na\nb\n") == "a   (3 times)\nb"
    assert len(shorten("\n".join(str(i) for i in range(10_000)))) < 2_100


def test_the_line_of_a_stopped_answer_is_found() -> None:
    told = (
        "hello\nTimeout (0:00:05)!\nThread 0x1 (most recent call first):\n"
        '  File "/x/ipykernel_1/2.py", line 4 in inner\n'
        '  File "/x/ipykernel_1/2.py", line 9 in clip_loss\n'
        '  File "/x/mmcourse/exercises/answer.py", line 3 in __call__\n'
    )
    printed, where = trace_of(told)
    assert printed == "hello\n"
    assert where[-1] == ("/x/ipykernel_1/2.py", 4, "inner")


def fresh(id: str) -> Attempt:
    return exercise(id)(load(id).reference)


def test_hints_come_one_by_one_even_if_the_cell_is_run_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hints = load("ch01.zero_shot").hints
    for number in range(1, len(hints) + 1):
        fresh("ch01.zero_shot").hint()
        assert f"hint {number} of {len(hints)}" in capsys.readouterr().out
    fresh("ch01.zero_shot").hint()
    assert "no more hints" in capsys.readouterr().out


def test_a_hunt_gives_clues_to_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    hunt = load("ch01.hunt_pooling")
    (padding,) = (m for m in hunt.mutants if m.name == "tests the padding and nothing else")
    attempt = exercise(hunt.id)(padding.answer)
    report = attempt.grade()
    missed = [f.says.rsplit(" ", 1)[-1] for f in report.findings if f.state == "broke"]
    clues = [hunt.suspects[int(n) - 1].clues for n in missed]
    assert len(clues) >= 2
    expected = [c[1] for c in clues] + [c[2] for c in clues] + list(hunt.hints)
    for clue in expected:
        attempt.hint()
        said = " ".join(capsys.readouterr().out.split())
        assert clue in said


def test_the_solution_is_the_packages_own(capsys: pytest.CaptureFixture[str]) -> None:
    fresh("ch01.siglip_loss").solution()
    assert "def siglip_loss(" in capsys.readouterr().out


def test_a_terminal_that_cannot_print_a_letter_is_no_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", stream)
    fresh("ch01.siglip_loss").hint()
    exercise("ch01.siglip_loss")(load("ch01.siglip_loss").mutants[0].answer).check()
    stream.flush()
    assert b"sigmoid" in stream.buffer.getvalue()  # type: ignore[attr-defined]
