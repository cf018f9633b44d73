"""Whether a result follows its inputs to a GPU, tried where there is none."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from mmcourse.exercises.answer import Answer, Raised
from mmcourse.exercises.definition import Property, holds
from mmcourse.exercises.expect import Inputs, tensors
from mmcourse.exercises.values import Broken, Unseen


def follows_device(inputs: Inputs) -> Property:
    """Property: inputs on a GPU give a result there. Checked without one, on torch's fakes."""

    @holds("inputs on a GPU give a result on that GPU")
    def check(answer: Answer) -> None:
        logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)
        with FakeTensorMode(allow_non_fake_inputs=True):
            moved = tuple(_on_a_gpu(x) for x in inputs())
            try:
                result = answer(*moved)
            except Raised as raised:
                if _mixes_devices(raised.error):
                    given = (name for name, x in zip(answer.names(), moved) if tensors(x))
                    raise Broken(
                        "It mixes devices. A tensor made inside (arange, eye, zeros) starts on the "
                        f"CPU: give it device={next(given, 'x')}.device.",
                        str(raised.error).splitlines()[0],
                        "everything on the device of the inputs",
                    ) from None
                raise Unseen(_why_unseen(raised.error)) from None
            for part in tensors(result):
                if part.device.type != "cuda":
                    message = "A result is on another device than the inputs."
                    raise Broken(message, str(part.device), "cuda:0")

    return check


def _on_a_gpu(x: Any) -> Any:
    """An input as a fake on a GPU, tuples of tensors too."""
    if isinstance(x, tuple) and any(isinstance(part, Tensor) for part in x):
        return tuple(_on_a_gpu(part) for part in x)
    return torch.empty(x.shape, dtype=x.dtype, device="cuda") if isinstance(x, Tensor) else x


def _why_unseen(error: BaseException) -> str:
    """Why what was tried in place of a GPU does not show where a result would be."""
    if _needs_values(error):  # a fake has no values
        return (
            "the answer does what needs the numbers themselves, as int(), .tolist(), "
            "loops over rows, bincount and masks like p[p > 0] do, and that takes a "
            "real GPU. It need not be wrong"
        )
    return (
        "the answer does what only a real GPU can show, such as making modules, generators or "
        "sparse tensors there. It need not be wrong"
    )


def _mixes_devices(error: BaseException) -> bool:
    told = str(error)  # the second are the words of torch 2.11
    return "same device" in told or "two different devices" in told


def _needs_values(error: BaseException) -> bool:
    told = str(error)
    return isinstance(error, DataDependentOutputException | DynamicOutputShapeException) or any(
        word in told for word in ("data-dependent", "FakeTensor", "fake tensor", "numpy()", "meta")
    )
