"""The decorator, and what it makes of a learner's function: something that can be checked."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from mmcourse.exercises import html, process, progress
from mmcourse.exercises.catalogue import load
from mmcourse.exercises.definition import Exercise, Hunt
from mmcourse.exercises.protocol import Request
from mmcourse.exercises.report import Report, from_events
from mmcourse.exercises.showing import Card, show
from mmcourse.exercises.stubs import is_stub

# Hints given so far, and the clues to follow. Running a cell again makes a new Attempt, so by name.
_hints_given: dict[str, int] = {}
_clues: dict[str, list[str]] = {}


class Attempt:
    """A learner's answer to an exercise. Call it like the function it stands for.

    While it hasn't been attempted, calls go to the book's own function.

    Args:
        exercise: what is to be answered.
        answer: the learner's function.
    """

    def __init__(self, exercise: Exercise, answer: Callable[..., Any]) -> None:
        self.exercise = exercise
        self.answer = answer
        functools.update_wrapper(self, answer, updated=())

    @property
    def attempted(self) -> bool:
        """Whether there is more than `raise NotImplementedError`."""
        return not is_stub(self.answer)

    @property
    def reference(self) -> Callable[..., Any]:
        return self.exercise.reference

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self.answer if self.attempted else self.reference
        return function(*args, **kwargs)

    def __repr__(self) -> str:
        whose = "your own" if self.attempted else "the book's own (not attempted)"
        return f"<exercise {self.exercise.id}: {whose}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.exercise.id, self.answer)

    def check(self) -> None:
        """Grade the answer and show what was found."""
        report = self.grade()
        about = {"name": self.exercise.id, "status": report.status}
        show(Card(str(report), html.card(report), {"mmcourse": {"exercise": about}}))

    def grade(self) -> Report:
        """Grade the answer, and remember the outcome in the progress store."""
        exercise = self.exercise
        if not self.attempted:
            return Report(exercise, "not attempted", _not_attempted(exercise))
        report = _graded(exercise, self.answer)
        _remember_clues(report)
        if report.status != "not graded":
            report.note = progress.record(exercise.id, report.passed, report.score)
        return report

    def hint(self) -> None:
        """Show the next hint. After a bug hunt's check: the next clue to a bug that it missed."""
        exercise = self.exercise
        steps = [*_clues.get(exercise.id, []), *exercise.hints]
        given = min(_hints_given.get(exercise.id, 0), len(steps))
        if given == len(steps):
            title = f"{exercise.title}: no more hints"
            body = f"`{exercise.name}.solution()` shows the book's own."
        else:
            title = f"{exercise.title}: hint {given + 1} of {len(steps)}"
            body = steps[given]
            _hints_given[exercise.id] = given + 1
        inside = html.paragraph(f"<strong>{html.escape(title)}</strong>") + html.paragraph(
            html._rich(body)
        )
        text = "\n".join([title, *textwrap.wrap(body, 92, initial_indent="  ")])
        show(Card(text, html.frame(title, "hint", inside), {}))

    def solution(self) -> None:
        """Show the book's own answer, folded."""
        title = f"{self.exercise.title}: the book's own"
        source = inspect.getsource(self.reference)
        inside = html.folded(f"{title} (open to read)", html.code(source))
        show(Card(f"{title}\n\n{source}", html.frame(title, "solution", inside), {}))


def _again(id: str, answer: Callable[..., Any]) -> Attempt:
    return Attempt(load(id), answer)


def _not_attempted(exercise: Exercise) -> str:
    if isinstance(exercise, Hunt):
        return "Not attempted yet. Write your test in place of `raise NotImplementedError`."
    return (
        "Not attempted yet, so calls go to the book's own function and the lab runs on. Write "
        "yours in place of `raise NotImplementedError`."
    )


def _graded(exercise: Exercise, answer: Callable[..., Any]) -> Report:
    try:
        from mmcourse.exercises import shipping
    except ModuleNotFoundError as error:
        return Report(
            exercise,
            "not graded",
            f"Checks need {error.name}, which isn't installed: pip install 'mmcourse[labs]'",
        )
    try:
        request = Request(
            exercise.id,
            shipping.pack(answer),
            seconds=_limit(exercise),
            path=[os.path.abspath(p) for p in sys.path],
            folder=os.getcwd(),
        )
        events = process.run(request)
    except shipping.Unsendable as error:
        return Report(
            exercise, "not graded", f"The answer could not be sent to be checked: {error}"
        )
    except process.NoWorker as error:
        return Report(exercise, "not graded", f"Nothing is wrong with the answer, but {error}")
    return from_events(dataclasses.replace(exercise, seconds=request.seconds), events)


def _limit(exercise: Exercise) -> float:
    told = os.environ.get("MMCOURSE_CHECK_SECONDS", "")
    try:
        return float(told) if told else exercise.seconds
    except ValueError:
        raise ValueError(
            f"MMCOURSE_CHECK_SECONDS must be a number of seconds, got {told!r}"
        ) from None


def _remember_clues(report: Report) -> None:
    exercise = report.exercise
    if not isinstance(exercise, Hunt):
        return
    missed = {f.says.rsplit(" ", 1)[-1] for f in report.findings if f.state == "broke"}
    clues = [s.clues for n, s in enumerate(exercise.suspects, start=1) if str(n) in missed]
    # Breadth first: a second clue to each bug before the third to any. Checks tell the first.
    steps = [c[i] for i in range(1, 5) for c in clues if len(c) > i]
    if steps != _clues.get(exercise.id):
        _clues[exercise.id] = steps
        _hints_given[exercise.id] = 0


def exercise(id: str) -> Callable[[Callable[..., Any]], Attempt]:
    """Decorate the stub of an exercise: `@exercise("ch01.clip_loss")`.

    The first use starts, in the background, the process in which answers are checked.

    Raises:
        ValueError: there is no exercise of this name, or what is decorated can't be called.
    """
    definition = load(id)

    def decorate(answer: Callable[..., Any]) -> Attempt:
        if not callable(answer):
            raise ValueError(
                f"{id} expects a function, got {type(answer).__name__}; decorate a def"
            )
        process.warm_up()
        return Attempt(definition, answer)

    return decorate
