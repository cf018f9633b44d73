"""`mmcourse exercises start`, `mmcourse check` and `mmcourse progress`."""

from __future__ import annotations

import contextlib
import inspect
import os
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from mmcourse.exercises import drawing, files
from mmcourse.exercises import progress as store
from mmcourse.exercises.catalogue import chapters, ids, load, named
from mmcourse.exercises.definition import Exercise

app = typer.Typer(
    no_args_is_help=True, help="Exercises: write the stubs, grade them, see progress."
)

Folder = Annotated[
    Path | None, typer.Option("--folder", help="Where the chapter files are, if not here.")
]


def _stop(error: Exception) -> typer.Exit:
    typer.echo(f"mmcourse: {error}", err=True)
    return typer.Exit(2)


@app.command()
def start(folder: Annotated[Path, typer.Argument(help="Where to write the stub files.")]) -> None:
    """Write one stub file per chapter. A file that is already there is left alone."""
    try:
        written, kept = files.start(folder)
    except OSError as error:
        raise _stop(error) from None
    for file in written:
        typer.echo(f"wrote {file}")
    for file in kept:
        typer.echo(f"kept  {file} (it was there)")
    typer.echo("Fill in the functions, then run: mmcourse check")


@app.command()
def hint(
    what: Annotated[str, typer.Argument(help="An exercise, such as ch01.clip_loss.")],
    number: Annotated[int, typer.Argument(help="Which hint: 1 is a nudge.", min=1)] = 1,
) -> None:
    """Show a hint to an exercise."""
    it = _exercise(what)
    if number > len(it.hints):
        typer.echo(f"There are {len(it.hints)}. Next: mmcourse exercises solution {it.id}")
        return
    typer.echo(f"{it.title}, hint {number} of {len(it.hints)}")
    typer.echo(textwrap.fill(it.hints[number - 1], 92, initial_indent="  ", subsequent_indent="  "))
    following = f"hint {it.id} {number + 1}" if number < len(it.hints) else f"solution {it.id}"
    typer.echo(f"Next: mmcourse exercises {following}")


@app.command()
def solution(
    what: Annotated[str, typer.Argument(help="An exercise, such as ch01.clip_loss.")],
) -> None:
    """Show the book's own answer to an exercise."""
    typer.echo(inspect.getsource(_exercise(what).reference))


def _exercise(what: str) -> Exercise:
    try:
        id = named(what)
        if "." not in id:
            raise ValueError(f"{what!r} is a chapter; name one of {', '.join(ids(id))}")
    except ValueError as error:
        raise _stop(error) from None
    return load(id)


@app.command()
def check(
    what: Annotated[
        str | None,
        typer.Argument(help="A chapter, such as ch01, or an exercise, such as ch01.clip_loss."),
    ] = None,
    folder: Folder = None,
) -> None:
    """Grade your chapter files. Ends with 1 if an attempted exercise fails."""
    _tell_problem()  # whoever reads first is told of it
    try:
        chapter, _, name = (named(what) if what else "").partition(".")
        found = files.chapter_files(folder, chapter or None)
    except (ValueError, OSError) as error:
        raise _stop(error) from None
    code = _run_pytest(found, name)
    try:
        stored = store.read()
    except OSError as error:
        typer.echo(f"Progress could not be read: {error}", err=True)
        raise typer.Exit(code) from None
    if stored.problem:
        typer.echo(stored.problem, err=True)
    for file in found:
        typer.echo(drawing.line(file.stem, stored))
    raise typer.Exit(code)


def _tell_problem() -> None:
    """Say that stored progress could not be understood, if so."""
    with contextlib.suppress(OSError):  # told of where progress is shown
        problem = store.read().problem
        if problem:
            typer.echo(problem, err=True)


def _run_pytest(found: list[Path], name: str) -> int:
    """Grade these files' exercises, or the one of this name."""
    try:
        import pytest

        from mmcourse.exercises import pytest_plugin
    except ModuleNotFoundError as error:
        needed = f"checking files needs {error.name}: pip install 'mmcourse[labs]' pytest"
        raise _stop(ValueError(needed)) from None
    os.environ.pop("PYTEST_ADDOPTS", None)
    options = ["-v", "-rN", "--no-header", "--noconftest", "--override-ini=addopts="]
    options += ["-p", "no:cacheprovider", "-p", "no:xdist", "--continue-on-collection-errors"]
    # A settings file above the learner's folder is not about these files.
    options += ["-c", str(Path(__file__).with_name("pytest.ini"))]
    pytest_plugin.only.clear()
    pytest_plugin.only.update([name] if name else [])
    pytest_plugin.notes.clear()
    before = os.getcwd()
    os.chdir(found[0].parent)  # then names are "ch01.py": a path may hold what pytest would parse
    try:
        told = ["--rootdir=.", *(file.name for file in found)]
        code = int(pytest.main([*options, *told], plugins=[pytest_plugin]))
    finally:
        os.chdir(before)
    for note in pytest_plugin.notes:
        typer.echo(note, err=True)
    return code


@app.command()
def progress(
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also draw it to this .svg or .html file.")
    ] = None,
) -> None:
    """Draw what is done."""
    try:
        stored = store.read()
        if picture is not None:
            drawing.save(stored, picture)
    except (ValueError, OSError) as error:
        raise _stop(error) from None
    if stored.problem:
        typer.echo(stored.problem, err=True)
    for chapter in chapters():
        typer.echo(drawing.line(chapter, stored))
        for id in ids(chapter):
            typer.echo(drawing.detail(id, stored))
    if picture is not None:
        typer.echo(f"drawn to {picture}")
