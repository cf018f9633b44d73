"""Find exercises: "ch01.clip_loss" lives in the module mmcourse.exercises.ch01.clip_loss."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from pathlib import Path

from mmcourse.exercises.definition import Exercise


def chapters() -> dict[str, str]:
    """The chapters that have exercises, with their titles: {"ch01": "Joint embeddings"}."""
    here = [str(Path(__file__).parent)]
    found = sorted(m.name for m in pkgutil.iter_modules(here) if m.ispkg and m.name[:2] == "ch")
    return {name: importlib.import_module(f"{__package__}.{name}").TITLE for name in found}


def ids(chapter: str) -> tuple[str, ...]:
    """A chapter's exercises in the order of the lab.

    Raises:
        ValueError: there is no such chapter.
    """
    if chapter not in chapters():
        raise ValueError(
            f"no exercises for {chapter!r}; there are some for {', '.join(chapters())}"
        )
    order = importlib.import_module(f"{__package__}.{chapter}").ORDER
    return tuple(f"{chapter}.{name}" for name in order)


@cache
def load(id: str) -> Exercise:
    """The exercise of this name.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    chapter, _, name = id.partition(".")
    known = ids(chapter) if chapter in chapters() else [i for c in chapters() for i in ids(c)]
    if id not in known:
        near = difflib.get_close_matches(id, known, n=1, cutoff=0.4)
        also = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"no exercise {id!r}; {also}")
    return importlib.import_module(f"{__package__}.{chapter}.{name}").EXERCISE


def stub_source(id: str) -> str:
    """The cell that a learner starts from: decorator, signature, docstring, NotImplementedError."""
    return load(id).stub.strip() + "\n"
