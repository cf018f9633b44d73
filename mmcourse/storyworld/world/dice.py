"""Chance that is the same everywhere: every draw is a function of a key."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Choices that come out the same in every version of Python (`random()` alone is promised)."""

    def __init__(self, *key: object) -> None:
        self._random = random.Random(" ".join(map(str, key))).random

    def chance(self, p: float) -> bool:
        return self._random() < p

    def number(self) -> float:
        """In [0, 1)."""
        return self._random()

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self._random() * len(values))]

    def sample(self, values: Sequence[T], k: int) -> list[T]:
        left = list(values)
        return [left.pop(int(self._random() * len(left))) for _ in range(k)]

    def weighted(self, totals: Sequence[int]) -> int:
        """A position, drawn by running totals of integer weights."""
        return bisect_right(totals, int(self._random() * totals[-1]))
