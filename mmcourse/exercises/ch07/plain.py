"""Expectations about plain Python values."""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.values import Broken


def near(answer: Any, first: Any, second: Any, expected: float) -> None:
    """Of these two the answer is a number, and this one."""
    found = answer(first, second)
    if found is None:
        raise Broken("It returned None. Is there a `return`?", "None", expected)
    try:
        number = float(found)
    except (TypeError, ValueError):
        raise Broken("One number is asked for.", found, expected) from None
    if not abs(number - expected) < 1e-6:
        raise Broken(f"For {first} and {second} the answer is wrong.", number, expected)


def same(got: Any, expected: Any, message: str = "The answer is wrong.") -> None:
    """`got` is of the same type as `expected` (or a kind of it), and equal to it."""
    if got is None:
        raise Broken("It returned None. Is there a `return`?", "None", expected)
    if not isinstance(got, type(expected)):
        kinds = type(got).__name__, type(expected).__name__
        raise Broken(f"It returned a {kinds[0]}, not a {kinds[1]}.", got, expected)
    if got != expected:
        raise Broken(message, got, expected)
