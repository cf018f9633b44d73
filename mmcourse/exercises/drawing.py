"""Progress as lines for a terminal and as a picture."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Literal

from mmcourse.exercises.catalogue import chapters, ids, load
from mmcourse.exercises.progress import Progress, Record
from mmcourse.paths import user_path

State = Literal["passed", "tried", "open"]

TILE, GAP, ROW, LEFT, TOP = 40, 10, 96, 32, 84
_MARK: dict[State, str] = {"passed": "[x]", "tried": "[~]", "open": "[ ]"}
_WORD: dict[State, str] = {
    "passed": "passed",
    "tried": "tried, not passed",
    "open": "not attempted",
}


def state(id: str, progress: Progress) -> State:
    record = progress.exercises.get(id, Record())
    if record.passed:
        return "passed"
    return "tried" if record.attempts else "open"


def _passed(chapter: str, progress: Progress) -> tuple[int, int]:
    states = [state(id, progress) for id in ids(chapter)]
    return states.count("passed"), len(states)


def line(chapter: str, progress: Progress) -> str:
    """One chapter in a line: "ch01  Joint embeddings  [###....]  3 of 7"."""
    done, total = _passed(chapter, progress)
    bar = "#" * done + "." * (total - done)
    return f"{chapter}  {chapters()[chapter]:<24} [{bar}]  {done} of {total}"


def detail(id: str, progress: Progress) -> str:
    """One exercise in a line."""
    exercise, now = load(id), state(id, progress)
    record = progress.exercises.get(id, Record())
    score = f", {record.caught} of {record.total} caught" if record.total else ""
    return f"  {_MARK[now]} {id:<28} {exercise.title} ({exercise.level}): {_WORD[now]}{score}"


_STYLE = """
:root { --mm-ink: #2b2a33; --mm-paper: #fffdf8; --mm-grid: #d9d4c7; --mm-teal: #1f7a70; }
@media (prefers-color-scheme: dark) {
  :root { --mm-ink: #e9e4d8; --mm-paper: #1f1e26; --mm-grid: #454354; --mm-teal: #4bc0b1; }
}
"""


def _tile(id: str, x: int, y: int, progress: Progress) -> str:
    now, exercise = state(id, progress), load(id)
    box = f'x="{x}" y="{y}" width="{TILE}" height="{TILE}" rx="8"'
    title = f"<title>{escape(exercise.title)} ({exercise.level}): {_WORD[now]}</title>"
    if now == "passed":
        tick = f'<path d="M{x + 10} {y + 21} l7 8 l13 -17" stroke="var(--mm-paper)"/>'
        return f'<g>{title}<rect {box} fill="var(--mm-teal)" stroke="none"/>{tick}</g>'
    if now == "tried":
        half = f'<path d="M{x + 10} {y + 20} h20" stroke="var(--mm-ink)"/>'
        return f'<g>{title}<rect {box} fill="none" stroke="var(--mm-ink)"/>{half}</g>'
    dashed = 'stroke="var(--mm-ink)" stroke-opacity="0.6" stroke-dasharray="4 4"'
    return f'<g>{title}<rect {box} fill="none" {dashed}/></g>'


def svg(progress: Progress) -> str:
    """All chapters, a tile per exercise: a tick is passed, a bar is tried, dashes are open."""
    names = list(chapters())
    widest = max(len(ids(name)) for name in names)
    width = max(460, 2 * LEFT + widest * (TILE + GAP))
    height = TOP + ROW * len(names) + 40
    counts = [_passed(name, progress) for name in names]
    done, total = sum(d for d, _ in counts), sum(t for _, t in counts)
    label = f"{done} of {total} exercises passed"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'role="img" aria-label="{label}" font-family="Georgia, serif" fill="none" '
        'stroke-width="3" stroke-linecap="round" stroke-linejoin="round">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="var(--mm-paper)" stroke="none"/>',
        f'<text x="{LEFT}" y="44" font-size="24" fill="var(--mm-ink)">{label}</text>',
    ]
    for row, (name, (passed, of)) in enumerate(zip(names, counts)):
        y = TOP + ROW * row
        told = f"Chapter {int(name[2:])}: {chapters()[name]}, {passed} of {of}"
        parts.append(
            f'<text x="{LEFT}" y="{y}" font-size="16" fill="var(--mm-ink)">{escape(told)}</text>'
        )
        for column, id in enumerate(ids(name)):
            parts.append(_tile(id, LEFT + column * (TILE + GAP), y + 14, progress))
    legend = "Tick: passed. Bar: tried. Dashes: not attempted."
    parts.append(
        f'<text x="{LEFT}" y="{height - 18}" font-size="13" fill="var(--mm-ink)">{legend}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def save(progress: Progress, file: Path) -> None:
    """Draw to a file.

    Raises:
        ValueError: neither .svg nor .html.
        OSError: it can't be written.
    """
    if file.suffix == ".svg":
        text = svg(progress)
    elif file.suffix == ".html":
        text = (
            '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
            "<title>Progress</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{_STYLE} body {{ background: var(--mm-paper); margin: 2rem; }} "
            "svg { max-width: 100%; height: auto; }</style></head>\n"
            f"<body><main>\n{svg(progress)}</main></body>\n</html>\n"
        )
    else:
        raise ValueError(f"a picture is .svg or .html, got {file.name!r}; choose one of the two")
    user_path(file).write_text(text, encoding="utf-8")
