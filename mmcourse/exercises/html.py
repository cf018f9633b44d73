"""A report as a card in a notebook: readable in light and dark, no meaning by colour alone."""

from __future__ import annotations

from html import escape

from mmcourse.exercises.definition import Hunt
from mmcourse.exercises.findings import Finding
from mmcourse.exercises.report import Report, place, shorten

# The page's three variables, with the light theme's values where there is no page around.
INK, PAPER, GRID = "var(--mm-ink, #2b2a33)", "var(--mm-paper, #fffdf8)", "var(--mm-grid, #d9d4c7)"
_EDGE = {
    "passed": "var(--mm-teal, #2a9d8f)",
    "failed": "var(--mm-rose, #c8506e)",
    "not attempted": GRID,
    "not graded": "var(--mm-orange, #d9822b)",
}
_SIGN = {
    "passed": "✓", "failed": "✗", "not attempted": "○", "not graded": "!",
    "holds": "✓", "broke": "✗", "not checked": "?", "not reached": "○",
}  # fmt: skip
_MONO = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.875em"


def frame(title: str, status: str, body: str) -> str:
    """The card around a report, a hint or a solution."""
    edge = _EDGE.get(status, GRID)
    return (
        f'<section class="mm-exercise" aria-label="{escape(title, quote=True)}" '
        f'style="color:{INK};background:{PAPER};border:1px solid {GRID};'
        f"border-left:.375rem solid {edge};border-radius:.375rem;padding:.75rem 1rem;"
        f'margin:.5rem 0;max-width:52rem;line-height:1.5;overflow-wrap:anywhere">{body}</section>'
    )


def paragraph(inside: str, style: str = "") -> str:
    return f'<p style="margin:.25rem 0;color:inherit;{style}">{inside}</p>'


def code(text: str) -> str:
    """A block of code or output that scrolls by itself."""
    return (
        f'<pre tabindex="0" style="{_MONO};color:{INK};background:transparent;overflow-x:auto;'
        f'border:1px solid {GRID};border-radius:.25rem;padding:.5rem;margin:.25rem 0">'
        f"{escape(text)}</pre>"
    )


def folded(summary: str, inside: str, is_open: bool = False) -> str:
    return (
        f'<details{" open" if is_open else ""} style="margin:.25rem 0;color:inherit">'
        f'<summary style="cursor:pointer;color:inherit">{escape(summary)}</summary>{inside}'
        "</details>"
    )


def _rich(text: str) -> str:
    """Escape, and set what is between backticks as code."""
    parts = escape(text).split("`")
    mono = f'<code style="{_MONO};color:inherit;background:transparent">'
    return "".join(f"{mono}{p}</code>" if i % 2 else p for i, p in enumerate(parts))


def card(report: Report) -> str:
    """The whole report."""
    exercise = report.exercise
    level = f"{exercise.level}, {exercise.minutes} min"
    parts = [
        paragraph(
            f"{_sign(report.status)} <strong>{escape(exercise.title)}: {report.status}</strong> "
            f"<span>({escape(level)})</span>"
        ),
        paragraph(_rich(report.headline)),
    ]
    parts += _findings(report)
    if report.mistake:
        name, hint = report.mistake
        parts.append(
            f'<div style="border-left:.25rem solid var(--mm-orange, #d9822b);padding-left:.75rem;'
            f'margin:.5rem 0">{paragraph(f"<strong>Known mistake: {_rich(name)}</strong>")}'
            f"{paragraph(_rich(hint))}</div>"
        )
    if report.noticed:
        parts.append(paragraph(_rich(report.noticed)))
    if report.printed:
        parts.append(folded("What it printed", code(shorten(report.printed))))
    if report.note:
        parts.append(paragraph(_rich(report.note), "font-style:italic"))
    return frame(f"Check of {exercise.id}: {report.status}", report.status, "".join(parts))


def _sign(state: str) -> str:
    return f'<span aria-hidden="true">{_SIGN[state]}</span>'


def _item(inside: str) -> str:
    return f'<li style="margin:.125rem 0;color:inherit">{inside}</li>'


def _findings(report: Report) -> list[str]:
    if not report.findings:
        return []
    hunt = isinstance(report.exercise, Hunt)
    told = report.first_broken()
    rows = []
    reached = [f for f in report.findings if f.state != "not reached"]
    for finding in reached:
        suspect = hunt and finding.says.startswith("catches")
        word = "missed" if suspect else "broke"
        line = f"{_sign(finding.state)} {_rich(finding.says)}"
        if finding.state == "broke":
            line += f" <strong>({word})</strong>"
        if finding.state == "broke" and (hunt or finding is told):
            line += _details(finding)
        rows.append(_item(line))
    if len(reached) < len(report.findings):
        rows.append(
            _item(f"{_sign('not reached')} {len(report.findings) - len(reached)} more not reached")
        )
    items = f'<ul style="list-style:none;padding-left:0;margin:.25rem 0">{"".join(rows)}</ul>'
    if report.passed:
        return [folded("What was verified", items)]
    return [items]


def _details(finding: Finding) -> str:
    rows = [*finding.given]
    rows += [("got", finding.got)] if finding.got else []
    rows += [("expected", finding.expected)] if finding.expected else []
    rows += [("at", place(finding))] if finding.where else []
    cell = (
        f"border:0;text-align:left;vertical-align:top;padding:.125rem .75rem .125rem 0;color:{INK}"
    )
    table = "".join(
        f'<tr style="background:transparent"><th scope="row" style="{cell};white-space:nowrap">'
        f'{escape(name)}</th><td style="{cell};{_MONO}">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return (
        '<div style="padding-left:1.25rem">'
        + paragraph(_rich(finding.message))
        + (
            f'<table style="border-collapse:collapse;margin:.25rem 0">{table}</table>'
            if rows
            else ""
        )
        + "</div>"
    )
