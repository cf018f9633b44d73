"""A progress bar for what takes a while and is no training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Part = TypeVar("Part")


def watched(parts: Iterable[Part], what: str) -> Iterable[Part]:
    """The same parts, with a bar on stderr as they are gone through.

    There is none in the first second, and none where stderr is no terminal, so what a program reads
    stays clean. It disappears at the end.
    """
    return tqdm(parts, desc=what, leave=False, disable=None, delay=1)
