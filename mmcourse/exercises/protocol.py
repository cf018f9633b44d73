"""What the learner's process says to the one in which answers run."""

from __future__ import annotations

from dataclasses import dataclass

LOAD_S = 60.0  # unpickling an answer may import a large library


@dataclass
class Request:
    """One check.

    Args:
        id: the exercise.
        answer: the learner's function, pickled by value.
        seconds: time limit.
        path: the learner's sys.path.
        folder: the learner's working folder.
    """

    id: str
    answer: bytes
    seconds: float
    path: list[str]
    folder: str
