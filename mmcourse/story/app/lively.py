"""A sign of life each second while a job says nothing, as when a model is being loaded."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from typing import Any

Data = dict[str, Any]
EVERY = 1.0
"""Seconds of silence after which a sign is given."""


def lively(steps: Generator[Data, None, None], every: float = EVERY) -> Generator[Data, None, None]:
    """The signs of a job as they come, and one between them after each `every` seconds of silence:
    what was said last, and for how long it has lasted.

    All of the job runs in one thread of its own. If the caller ends early, the job is closed when
    its current step is done.

    Args:
        steps: signs of a job.
        every: seconds.
    """
    message = "At work"
    with ThreadPoolExecutor(1, "job") as thread:
        try:
            while True:
                coming = thread.submit(_next, steps)
                for waited in count(1):
                    if wait([coming], every).done:
                        break
                    yield {"kind": "busy", "message": f"{message}, {round(waited * every)} s"}
                step = coming.result()
                if step is None:
                    return
                message = step.get("message") or message
                yield step
        finally:
            thread.submit(steps.close).result()


def _next(steps: Generator[Data, None, None]) -> Data | None:
    """The next sign, None after the last."""
    return next(steps, None)
