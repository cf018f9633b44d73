"""What a check found, as plain data that can cross a process boundary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

State = Literal["holds", "broke", "not checked", "not reached"]


@dataclass
class Finding:
    """One line of a report.

    Args:
        says: the property, or the bug that a test should catch.
        state: "holds" (or caught), "broke" (or missed), "not checked" (the answer's way of working
            hides it), "not reached".
        message: what is wrong.
        given: the input on which it broke, as (name, text).
        got: what the answer gave.
        expected: what it should have given.
        where: lines that an exception came through, as (file, line, function), innermost last.
    """

    says: str
    state: State
    message: str = ""
    given: list[tuple[str, str]] = field(default_factory=list)
    got: str = ""
    expected: str = ""
    where: list[tuple[str, int, str]] = field(default_factory=list)
