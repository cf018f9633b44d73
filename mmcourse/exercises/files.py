"""Exercises as files: stubs to fill in, one Python file per chapter."""

from __future__ import annotations

import re
from pathlib import Path

from mmcourse.exercises import progress
from mmcourse.exercises.catalogue import chapters, ids, load, stub_source

CHAPTER_FILE = re.compile(r"ch\d\d\.py")


def chapter_source(chapter: str) -> str:
    """The file that a learner starts from."""
    number = int(chapter.removeprefix("ch"))
    head = (
        f'"""Chapter {number}: {chapters()[chapter]}.\n\n'
        "Write your answers in place of `raise NotImplementedError`, then run\n\n"
        f"    mmcourse check {chapter}\n\n"
        "or name one exercise, as above each function. `mmcourse exercises hint` and `solution`\n"
        "with the same name help where you are stuck.\n"
        '"""\n\n'
        "import torch\nimport torch.nn.functional as F\n\n"
        "from mmcourse.exercises import exercise\n"
    )
    parts = [head]
    for id in ids(chapter):
        it = load(id)
        about = f"# {it.title} ({it.level}, {it.minutes} minutes): mmcourse check {id}"
        parts.append(f"{about}\n{stub_source(id)}")
    return "\n\n".join(parts)


def start(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write one stub file per chapter; what is already there stays as it is.

    Returns:
        The files written, and the files that were there.

    Raises:
        OSError: the folder can't be made or written to.
    """
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for chapter in chapters():
        file = folder / f"{chapter}.py"
        source = chapter_source(chapter)
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(source)
        except FileExistsError:
            kept.append(file)
        except OSError:
            file.unlink(missing_ok=True)  # half a stub would be taken for work next time
            raise
        else:
            written.append(file)
    progress.remember_folder(folder)
    return written, kept


def chapter_files(folder: Path | None, chapter: str | None) -> list[Path]:
    """The files to be checked.

    Args:
        folder: where they are. By default here, or else where they were last started.
        chapter: only this one.

    Raises:
        ValueError: there are none.
    """
    if chapter is not None and chapter not in chapters():
        raise ValueError(
            f"no exercises for {chapter!r}; there are some for {', '.join(chapters())}"
        )
    try:
        remembered = progress.read().folder
    except OSError:  # told of where progress is shown
        remembered = ""
    folder = folder.expanduser() if folder else None
    places = [folder] if folder else [Path.cwd(), *([Path(remembered)] if remembered else [])]
    for place in places:
        found = [
            file
            for file in sorted(place.glob("ch[0-9][0-9].py"))
            if chapter in (None, file.stem) and file.stem in chapters()
        ]
        if found:
            return found
    wanted = f"{chapter}.py" if chapter else "chapter files"
    raise ValueError(
        f"no {wanted} in {' or '.join(str(p) for p in places)}; write some with "
        "`mmcourse exercises start DIR`"
    )
