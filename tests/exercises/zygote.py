"""Workers without the wait: a worker that has loaded torch forks into each one that is asked for.

Loading torch takes a worker some seconds, and a test of what happens when a worker ends needs a
new one each time. Here `python -m mmcourse.exercises.worker` is a fork of a process that has loaded
what a worker loads, in a session of its own, with its own pipes, environment and end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

PYTHON = sys.executable  # a test may have another in its place


class Zygote:
    """The process that forks."""

    def __init__(self, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self.owner, self.socket, self.lock = os.getpid(), ours, threading.Lock()
        self.process = subprocess.Popen(
            [PYTHON, "-P", str(Path(__file__).resolve()), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=environment,
        )
        theirs.close()

    def ask(self, *, files: tuple[int, ...] = (), **question: Any) -> Any:
        """Send a question, with open files, and wait for the answer."""
        with self.lock:
            text = json.dumps(question).encode()
            socket.send_fds(self.socket, [len(text).to_bytes(4, "big")], list(files))
            self.socket.sendall(text)
            answer = self.socket.recv(4096)
        if not answer:
            raise OSError("the process that forks workers has ended")
        return json.loads(answer)

    def stop(self) -> None:
        """End it."""
        self.socket.close()
        self.process.wait()


_zygote: Zygote | None = None


def stop() -> None:
    """End the process that forks, if there is one."""
    global _zygote
    if _zygote is not None:
        _zygote.stop()
    _zygote = None


class Worker:
    """A forked worker, with what `mmcourse.exercises.process` uses of a `subprocess.Popen`."""

    def __init__(self, environment: dict[str, str]) -> None:
        global _zygote
        if _zygote is None:
            _zygote = Zygote(environment)
        self.zygote, self.returncode = _zygote, None
        pipes = [os.pipe() for _ in range(3)]
        theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        self.pid = self.zygote.ask(fork=environment, files=theirs)
        for end in theirs:
            os.close(end)
        self.stdin = os.fdopen(pipes[0][1], "wb")
        self.stdout, self.stderr = (os.fdopen(pipes[i][0], "rb") for i in (1, 2))

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        if self.returncode is None:
            self.returncode = self.zygote.ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for its end."""
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("a forked worker", timeout)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def popen(command: list[str], **options: Any) -> Any:
    """A worker if one is asked for by this Python, else a `subprocess.Popen`."""
    if command == [PYTHON, "-P", "-m", "mmcourse.exercises.worker"]:
        return Worker(options["env"])
    return subprocess.Popen(command, **options)


def _fork(files: list[int], environment: dict[str, str], to: socket.socket) -> int:
    """The child's pid; the child never returns."""
    from mmcourse.exercises import worker

    child = os.fork()
    if child:
        for file in files:
            os.close(file)
        return child
    os.setsid()
    to.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    try:
        worker.main()
    finally:
        os._exit(1)


def _ended(child: int) -> int | None:
    """The exit status of a child that has ended."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def main() -> None:
    """Answer questions until there are no more."""
    import torch

    import mmcourse.exercises.grade  # noqa: F401 - what a worker loads
    from mmcourse.exercises import worker

    torch.set_num_threads(1)
    worker._warm_up()
    asking = socket.socket(fileno=int(sys.argv[1]))
    while True:
        size, files, _, _ = socket.recv_fds(asking, 4, 3)
        if not size:
            break
        question, wanted = b"", int.from_bytes(size, "big")
        while len(question) < wanted:
            question += asking.recv(wanted - len(question))
        asked = json.loads(question)
        if "fork" in asked:
            answer: int | None = _fork(files, asked["fork"], asking)
        else:
            answer = _ended(asked["poll"])
        asking.sendall(json.dumps(answer).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
