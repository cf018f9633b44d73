"""Values as a learner is shown them, and the exception that carries what was got and expected."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor

SHOWN_WHOLE = 24
"""Numbers of a tensor that are shown; of a larger one the first few."""


class Broken(Exception):
    """A property doesn't hold.

    Args:
        message: what is wrong, in a sentence.
        got: what the answer gave, shown if not empty.
        expected: what it should have given.
    """

    def __init__(self, message: str, got: Any = "", expected: Any = "") -> None:
        super().__init__(message)
        self.message = message
        told = [x if isinstance(x, str) else show(x) for x in (got, expected)]
        if told[0] == told[1]:  # nearly equal: more digits tell them apart
            told = [x if isinstance(x, str) else show(x, digits=9) for x in (got, expected)]
        self.got, self.expected = told


class Unseen(Exception):
    """A property that can't be checked on this answer, whose way of working hides it.

    Args:
        message: why, as the end of the property's line.
    """


def _numbers(values: Any, digits: int) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_numbers(value, digits) for value in values) + "]"
    return f"{values + 0.0:.{digits}g}" if isinstance(values, float) else str(values)


def show(value: Any, digits: int = 4) -> str:
    """A value in a line: small tensors in full, large ones by shape and first entries."""
    if isinstance(value, torch.Tensor):
        return _tensor(value, digits)
    if isinstance(value, np.ndarray):
        return f"numpy array of shape {value.shape}, {value.dtype}"
    if isinstance(value, float):
        return _numbers(float(value), digits + 2)
    if isinstance(value, tuple | list) and len(value) <= 4:
        return "(" + ", ".join(show(part, digits) for part in value) + ")"
    text = f"{value!r}" if not callable(value) else getattr(value, "__name__", repr(value))
    return text if len(text) <= 200 else text[:200] + "…"


def _tensor(value: torch.Tensor, digits: int) -> str:
    about = str(value.dtype).removeprefix("torch.")
    if value.device.type != "cpu":
        about += f" on {value.device}"
    shape = f"shape {tuple(value.shape)}" if value.ndim else "scalar"
    if value.is_meta or isinstance(value, FakeTensor):
        return f"tensor, {shape}, {about}"
    flat = value.detach().cpu()
    if value.numel() <= SHOWN_WHOLE:
        return f"{_numbers(flat.tolist(), digits + 2 * (not value.ndim))}   ({shape}, {about})"
    return f"{_numbers(flat.flatten()[:4].tolist(), digits)[:-1]}, …]   ({shape}, {about})"
