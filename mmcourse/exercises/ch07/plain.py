"""Expectations about plain Python values."""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.values import Broken


def same(got: Any, expected: Any, message: str = "The answer is wrong.") -> None:
    """`got` is of the same type as `expected` (or a kind of it), and equal to it."""
    if got is None:
        raise Broken("It returned None. Is there a `return`?", "None", expected)
    if not isinstance(got, type(expected)):
        kinds = type(got).__name__, type(expected).__name__
        raise Broken(f"It returned a {kinds[0]}, not a {kinds[1]}.", got, expected)
    if got != expected:
        raise Broken(message, got, expected)
