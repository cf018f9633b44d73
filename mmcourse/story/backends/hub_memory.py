"""How much memory a model takes, and whether that is there. Asked before it is loaded, because a
system that runs out of memory ends the program without a word."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

from mmcourse.story.backends.hub_files import weight_files

GIB = 2**30
FOUR = 4.127
"""Bits of a weight in four: with a scale for 64 weights, which has eight bits itself."""
Shape = tuple[str, tuple[int, ...]]


def shapes(folder: Path) -> list[Shape]:
    """Name and shape of each weight of a folder, read from the headers of its files. A pickle has
    none: its size is taken for that of one float32 weight."""
    out: list[Shape] = []
    for file in weight_files(folder):
        if file.suffix == ".bin":
            out.append((file.name, (file.stat().st_size // 4,)))
            continue
        with file.open("rb") as opened:
            header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
        out += [(k, tuple(x["shape"])) for k, x in header.items() if k != "__metadata__"]
    return out


def held(weights: Iterable[Shape], bits: float = 16, four: bool = False) -> float:
    """Bytes that weights take.

    Args:
        weights: their names and shapes.
        bits: of each number.
        four: whether matrices are packed to four bits; embeddings and the last layer, which is
            often the same matrix, are not.
    """
    total = 0.0
    for name, shape in weights:
        packed = four and len(shape) == 2 and not any(x in name for x in ("embed", "lm_head"))
        total += math.prod(shape) * (FOUR if packed else bits) / 8
    return total


def free(device: str) -> float:
    """Bytes that are free on "cuda" or "cpu"."""
    if device == "cpu":
        import psutil

        return float(psutil.virtual_memory().available)
    import torch

    return float(torch.cuda.mem_get_info()[0])


def too_large(name: str, need: float, room: float, where: str) -> ValueError:
    """What is said of a model that does not fit."""
    return ValueError(
        f"{name!r} needs {need / GIB:.1f} GiB {where}, and {room / GIB:.1f} GiB are free; name "
        "fewer models, a smaller one, or (on a GPU) add ,4bit to its name"
    )


def ran_out(name: str, doing: str) -> ValueError:
    """What is said when the GPU's memory ran out on the way."""
    return ValueError(
        f"{name!r} ran out of the GPU's memory while it {doing}; name fewer models, or add ,4bit "
        "to the names of those that read and write"
    )
