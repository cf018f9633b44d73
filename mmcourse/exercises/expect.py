"""What properties are written with: expectations that explain themselves when they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from mmcourse.exercises.answer import Answer, Raised
from mmcourse.exercises.definition import Property, holds
from mmcourse.exercises.values import SHOWN_WHOLE, Broken, Unseen, show

# Loose enough for any order of summation and an epsilon of 1e-6, tight enough for a wrong formula.
RTOL, ATOL = 1e-4, 1e-5

Inputs = Callable[[], tuple[Any, ...]]


def tensor(got: Any, shape: tuple[int, ...] | None = None) -> Tensor:
    """`got`, if it is a tensor (of this shape); else an explanation."""
    if got is None:
        raise Broken("It returned None. Is there a `return`?", "None", "a tensor")
    if isinstance(got, np.ndarray | np.generic):
        raise Broken(
            "It returned a numpy value. Stay in torch: a tensor is asked for.", got, "a tensor"
        )
    if isinstance(got, bool | int | float):
        raise Broken(
            "It returned a Python number (from .item()?). A tensor is asked for.",
            f"{type(got).__name__} {show(got)}",
            "a tensor",
        )
    if isinstance(got, tuple):
        raise Broken(
            f"It returned {len(got)} things (as `x.min(1)` does: values and indices). "
            "One tensor is asked for.",
            type(got).__name__,
            "a tensor",
        )
    if not isinstance(got, Tensor):
        raise Broken(f"It returned a {type(got).__name__}.", got, "a tensor")
    if shape is not None and tuple(got.shape) != shape:
        raise Broken("The shape is wrong.", got, f"a tensor of shape {shape}")
    return got


def number(got: Any) -> float:
    """`got` as a float, if it is a number or holds one; else an explanation."""
    if got is None:
        raise Broken("It returned None. Is there a `return`?", "None", "a number")
    if isinstance(got, bool):
        raise Broken("It returned True or False.", got, "a number")
    if isinstance(got, int | float | np.number):
        return float(got)
    if isinstance(got, Tensor | np.ndarray) and got.ndim == 0:
        return float(got.detach() if isinstance(got, Tensor) else got)
    raise Broken("It did not return one number.", got, "a number")


def close(got: Any, expected: Tensor | float, message: str = "The value is wrong.") -> None:
    """`got` is a tensor of the same shape and nearly the same values as `expected`."""
    if not isinstance(expected, Tensor):
        expected = torch.tensor(expected)
    got = tensor(got, tuple(expected.shape))
    if got.is_complex():
        raise Broken("It returned complex numbers.", got, expected)
    a = np.asarray(got.detach().cpu().tolist(), dtype=np.float64)
    b = np.asarray(expected.detach().cpu().tolist(), dtype=np.float64)
    if np.isnan(a).any() and not np.isnan(b).any():
        raise Broken("There is a NaN in it.", got, expected)
    # By hand: an answer may have replaced allclose.
    alike = (a == b) | (abs(a - b) <= ATOL + RTOL * abs(b))
    if not alike.all():
        if got.is_floating_point() and expected.is_floating_point():
            expected = expected.to(got.dtype)  # what differs is the value
        raise Broken(message + _first(a, b, alike), got, expected)


def _first(a: np.ndarray, b: np.ndarray, alike: np.ndarray) -> str:
    """Where two large arrays differ first; of small ones all numbers are shown."""
    if a.size <= SHOWN_WHOLE:
        return ""
    at = tuple(np.argwhere(~alike)[0].tolist())
    return f" They first differ at {list(at)}: got {a[at]:.6g}, expected {b[at]:.6g}."


def whole(got: Any, expected: Tensor, message: str = "The indices are wrong.") -> None:
    """`got` is a tensor of whole numbers, equal to `expected`."""
    got = tensor(got, tuple(expected.shape))
    if got.is_floating_point() or got.is_complex() or got.dtype == torch.bool:
        raise Broken("These are no indices.", got, expected)
    if got.tolist() != expected.tolist():
        a, b = (np.asarray(x.tolist()) for x in (got, expected))
        raise Broken(message + _first(a, b, a == b), got, expected)


def near(got: Any, expected: float, message: str = "The value is wrong.") -> None:
    """`got` is nearly this number."""
    value = number(got)
    if not abs(value - expected) <= ATOL + RTOL * abs(expected):
        raise Broken(message, value, expected)


def gradients(
    answer: Callable[..., Any],
    inputs: tuple[Any, ...],
    through: Callable[..., tuple[Any, ...]] = lambda *x: x,
) -> list[Tensor | None]:
    """Gradient of the sum of what `answer` returns, for each float tensor among the inputs.

    Args:
        answer: called with `through(*inputs)`.
        inputs: tensors and other values.
        through: what comes before the answer, such as normalisation.
    """
    leaves = [x.detach().clone().requires_grad_() if _learns(x) else x for x in inputs]
    result = tensor(answer(*through(*leaves)))
    if not result.requires_grad:
        raise Broken(
            "No gradient flows back from it: something cut the graph (detach, item, numpy, "
            "no_grad, argmax).",
            "requires_grad is False",
            "requires_grad is True",
        )
    wanted = [leaf for leaf in leaves if _learns(leaf)]
    try:
        return list(torch.autograd.grad(result.sum(), wanted, allow_unused=True))
    except RuntimeError as error:
        raise Broken(
            "The gradient can't be computed. Was something written in place (`/=`, `x[i] = ...`) "
            "that the backward pass still needs?",
            str(error).partition(":")[0],
            "a gradient",
        ) from None


def _learns(x: Any) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point()


def same_gradients(
    says: str,
    inputs: Inputs,
    formula: Callable[..., Tensor],
    through: Callable[..., tuple[Any, ...]] = lambda *x: x,
) -> Property:
    """Property: the gradient of each input is that of an independent formula."""

    @holds(says)
    def check(answer: Answer) -> None:
        arguments = inputs()
        got = gradients(answer, arguments, through)
        names = [name for name, x in zip(answer.names(), arguments) if _learns(x)]
        for name, mine, right in zip(names, got, gradients(formula, arguments, through)):
            if mine is None:
                raise Broken(f"No gradient reaches `{name}`.", "none", right)
            assert right is not None
            close(mine, right, f"The gradient to `{name}` is wrong.")

    return check


def keeps_dtype(inputs: Inputs) -> Property:
    """Property: float32 in gives float32 out, and float64 gives float64."""

    @holds("float32 in gives float32 out, float64 in gives float64 out")
    def check(answer: Answer) -> None:
        for dtype in (torch.float32, torch.float64):
            result = tensor(answer(*(x.to(dtype) if _learns(x) else x for x in inputs())))
            if result.dtype != dtype:
                raise Broken(f"{dtype} went in, {result.dtype} came out.", result, str(dtype))

    return check


def follows_device(inputs: Inputs) -> Property:
    """Property: inputs on a GPU give a result there. Checked without one, on torch's fakes."""

    @holds("inputs on a GPU give a result on that GPU")
    def check(answer: Answer) -> None:
        with FakeTensorMode(allow_non_fake_inputs=True):
            moved = tuple(
                torch.empty(x.shape, dtype=x.dtype, device="cuda") if isinstance(x, Tensor) else x
                for x in inputs()
            )
            try:
                result = answer(*moved)
            except Raised as raised:
                if _mixes_devices(raised.error):
                    raise Broken(
                        "It mixes devices. A tensor made inside (arange, eye, zeros) starts on the "
                        "CPU: give it device=x.device.",
                        str(raised.error).splitlines()[0],
                        "everything on the device of the inputs",
                    ) from None
                if _needs_values(raised.error):
                    raise Unseen(  # a fake has no values
                        "the answer does what needs the numbers themselves, as int(), .tolist(), "
                        "loops over rows, bincount and masks like p[p > 0] do, and that takes a "
                        "real GPU. It need not be wrong"
                    ) from None
                raise
            if isinstance(result, Tensor) and result.device.type != "cuda":
                raise Broken("The result is on another device.", str(result.device), "cuda:0")

    return check


def _mixes_devices(error: BaseException) -> bool:
    told = str(error)  # the second are the words of torch 2.11
    return "same device" in told or "two different devices" in told


def _needs_values(error: BaseException) -> bool:
    told = str(error)
    return isinstance(error, DataDependentOutputException | DynamicOutputShapeException) or any(
        word in told for word in ("data-dependent", "FakeTensor", "fake tensor", "numpy()", "meta")
    )
