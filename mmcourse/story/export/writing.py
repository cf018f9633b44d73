"""Copies are written wholly or not at all, under names that every system takes."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import unicodedata
import uuid
from pathlib import Path

from mmcourse.paths import user_path

RESERVED = {"con", "prn", "aux", "nul"} | {f"{n}{i}" for n in ("com", "lpt") for i in range(10)}
"""Names that Windows keeps for itself."""
LONGEST = 60


def file_name(title: str, ending: str) -> str:
    """A title as the name of a file: letters, digits and hyphens, never empty, reserved or long.

    Accents go ("Zoë" becomes "zoe"); letters of other scripts stay.
    """
    plain = unicodedata.normalize("NFKD", title)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    words = re.sub(r"[\W_]+", "-", plain).strip("-")
    while len(words.encode()) > LONGEST:
        words = words[:-1].strip("-")
    words = words or "story"
    return f"{words}-story.{ending}" if words in RESERVED else f"{words}.{ending}"


def put(path: str | Path, content: bytes, ending: str = "") -> Path:
    """Write a file; what stood there before stays until the new one is whole.

    Returns:
        The path, with `~` replaced by the home folder.

    Raises:
        ValueError: the path is a folder, has another ending, or cannot be written.
    """
    target = user_path(path)
    if ending and target.suffix.lower() != f".{ending}":
        raise ValueError(f"this copy is a .{ending} file, got {target.name!r}; name it so")
    if target.is_dir():
        raise ValueError(
            f"{target} is a folder; name a file in it, such as {target}/story.{ending}"
        )
    try:
        _write(target, content)
    except OSError as error:
        why = (
            "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror or error
        )
        raise ValueError(
            f"{target} was not written ({len(content) / 1e6:.1f} MB): {why}; what stood there "
            "before is unharmed: free some space or choose another folder"
        ) from None
    return target


def _write(target: Path, content: bytes) -> None:
    """Through a file of its own name beside the target, which then takes the target's place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".copy-{uuid.uuid4().hex}.partial"
    try:
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            with contextlib.suppress(OSError):  # some file systems cannot flush on demand
                os.fsync(file.fileno())
        os.replace(partial, target)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
