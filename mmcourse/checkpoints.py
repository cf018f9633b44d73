"""Checkpoints that resume exactly, and files that are written wholly or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import pickle
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import torch
from torch import nn

from mmcourse.paths import user_path

if TYPE_CHECKING:
    from accelerate import Accelerator


def write_atomically(contents: Mapping[Path, bytes | memoryview]) -> None:
    """Write files so that, whatever happens, each name holds its old content or its new one.

    The contents go to temporary files in the same folders and are flushed to the disk. When all of
    them are there, each takes its name by a rename, which is atomic.

    Raises:
        OSError: in one line, if the disk is full or a folder cannot be written; nothing is changed.
    """
    own = f"{os.getpid()}.partial"  # two processes that save at once do not meet
    partials = {path: path.with_name(f".{path.name}.{own}") for path in contents}
    try:
        for path, data in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            with open(partials[path], "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, partial in partials.items():
            os.replace(partial, path)
    except OSError as error:
        what = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror
        size = sum(len(data) for data in contents.values()) / 1e6
        raise OSError(
            error.errno,
            f"{', '.join(map(str, contents))} not saved ({size:.1f} MB): {what or error}; what was "
            "saved before is unharmed: free some space or choose another folder",
        ) from None
    finally:
        for partial in partials.values():
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
    if os.name == "posix":  # a rename is on the disk when its folder is
        for parent in {path.parent for path in contents}:
            folder = os.open(parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            except OSError as error:  # shared and mounted folders often cannot
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise
            finally:
                os.close(folder)


def _sweep(path: Path) -> None:
    """Delete what processes that were killed have left of this file."""
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        writer = old.name.split(".")[-2]
        if writer.isdigit() and not psutil.pid_exists(int(writer)):
            old.unlink(missing_ok=True)


def describe_mismatch(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
) -> str:
    """How two state dicts differ in names and shapes, in one line; empty if they do not."""

    def some(kind: str, names: list[str]) -> str:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"{kind} {', '.join(names[:3])}{more}" if names else ""

    shapes = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    parts = [
        some("missing", [name for name in expected if name not in found]),
        some("unexpected", [name for name in found if name not in expected]),
        some("wrong shape", shapes),
    ]
    return "; ".join(part for part in parts if part)


def save_now(done: int, steps: int, every: int) -> bool:
    """Whether to save after so many steps of a run: at its end, and every so many, or every fifth
    of a run that is shorter than two of these, so that a kill does not cost all of it."""
    every = max(1, steps // 5) if steps < 2 * every else every
    return done == steps or done % every == 0


def save_checkpoint(
    path: str | Path, *, step: int, accelerator: Accelerator | None = None, **objects: Any
) -> None:
    """Save all that a run needs to go on from `step` as if it had never stopped.

    Args:
        path: the file. The previous checkpoint of that name is replaced only by a whole one.
        step: the number of optimiser steps done.
        accelerator: if given, models are unwrapped, the fp16 loss scale is saved, and the random
            states of all processes are gathered; call this on all of them, the main one writes.
        objects: by name, whatever has a state: model, optimiser, scheduler, EMA (anything with
            `state_dict` and `load_state_dict`) and `torch.Generator`s. The global random states of
            Python, NumPy and PyTorch are always saved.

    Raises:
        ValueError: if an object has no state, or one that holds more than tensors and plain values.
        OSError: if the disk is full; the previous checkpoint is unharmed.
    """
    parts = _parts(accelerator, objects)
    generators = {k: v.get_state() for k, v in parts.items() if isinstance(v, torch.Generator)}
    random_states = [{"global": _get_random_state(), "generators": generators}]
    if accelerator is not None and accelerator.num_processes > 1:
        from accelerate.utils import gather_object

        random_states = gather_object(random_states)
    if accelerator is not None and not accelerator.is_main_process:
        return
    buffer = io.BytesIO()
    checkpoint = {
        "step": step,
        "classes": {name: type(part).__name__ for name, part in parts.items()},
        "states": {k: v.state_dict() for k, v in parts.items() if k not in generators},
        "random_states": random_states,
    }
    try:
        torch.save(checkpoint, buffer)
        buffer.seek(0)
        torch.load(buffer, map_location="cpu", weights_only=True)
    except (pickle.PickleError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{path} not saved: a state holds more than tensors and plain values, so it could not "
            f"be loaded again ({str(error).splitlines()[0]})"
        ) from None
    with buffer.getbuffer() as content:  # let go of even if writing fails, or Python 3.13 complains
        write_atomically({user_path(path): content})


def load_checkpoint(
    path: str | Path, *, accelerator: Accelerator | None = None, **objects: Any
) -> int:
    """Put the objects and all random states back to where `save_checkpoint` found them.

    Give the same objects under the same names, built as they were before. Names, classes and
    the models' shapes are compared before anything is changed.

    Returns:
        The number of optimiser steps done.

    Raises:
        ValueError: in one line, if the file is missing, damaged, or of other objects.
    """
    path = user_path(path)
    checkpoint = _read(path)
    parts = _parts(accelerator, objects)
    if "settings" not in checkpoint["classes"]:  # of a run that told none
        parts.pop("settings", None)
    classes = {name: type(part).__name__ for name, part in parts.items()}
    if checkpoint["classes"] != classes:
        raise ValueError(
            f"{path} holds {_listing(checkpoint['classes'])}, but was asked for "
            f"{_listing(classes)}: pass the objects that it was saved with, or delete it"
        )
    states = checkpoint["states"]
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            difference = describe_mismatch(part.state_dict(), states[name])
            if difference:
                raise ValueError(
                    f"{path} is of another architecture: {name} has {difference}: "
                    "build the model as it was, or delete the file to start again"
                )
    process = 0 if accelerator is None else accelerator.process_index
    if process >= len(checkpoint["random_states"]):
        raise ValueError(
            f"{path} is of a run with {len(checkpoint['random_states'])} processes: "
            "resume with as many"
        )
    random_states = checkpoint["random_states"][process]
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            part.set_state(random_states["generators"][name])
        else:
            try:
                part.load_state_dict(states[name])
            except (KeyError, RuntimeError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise ValueError(f"{path} does not fit {name}: {reason}") from None
    _set_random_state(random_states["global"])
    return checkpoint["step"]


def _parts(accelerator: Accelerator | None, objects: Mapping[str, Any]) -> dict[str, Any]:
    """The objects to save, unwrapped; with the accelerator's gradient scaler if it has one."""
    parts = dict(objects)
    if accelerator is not None:
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                parts[name] = accelerator.unwrap_model(part, keep_torch_compile=False)
        if accelerator.scaler is not None:
            parts["scaler"] = accelerator.scaler
    for name, part in parts.items():
        if not (isinstance(part, torch.Generator) or hasattr(part, "load_state_dict")):
            raise ValueError(
                f"{name} is a {type(part).__name__}, which has no state_dict: leave it out"
            )
    return parts


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"no checkpoint at {path}: start the run from its first step")
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load itself checks no checksums
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"checksum of {damaged}")
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        if not {"step", "classes", "states", "random_states"} <= checkpoint.keys():
            raise KeyError("not a checkpoint of this course")
    except Exception as error:  # a damaged archive can raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{path} is damaged or not a checkpoint ({reason}): delete it and start again"
        ) from None
    return checkpoint


def _listing(classes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in classes.items()) or "nothing"


def _get_random_state() -> dict[str, Any]:
    """Python's, NumPy's and PyTorch's global states, as tensors and plain values."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state is what is wanted
    state = {
        "python": random.getstate(),
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def _set_random_state(state: Mapping[str, Any]) -> None:
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
