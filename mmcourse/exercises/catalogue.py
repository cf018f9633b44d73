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


def named(what: str) -> str:
    """A chapter or an exercise, by any name that a learner may use for it.

    "ch01", "ch1", "1" and "ch01.py" are a chapter; "ch01.clip_loss", "clip_loss" and the name of
    the function in the stub are an exercise.

    Raises:
        ValueError: there is none; the nearest names are suggested.
    """
    short = what.strip().removesuffix(".py").lower()
    digits = short.removeprefix("chapter").strip().removeprefix("ch")
    if digits.isdigit() and f"ch{int(digits):02d}" in chapters():
        return f"ch{int(digits):02d}"
    every = [id for chapter in chapters() for id in ids(chapter)]
    names = {id: id for id in every}
    for id in every:  # a short name that two exercises have is none
        for name in {id.partition(".")[2], load(id).function}:
            names[name] = id if name not in names else ""
    if names.get(short):
        return names[short]
    chapter, dot, _ = short.partition(".")
    if dot or chapter not in chapters():
        known = [n for n, id in names.items() if id]
        near = difflib.get_close_matches(short, known, n=1, cutoff=0.5)
        if near:
            raise ValueError(f"no exercise {what!r}; did you mean {names[near[0]]!r}?")
    if dot and chapter in chapters():
        raise ValueError(f"no exercise {what!r}; there are {', '.join(ids(chapter))}")
    raise ValueError(f"no exercises for {what!r}; there are some for {', '.join(chapters())}")


def stub_source(id: str) -> str:
    """The cell that a learner starts from: decorator, signature, docstring, NotImplementedError."""
    return load(id).stub.strip() + "\n"
