"""Start the process in which answers run, ask it, and end it when it is stuck."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from mmcourse.exercises.protocol import LOAD_S, Request

START_S = 300.0  # loading torch from a cold disk takes its time
MEMORY_BYTES = 2 * 2**30  # on top of what the process needs itself
KEPT_BYTES = 20_000
GRACE_S = 1.5  # the process stops itself at the limit and tells where; only then is it killed


class NoWorker(RuntimeError):
    """The process in which answers run could not be started."""


def _python() -> str:
    python = os.environ.get("MMCOURSE_PYTHON") or sys.executable
    if not python or not os.path.isfile(python):
        raise NoWorker(
            f"there is no Python at {python!r} to run answers with; set MMCOURSE_PYTHON to the "
            "path of the Python that has mmcourse"
        )
    return python


def _environment() -> dict[str, str]:
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path)  # "" is the working folder
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


class Process:
    """One process, started at once; it is ready some seconds later."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        try:
            self.child = subprocess.Popen(
                # -P: the working folder holds the learner's files, perhaps a random.py
                [_python(), "-P", "-m", "mmcourse.exercises.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the learner's process
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise NoWorker(f"answers have no process to run in: {error}") from error
        assert self.child.stdin and self.child.stdout and self.child.stderr  # noqa: PT018
        self.requests: IO[bytes] = self.child.stdin
        self.events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.head, self.tail, self.total = b"", b"", 0
        self.ready = False
        self.threads = [
            threading.Thread(target=self._listen, args=(self.child.stdout,), daemon=True),
            threading.Thread(target=self._drain, args=(self.child.stderr,), daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def _listen(self, replies: IO[bytes]) -> None:
        with contextlib.suppress(ValueError):  # what isn't JSON isn't ours: the end of it
            for line in replies:
                self.events.put(json.loads(line))
        self.events.put(None)

    def _drain(self, errors: IO[bytes]) -> None:
        while chunk := os.read(errors.fileno(), 65536):
            self.head += chunk[: max(0, KEPT_BYTES - len(self.head))]
            self.tail = (self.tail + chunk)[-KEPT_BYTES:]
            self.total += len(chunk)

    def alive(self) -> bool:
        """Whether this process can take a request, and belongs to this one (not to its parent)."""
        return self.child.poll() is None and self.owner == os.getpid()

    def wait_until_ready(self) -> None:
        """Wait for the process to have loaded torch.

        Raises:
            NoWorker: it ended, or took too long.
        """
        if self.ready:
            return
        try:
            event = self.events.get(timeout=START_S)
        except queue.Empty:
            event = None
        if event is None or event.get("event") != "ready":
            self.kill()
            told = self.told().strip().splitlines()
            raise NoWorker(
                "the process that runs answers did not start"
                + (f": {told[-1]}" if told else f" within {START_S:.0f} s")
            )
        self.ready = True

    def ask(self, request: Request) -> Iterator[dict[str, Any]]:
        """Send a request; what the process found, as it finds it.

        The last event is "done" or "ended" (with `why`: "time", "memory" or "exit").
        """
        self.head, self.tail, self.total = b"", b"", 0
        base = self._memory()
        try:
            self.requests.write(pickle.dumps(request))
            self.requests.flush()
        except OSError:
            yield self._ended("exit")
            return
        limit, started = LOAD_S, time.monotonic()
        while True:
            try:
                event = self.events.get(timeout=0.03)
            except queue.Empty:
                if time.monotonic() - started > limit + GRACE_S:
                    yield self._ended("time")
                    return
                if self._memory() - base > MEMORY_BYTES:
                    yield self._ended("memory")
                    return
                continue
            if event is None:
                over = time.monotonic() - started >= limit
                yield self._ended("time" if over else "exit")
                return
            if not isinstance(event, dict) or event.pop("number", None) != request.number:
                continue  # written by an answer, or of a check before
            if event["event"] == "loaded":
                limit, started = request.seconds, time.monotonic()
            yield event
            if event["event"] == "done":
                return

    def _memory(self) -> int:
        import psutil  # here, since `mmcourse --help` imports this module

        try:
            return psutil.Process(self.child.pid).memory_info().rss
        except psutil.Error:
            return 0

    def _ended(self, why: str) -> dict[str, Any]:
        if why == "exit":  # it is going by itself; let it say how
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(timeout=2)
        self.kill()
        return {"event": "ended", "why": why, "code": self.child.returncode, "told": self.told()}

    def told(self) -> str:
        """What an ended process printed: the beginning, and the end where there was much."""
        self.threads[1].join(timeout=1.0)
        beyond = min(self.total - len(self.head), len(self.tail))
        end = self.tail[len(self.tail) - beyond :]
        return (self.head + end).decode(errors="replace")

    def kill(self) -> None:
        """End the process and all that it has started."""
        import psutil

        try:
            family = psutil.Process(self.child.pid).children(recursive=True)
        except psutil.Error:
            family = []
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.child.kill()
        if hasattr(os, "killpg"):  # also what has lost its parent; the process leads its group
            with contextlib.suppress(OSError):
                os.killpg(self.child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=5)


_current: Process | None = None
_lock = threading.RLock()


def warm_up() -> None:
    """Have a process ready, or on its way. Never raises: a check says what is wrong."""
    with contextlib.suppress(NoWorker), _lock:
        _running()


def _running() -> Process:
    global _current
    if _current is None or not _current.alive():
        _current = Process()
        _stop_at_exit()
    return _current


def run(request: Request) -> list[dict[str, Any]]:
    """Ask the warm process; replace it if the answer has ended or soiled it.

    Raises:
        NoWorker: there is no process to ask.
    """
    with _lock:
        process = _running()
        finished = False
        try:
            process.wait_until_ready()
            events = list(process.ask(request))
            finished = events[-1]["event"] == "done" and events[-1]["clean"]
        finally:
            if not finished:  # also when the learner interrupts
                stop()
        if not finished:
            warm_up()
        return events


def stop() -> None:
    """End the process, if there is one."""
    global _current
    with _lock:
        if _current is not None and _current.owner == os.getpid():
            _current.kill()
        _current = None


_registered = False


def _stop_at_exit() -> None:
    global _registered
    if not _registered:
        atexit.register(stop)
        _registered = True
