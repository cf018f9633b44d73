"""What the learner's process says to the one in which answers run."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

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
        number: that every reply to this request repeats.
    """

    id: str
    answer: bytes
    seconds: float
    path: list[str]
    folder: str
    number: str = field(default_factory=lambda: secrets.token_hex(8))
