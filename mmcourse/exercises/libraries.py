"""Notice when an answer has replaced parts of a library, or left something running."""

from __future__ import annotations

import builtins
import math
import os
import sys
import threading
from typing import Any

import numpy
import torch
import torch.nn.functional
from torch import linalg

_WATCHED = {
    "builtins": builtins,
    "math": math,
    "numpy": numpy,
    "torch": torch,
    "torch.Tensor": torch.Tensor,
    "torch.linalg": linalg,
    "torch.nn.functional": torch.nn.functional,
}


def _names(library: Any) -> dict[str, Any]:
    """What a library holds; of a class also what it has inherited, where operators are."""
    if not isinstance(library, type):
        return dict(vars(library))
    return {key: value for kind in reversed(library.__mro__) for key, value in vars(kind).items()}


def fingerprint() -> dict[str, Any]:
    """The functions of the libraries that answers use, by name."""
    return {
        f"{name}.{key}": value
        for name, library in _WATCHED.items()
        for key, value in _names(library).items()
        if callable(value) and (not key.startswith("__") or library is torch.Tensor)
    }


def changed(before: dict[str, Any]) -> dict[str, Any]:
    """Functions that are no longer what they were, with what stands in their place."""
    now = fingerprint()
    return {key: now.get(key) for key, value in before.items() if now.get(key) is not value}


def replaced(before: dict[str, Any]) -> list[str]:
    """Names of functions that an answer has replaced. Torch, loading itself, wraps some too."""
    own = {name.partition(".")[0] for name in _WATCHED}
    return sorted(
        key
        for key, value in changed(before).items()
        if (getattr(value, "__module__", None) or "").partition(".")[0] not in own
    )


def settings() -> tuple[Any, ...]:
    """Process-wide settings that one answer could leave behind for the next."""
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.is_anomaly_enabled(),
        torch.is_autocast_enabled("cpu"),
        tuple(sorted(numpy.geterr().items())),
        sys.getrecursionlimit(),
        sys.gettrace(),
        os.getcwd(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_inference_mode_enabled(),
        threading.active_count(),
    )
