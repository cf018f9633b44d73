"""The process in which answers run: `python -m mmcourse.exercises.worker`.

Requests come in on standard input, one pickle each; findings go out on what was standard output,
one JSON object per line. Before any answer runs, both are moved out of its reach: `input()` finds
nothing, and whatever is printed goes to standard error, which the other side reads too.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

from mmcourse.exercises.protocol import LOAD_S, Request

MAX_PRINTED = 20_000  # characters of one check's prints that are passed on


class Prints(io.TextIOBase):
    """Standard output and error of answers: the beginning goes through, the rest is dropped."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.left = MAX_PRINTED

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.left > 0:
            kept = text[: self.left]
            self.left -= len(kept)
            self.text.append(kept)
            os.write(2, kept.encode(errors="replace"))
        return len(text)

    def take(self) -> str:
        printed, self.text, self.left = "".join(self.text), [], MAX_PRINTED
        return printed


def _load(blob: bytes) -> Any:
    """Unpickle an answer; tensors that were on a GPU arrive on the CPU."""
    import torch

    def from_bytes(data: bytes) -> Any:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)

    original, torch.storage._load_from_bytes = torch.storage._load_from_bytes, from_bytes
    try:
        return pickle.loads(blob)
    finally:
        torch.storage._load_from_bytes = original


def serve(request: Request, prints: Prints, send: Callable[[dict[str, Any]], None]) -> None:
    """Grade one answer. Tells at the end whether this process is fit for another one."""
    from mmcourse.exercises.catalogue import load
    from mmcourse.exercises.grade import grade
    from mmcourse.exercises.libraries import changed, fingerprint, settings

    number = request.number

    def emit(event: dict[str, Any]) -> None:
        send({**event, "number": number})

    sys.path[:] = request.path
    sys.stdout = sys.stderr = prints
    os.chdir(request.folder)
    libraries, left = fingerprint(), settings()
    exercise = load(request.id)
    faulthandler.dump_traceback_later(LOAD_S, exit=True, file=2)
    try:
        answer = _load(request.answer)
    except BaseException as error:
        emit({"event": "unloadable", "message": f"{type(error).__name__}: {error}"})
    else:
        emit({"event": "loaded"})
        faulthandler.dump_traceback_later(request.seconds, exit=True, file=2)
        try:
            grade(exercise, answer, emit)
        except Exception as error:  # a fault of the exercise, not of the answer
            emit({"event": "fault", "message": f"{type(error).__name__}: {error}"})
    faulthandler.cancel_dump_traceback_later()
    clean = settings() == left and not changed(libraries)
    emit({"event": "done", "clean": clean, "printed": prints.take()})


def main() -> None:
    """Serve requests until there are no more."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    prints = Prints()
    sys.stdin = sys.__stdin__ = io.StringIO()  # type: ignore
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = prints  # type: ignore
    faulthandler.enable(file=2)
    me = os.getpid()

    def emit(event: dict[str, Any]) -> None:
        if os.getpid() != me:  # a fork of an answer that has come this far
            os._exit(0)
        replies.write(json.dumps(event) + "\n")
        replies.flush()

    import torch

    import mmcourse.exercises.grade  # noqa: F401 - imported here, so that no check waits for it

    torch.set_num_threads(1)
    emit({"event": "ready", "pid": me})
    _warm_up()
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            break
        serve(request, prints, emit)
    os._exit(0)  # threads that an answer left behind would keep the process alive


def _warm_up() -> None:
    """Torch's fakes load much of torch on first use."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True):
        torch.nn.functional.cross_entropy(
            torch.empty(2, 2, device="cuda"), torch.arange(2, device="cuda")
        )


if __name__ == "__main__":
    main()
