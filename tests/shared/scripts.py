"""Run a script as `python SCRIPT ...` would, but in a fork of this process, which has torch loaded.

A fork shares nothing that it writes, so a script can leave nothing behind. That a script also runs
in a Python of its own is tried once for each kind of script, with `a_python`.
"""

from __future__ import annotations

import gc
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Answer = subprocess.CompletedProcess


def a_python(*arguments: str | Path, **options: Any) -> Answer:
    """Run `python ARGUMENTS` in a process of its own. Returns status, output and errors."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def a_fork(script: str | Path, *arguments: str | Path, **options: Any) -> Answer:
    """Run `python SCRIPT ARGUMENTS` in a fork; where forks aren't safe, in a process of its own.

    Args:
        script: a file.
        arguments: its command line.
        options: `cwd` and `env`, as `subprocess.run` takes them.
    """
    if sys.platform != "linux":
        return a_python(script, *arguments, **options)

    def main() -> None:
        sys.path.insert(0, str(Path(script).resolve().parent))
        runpy.run_path(str(script), run_name="__main__")

    return in_a_fork(main, str(script), *map(str, arguments), **options)


def fork() -> int:
    """`os.fork`, whose child does not collect what its parent left.

    Of onnxruntime 1.32, for one, a session that the parent forgot waits in its destructor for
    threads, which a fork does not have: whatever the child did when the collector came by, it
    waited for ever.
    """
    child = os.fork()
    if child == 0:
        gc.freeze()
    return child


@contextmanager
def forgotten() -> Iterator[Path]:
    """Leave something for the collector, which is off meanwhile; a file that is there once another
    process has collected it."""
    with tempfile.TemporaryDirectory() as folder:
        parent, met = os.getpid(), Path(folder) / "met"

        class Forgotten:
            def __init__(self) -> None:
                self.itself = self

            def __del__(self) -> None:
                if os.getpid() != parent:
                    met.touch()

        gc.disable()
        try:
            Forgotten()
            yield met
        finally:
            gc.enable()
            gc.collect()


def in_a_fork(
    main: Callable[[], object],
    *argv: str,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Answer:
    """Call `main` in a fork, with `argv` as its command line, and wait for it to end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        sys.stdout.flush()
        sys.stderr.flush()
        child = fork()
        if child == 0:
            os._exit(_as_a_program(main, argv, cwd, env, (out.fileno(), errors.fileno())))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed = []
        for file in (out, errors):
            file.seek(0)
            printed.append(file.read().decode(errors="replace"))
    return Answer(list(argv), status, *printed)


def _as_a_program(
    main: Callable[[], object],
    argv: tuple[str, ...],
    cwd: str | Path | None,
    env: Mapping[str, str] | None,
    outputs: tuple[int, int],
) -> int:
    """Call `main` as Python calls a program. Returns the exit status; nothing is raised."""
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, file in enumerate(outputs, start=1):
            os.dup2(file, number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        warnings.showwarning = warnings._showwarning_orig  # type: ignore[attr-defined]
        sys.argv = list(argv)
        if cwd is not None:
            os.chdir(cwd)
        if env is not None:
            os.environ.clear()
            os.environ.update(env)
        try:
            main()
            status = 0
        except SystemExit as stop:
            if isinstance(stop.code, str):
                print(stop.code, file=sys.stderr)
            else:
                status = stop.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    return status
