"""What properties are written with: expectations that explain themselves when they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcourse.exercises.answer import Answer
from mmcourse.exercises.definition import Property, holds
from mmcourse.exercises.values import SHOWN_WHOLE, Broken, show

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
    if isinstance(got, tuple | list):
        # torch's own pairs have names: min, max, topk, sort, median return them
        how = " (as `x.min(1)` does: values and indices)" if hasattr(got, "indices") else ""
        raise Broken(
            f"It returned {len(got)} things{how}. One tensor is asked for.",
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


def typed(got: Any, dtype: torch.dtype) -> None:
    """`got` is a tensor of this type."""
    if tensor(got).dtype != dtype:
        raise Broken(f"The result is {got.dtype}, not {dtype}.", got, str(dtype))


def new(got: Any, answer: Answer) -> None:
    """Nothing of `got` lies in the memory of what the answer was given."""
    handed = ((name, x) for name, x in zip(answer.names(), answer.handed) if isinstance(x, Tensor))
    given = {x.untyped_storage().data_ptr(): name for name, x in handed}
    for part in tensors(got):
        name = given.get(part.untyped_storage().data_ptr())
        if name is not None:
            told = f"`{name}` itself came back: who changes the result would change it too."
            raise Broken(f"{told} `.clone()` makes a new one.", part, "a new tensor")


def zero(got: Any, message: str) -> None:
    """All of `got` is exactly 0, not merely nearly."""
    got = tensor(got)
    if bool(got.isnan().any()):
        told = "There is a NaN in it: exp() has left the range, or 0 was divided by 0."
        raise Broken(told, got, torch.zeros_like(got))
    if bool((got != 0).any()):
        tiny = float(got.detach().abs().max()) < 1e-3
        also = " Exactly 0 is asked for, not nearly." if tiny else ""
        raise Broken(message + also, got, torch.zeros_like(got))


def whole(got: Any, expected: Tensor, message: str = "The indices are wrong.") -> None:
    """`got` is a tensor of whole numbers of the same type, equal to `expected`."""
    got = tensor(got, tuple(expected.shape))
    if got.is_floating_point() or got.is_complex() or got.dtype == torch.bool:
        raise Broken("These are no indices.", got, expected)
    if got.tolist() != expected.tolist():
        a, b = (np.asarray(x.tolist()) for x in (got, expected))
        raise Broken(message + _first(a, b, a == b), got, expected)
    if got.dtype != expected.dtype:
        message = f"The numbers are right, but their type is {got.dtype}."
        raise Broken(message, got, str(expected.dtype))


def near(got: Any, expected: float, message: str = "The value is wrong.") -> None:
    """`got` is nearly this number."""
    value = number(got)
    if not abs(value - expected) <= ATOL + RTOL * abs(expected):
        raise Broken(message, value, expected)


def gives(says: str, *examples: tuple[tuple[Any, ...], Any], compare: Any = close) -> Property:
    """Property: worked out by hand, these inputs give these results."""

    @holds(says)
    def check(answer: Answer) -> None:
        for inputs, expected in examples:
            compare(answer(*inputs), expected)

    return check


def unchanged(says: str, inputs: Inputs, moved: Callable[..., Any], message: str) -> Property:
    """Property: the answer gives for moved inputs what it gives for these, right or wrong."""

    @holds(says)
    def check(answer: Answer) -> None:
        first, again = answer(*inputs()), answer(*moved(*inputs()))
        if not isinstance(first, Tensor):
            near(again, number(first), message)
        elif first.is_floating_point():
            close(again, first.detach(), message)
        else:
            whole(again, first, message)

    return check


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
        named = [(name, x) for name, x in zip(answer.names(), arguments) if _learns(x)]
        for (name, x), mine, right in zip(named, got, gradients(formula, arguments, through)):
            nothing = torch.zeros_like(x)
            right = nothing if right is None else right
            if mine is None and bool(right.any()):
                raise Broken(f"No gradient reaches `{name}`.", "none", right)
            message = f"The gradient to `{name}` is wrong."
            if not bool(right.any()):
                message = f"A gradient reaches `{name}`, which should get none."
            close(nothing if mine is None else mine, right, message)

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


def tensors(result: Any) -> list[Tensor]:
    """The tensors of a result, in whatever it wraps them."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [part for one in result for part in tensors(one)]
    return [result] if isinstance(result, Tensor) else []
