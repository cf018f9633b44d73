"""`mmcourse exercises start`, `mmcourse check` and `mmcourse progress`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mmcourse.exercises import drawing, files
from mmcourse.exercises import progress as store
from mmcourse.exercises.catalogue import chapters, ids, load

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
def check(
    what: Annotated[
        str | None,
        typer.Argument(help="A chapter, such as ch01, or an exercise, such as ch01.clip_loss."),
    ] = None,
    folder: Folder = None,
) -> None:
    """Grade your chapter files. Ends with 1 if an attempted exercise fails."""
    chapter, dot, name = (what or "").partition(".")
    try:
        if what and dot:
            load(what)
        found = files.chapter_files(folder, chapter or None)
    except (ValueError, OSError) as error:
        raise _stop(error) from None
    code = _run_pytest(found, name)
    stored = store.read()
    for file in found:
        typer.echo(drawing.line(file.stem, stored))
    raise typer.Exit(code)


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
    options += ["-p", "no:cacheprovider", "-p", "no:xdist", f"--rootdir={found[0].parent}"]
    # A settings file above the learner's folder is not about these files.
    options += ["-c", str(Path(__file__).with_name("pytest.ini"))]
    told = [f"{file.resolve()}::{name}" if name else str(file.resolve()) for file in found]
    return int(pytest.main([*options, *told], plugins=[pytest_plugin]))


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
