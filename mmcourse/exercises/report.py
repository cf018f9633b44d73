"""What a check has to say, as plain text; `html.py` draws the same for notebooks."""

from __future__ import annotations

import itertools
import linecache
import re
import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

from mmcourse.exercises.definition import Exercise, Hunt
from mmcourse.exercises.findings import Finding

Status = Literal["passed", "failed", "not attempted", "not graded"]
MAX_SHOWN = 2_000  # characters of the learner's prints in a report
_TRACE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<name>\S+)')


@dataclass
class Report:
    """The outcome of a check, and as a string what a terminal shows of it.

    Args:
        exercise: what was checked.
        status: "passed", "failed", "not attempted", or "not graded" (no fault of the answer).
        headline: the outcome in a sentence.
        findings: the properties, or the suspects of a bug hunt, in order.
        mistake: name and hint of the known mistake that the answer behaves like.
        noticed: what can be said for certain of a mistake that is not among the known ones.
        printed: what the answer printed, shortened.
        note: anything else, such as progress that could not be saved.
        score: caught and total, for a bug hunt.
    """

    exercise: Exercise
    status: Status
    headline: str
    findings: list[Finding] = field(default_factory=list)
    mistake: tuple[str, str] | None = None
    noticed: str = ""
    printed: str = ""
    note: str = ""
    score: tuple[int, int] | None = None

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def first_broken(self) -> Finding | None:
        """The finding to be told in full."""
        return next((f for f in self.findings if f.state == "broke"), None)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    __repr__ = __str__


def place(finding: Finding) -> str:
    """The learner's line that a finding points at, as "line 3 of clip_loss: return x"."""
    if not finding.where:
        return ""
    file, line, name = finding.where[-1]
    code = linecache.getline(file, line).strip()
    return f"line {line}, in {name}" + (f": {code}" if code else "")


_WORDS = {"holds": "ok", "broke": "FAILED", "not checked": "not checked"}


def _lines(report: Report) -> list[str]:
    exercise = report.exercise
    lines = [f"{exercise.id} ({exercise.level}): {report.status.upper()}", f"  {report.headline}"]
    told = report.first_broken() if not isinstance(exercise, Hunt) else None
    reached = [f for f in report.findings if f.state != "not reached"]
    for finding in reached:
        lines.append(f"  [{_WORDS[finding.state]}] {finding.says}")
        if finding.state == "broke" and (finding is told or isinstance(exercise, Hunt)):
            lines += _details(finding)
    if len(reached) < len(report.findings):
        lines.append(f"  {len(report.findings) - len(reached)} more not reached")
    if report.mistake:
        name, hint = report.mistake
        lines += ["", f"  This behaves like a known mistake: {name}."]
        lines += textwrap.wrap(hint, 92, initial_indent="  ", subsequent_indent="  ")
    if report.noticed:
        lines += [
            "",
            *textwrap.wrap(report.noticed, 92, initial_indent="  ", subsequent_indent="  "),
        ]
    if report.printed:
        lines += ["", "  It printed:", textwrap.indent(shorten(report.printed), "    ")]
    if report.note:
        lines += ["", *textwrap.wrap(report.note, 92, initial_indent="  ", subsequent_indent="  ")]
    return lines


def _details(finding: Finding) -> list[str]:
    lines = textwrap.wrap(finding.message, 88, initial_indent="      ", subsequent_indent="      ")
    rows = [(f"{name} =", value) for name, value in finding.given]
    rows += [("got", finding.got)] if finding.got else []
    rows += [("expected", finding.expected)] if finding.expected else []
    rows += [("at", place(finding))] if finding.where else []
    width = max((len(name) for name, _ in rows), default=0)
    return lines + [f"      {name:<{width}}  {value}" for name, value in rows]


def shorten(text: str) -> str:
    """The beginning of what an answer printed."""
    lines = [(line, len(list(same))) for line, same in itertools.groupby(text.splitlines())]
    text = "\n".join(line if n == 1 else f"{line}   ({n} times)" for line, n in lines).rstrip()
    if len(text) <= MAX_SHOWN:
        return text
    return text[:MAX_SHOWN] + "\n… (and more)"


def trace_of(told: str) -> tuple[str, list[tuple[str, int, str]]]:
    """Split what an ended process said into the answer's prints and where it was stuck."""
    found = re.search(r"^(Timeout \(\d|Fatal Python error|Windows fatal exception)", told, re.M)
    if not found:
        return told, []
    where = [(m["file"], int(m["line"]), m["name"]) for m in _TRACE.finditer(told, found.start())]
    mine = [
        frame
        for frame in where
        if "mmcourse/exercises" not in (file := frame[0].replace("\\", "/"))
        and "site-packages" not in file
        and "/lib/python" not in file
        and not file.startswith("<frozen")
    ]
    return told[: found.start()], mine[::-1]  # faulthandler tells the innermost call first


def from_events(exercise: Exercise, events: list[dict[str, Any]]) -> Report:
    """The report of what the worker process has found."""
    report = Report(exercise, "passed", "")
    running = ""
    for event in events:
        kind = event.pop("event")
        if kind == "start":
            running = event["says"]
        elif kind == "finding":
            event["given"] = [(name, value) for name, value in event["given"]]
            event["where"] = [(file, line, name) for file, line, name in event["where"]]
            report.findings.append(Finding(**event))
            running = ""
        elif kind == "mistake":
            report.mistake = (event["name"], event["hint"])
        elif kind == "noticed":
            report.noticed = event["told"]
        elif kind == "score":
            report.score = (event["caught"], event["total"])
        elif kind == "unloadable":
            message = f"The answer could not be loaded: {event['message'][:400]}"
            report.findings.append(Finding("it can be loaded", "broke", message))
        elif kind == "fault":
            report.note = f"The check itself failed ({event['message']}); please report it."
        elif kind == "done":
            report.printed = event["printed"]
        elif kind == "ended":
            report.printed, where = trace_of(event["told"])
            fallback = "it comes to an end" if report.findings else "it can be loaded"
            finding = Finding(running or fallback, "broke", _why(event, exercise))
            finding.where = where
            report.findings.append(finding)
    if report.note:
        report.status, report.headline = "not graded", "This answer could not be graded."
        return report
    if not report.findings:  # nothing was checked, whatever came back
        report.note = "The check came back without a result; run it again."
        report.status, report.headline = "not graded", "This answer could not be graded."
        return report
    if report.first_broken():
        report.status = "failed"
    report.headline = _headline(report)
    return report


def _why(event: dict[str, Any], exercise: Exercise) -> str:
    hunt = isinstance(exercise, Hunt)  # its inputs are the learner's
    if event["why"] == "time":
        return (
            f"It was still running after {exercise.seconds:g} seconds and was stopped. "
            + ("Does a loop never end, or are its inputs large?" if hunt else "")
            + ("" if hunt else "The inputs are tiny: does a loop never end, or is it busy here?")
        )
    if event["why"] == "memory":
        told = "What in it is so large?" if hunt else "The inputs are tiny: what is so large?"
        return f"It used more than 2 GB and was stopped. {told}"
    code = event["code"]
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return f"It ended the process that it ran in ({how}). Your session is unharmed."


def _headline(report: Report) -> str:
    broken = [f for f in report.findings if f.state == "broke"]
    if report.score:
        caught, total = report.score
        if not broken:
            return f"All {total} broken implementations caught, and no false alarm."
        if report.findings[0].state == "holds":
            return f"Caught {caught} of {total} broken implementations."
    if broken:
        return f"Not yet. This does not hold: {broken[0].says}."
    held = sum(f.state == "holds" for f in report.findings)
    if held < len(report.findings):
        return f"{held} properties hold; {len(report.findings) - held} could not be checked."
    return f"All {held} properties hold."
