"""Arrays that take minutes to make and are needed by several runs: kept on the disk, by key.

What is kept is a pure function of its key, so that a cache can be deleted at any time. It lies in
the folder that MMCOURSE_CACHE names, else in ~/.cache/mmcourse. A run that is killed while it makes
them goes on with the next block.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from mmcourse.checkpoints import write_atomically
from mmcourse.devices import usable_cpus
from mmcourse.paths import user_path
from mmcourse.processes import pool_of

BLOCK = 256
"""Examples in a file."""
Made = dict[str, np.ndarray]


def cache_folder() -> Path:
    """Where cached arrays lie."""
    named = os.environ.get("MMCOURSE_CACHE")
    if named:
        return user_path(named)
    try:
        return Path.home() / ".cache" / "mmcourse"
    except RuntimeError:  # nobody's home
        return Path(tempfile.gettempdir()) / "mmcourse-cache"


def cached(
    name: str,
    key: Mapping[str, Any],
    n: int,
    make: Callable[[range], Made],
    workers: int | None = None,
) -> dict[str, Tensor]:
    """The first n examples of what `make` makes, read from the disk where they are there already.

    Args:
        name: begins the folder's name, so that a person can tell what lies in it.
        key: all that the arrays depend on besides their number, as JSON can hold it: sizes, seeds,
            and the hash of the code (`cards.sources_hash`).
        n: how many examples.
        make: from a range of indices to arrays whose first axis has its length. It runs in other
            processes, so it must be a function of a module (or a `partial` of one).
        workers: processes; the default is one for each core. 1 makes them in this process.

    Returns:
        tensors by the arrays' names, each with n examples.

    Raises:
        ValueError: n below 1, or a block on the disk that cannot be read.
    """
    if n < 1:
        raise ValueError(f"n is {n}, expected 1 or more examples")
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache_folder() / f"{name}-{digest}"
    parts = [range(start, start + BLOCK) for start in range(0, n, BLOCK)]
    if n < BLOCK:  # a handful is made as it is, and not kept
        return {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in make(range(n)).items()}
    files = [folder / f"{part.start // BLOCK:05d}.npz" for part in parts]
    missing = [part for part, file in zip(parts, files) if not zipfile.is_zipfile(file)]
    if missing:  # what is not there, or was cut short
        workers = min(workers or usable_cpus(), len(missing))
        with pool_of(workers) if workers > 1 else nullcontext() as pool:
            made = (pool.map if pool else map)(make, missing)
            for part, arrays in tqdm(zip(missing, made), total=len(missing), desc=name):
                packed = io.BytesIO()
                np.savez(packed, **arrays)
                file = folder / f"{part.start // BLOCK:05d}.npz"
                write_atomically({file: packed.getbuffer()})
    return _joined(files, n)


def _joined(files: list[Path], n: int) -> dict[str, Tensor]:
    """The blocks of these files one after another, cut to n examples."""
    out: dict[str, Tensor] = {}
    for at, file in enumerate(files):
        for name, array in _read(file).items():
            rows = torch.from_numpy(array)
            if name not in out:
                out[name] = torch.empty((n, *rows.shape[1:]), dtype=rows.dtype)
            end = min(n, (at + 1) * BLOCK)
            out[name][at * BLOCK : end] = rows[: end - at * BLOCK]
    return out


def _read(file: Path) -> Made:
    try:
        with np.load(file) as block:
            return {name: block[name] for name in block.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{file} is damaged ({reason}): delete it, it is made again") from None
