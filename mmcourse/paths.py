"""Paths as people write them, and as messages show them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def user_path(path: str | Path) -> Path:
    """A path in which a leading ~ is the home folder, as in a shell.

    Raises:
        ValueError: a ~ where nobody has a home, or of somebody who is not known here.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{path}: whose home that is is not known here, write it out") from None


def shown(path: str | Path) -> str:
    """The path for a message, with ~ for the home folder if it lies beneath it."""
    try:
        home = Path.home()
    except RuntimeError:
        return str(path)
    if home != Path(home.anchor) and Path(path).is_relative_to(home):
        return str(Path("~") / Path(path).relative_to(home))
    return str(path)


def files_beneath(root: Path) -> Iterator[Path]:
    """All files beneath a folder, in linked folders too; each folder once, so that a link to a
    parent ends. Names that begin with a dot are left out."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        place = os.path.realpath(folder)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))
