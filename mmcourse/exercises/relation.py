"""What a wrong answer computes, when that is the right thing up to one step that can be named.

A relation is told only if it holds on every input that was tried, so it is a fact about the
answer, whatever led to it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcourse.exercises.answer import Answer, Raised
from mmcourse.exercises.narrowed import narrowed
from mmcourse.exercises.probe import Calls, alike, plain

Values = list[np.ndarray]

ELSE = "what comes out, everything else being right, with"

_FACTORS = {
    -1.0: "minus", 2.0: "twice", 0.5: "half", 4.0: "four times", 0.25: "a quarter of",
    3.0: "three times", 1 / 3: "a third of", 100.0: "100 times", 0.01: "a hundredth of",
    8.0: "eight times", 0.125: "an eighth of", math.log(2): "ln 2 times",
    1 / math.log(2): "1 / ln 2 times",
    math.log(10): "ln 10 times", 1 / math.log(10): "1 / ln 10 times", math.pi: "pi times",
}  # fmt: skip

_OF_VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "minus": lambda x: -x,
    "the exponential of": np.exp,
    "the logarithm of": np.log,
    "the logarithm to base 2 of": np.log2,
    "the logarithm to base 10 of": np.log10,
    "the square root of": np.sqrt,
    "the square of": np.square,
    "1 divided by": lambda x: 1 / x,
    "1 minus": lambda x: 1 - x,
    "the absolute value of": np.abs,
    "the sum over everything of": np.sum,
    "the mean over everything of": np.mean,
    "the largest of": np.max,
    "the transpose of": lambda x: x.swapaxes(-1, -2),
    "along the last dimension the sum of": lambda x: x.sum(-1),
    "along the last dimension the mean of": lambda x: x.mean(-1),
    "along the last dimension the place of the largest of": lambda x: x.argmax(-1),
    "the reverse, along the first dimension, of": lambda x: x[::-1],
    "the reverse, along the last dimension, of": lambda x: x[..., ::-1],
    "the softmax of": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "the rounded value of": np.round,
}

_OF_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "1 / {}": lambda x: 1 / x,
    "-{}": lambda x: -x,
    "exp({})": math.exp,
    "log({})": math.log,
    "{} squared": lambda x: x * x,
    "the square root of {}": math.sqrt,
    "0 for {}": lambda x: 0 * x,
    "1 for {}": lambda x: 0 * x + 1,
    "{} + 1": lambda x: x + 1,
    "{} - 1": lambda x: x - 1,
    "2 {}": lambda x: 2 * x,
    "{} / 2": lambda x: x / 2,
    "1 - {}": lambda x: 1 - x,
}

_OF_TENSORS: dict[str, Callable[[Tensor], Tensor | None]] = {
    "-{}": lambda x: -x,
    "the absolute value of {}": torch.abs,
    "the square of {}": torch.square,
    "zeros for {}": torch.zeros_like,
    "{} with its rows reversed": lambda x: x.flip(0),
    "{} with its last dimension reversed": lambda x: x.flip(-1),
    "{} with its rows moved on by one": lambda x: x.roll(1, 0),
    "{} transposed": lambda x: x.transpose(-1, -2),
    "{} with each row brought to length 1": lambda x: torch.nn.functional.normalize(x, dim=-1),
    "{} with each column brought to length 1": lambda x: torch.nn.functional.normalize(x, dim=0),
    "{} without its mean": lambda x: x - x.mean(),
    "the softmax of {}": lambda x: x.softmax(-1),
    "not {} (True and False swapped)": lambda x: ~x if x.dtype == torch.bool else None,
    "{} with True everywhere": torch.ones_like,
    "{} as the first row has it": lambda x: x[:1].expand_as(x),
}


def _same(a: Values, b: Values) -> bool:
    return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b))


def _run(function: Callable[..., Any], inputs: list[tuple[Any, ...]]) -> Values | None:
    """Values for each input; None where it raises or returns anything but numbers."""
    found = []
    for arguments in inputs:
        torch.manual_seed(0)
        try:
            found.append(plain(Answer(function, ())(*arguments)))
        except (Raised, TypeError, ValueError):
            return None
    return found


def _applied(step: Callable[..., Any], values: Values) -> Values | None:
    with np.errstate(all="ignore"):
        try:
            return [np.asarray(step(x), dtype=np.float64) for x in values]
        except (ValueError, IndexError, TypeError):
            return None


def _sizes(arguments: tuple[Any, ...], names: tuple[str, ...], value: np.ndarray) -> dict[str, Any]:
    """Numbers by which a result may be off: sizes of inputs, and numbers among them."""
    found: dict[str, Any] = {}
    for name, x in zip(names, arguments):
        if isinstance(x, Tensor) and x.ndim:
            for dim, size in enumerate(x.shape):
                found[f"the size of dimension {dim} of `{name}`"] = size
            found[f"the number of all numbers in `{name}`"] = x.numel()
        elif isinstance(x, int | float) or (isinstance(x, Tensor) and x.numel() == 1):
            found[f"`{name}`"] = float(x)
    if value.ndim:
        found["the number of rows"] = value.shape[0]
    return found


def _factor(got: Values, right: Values, inputs: Any, names: tuple[str, ...]) -> str:
    """By what number a result is off, if it is always by one of these."""
    with np.errstate(all="ignore"):
        ratios, telling = [], []
        for a, b, given in zip(got, right, inputs):
            if a.shape != b.shape:
                return ""
            some = np.abs(b) > 1e-9
            r = a[some] / b[some]
            if not np.allclose(a[~some], 0, atol=1e-6) or not np.allclose(r, r[:1], rtol=1e-4):
                return ""
            if r.size:
                ratios.append(float(r[0]))
                telling.append((given, b))
        if len(ratios) < 2:
            return ""
        if np.allclose(ratios, ratios[0], rtol=1e-4):
            known = [told for f, told in _FACTORS.items() if abs(ratios[0] / f - 1) < 1e-4]
            return f"{known[0] if known else f'{ratios[0]:.4g} times'} what it should be"
        options = [_sizes(x, names, v) for x, v in telling]
        for key in options[0]:
            if any(key not in o for o in options):
                continue
            of = np.array([o[key] for o in options], dtype=np.float64)
            for told, power in (("times", 1), ("divided by", -1), ("divided by the root of", -0.5)):
                if np.allclose(ratios, of**power, rtol=1e-4):
                    return f"the right value {told} {key}"
    return ""


def _of_values(got: Values, right: Values) -> Iterator[str]:
    for told, step in _OF_VALUES.items():
        changed = _applied(step, right)
        if changed is not None and _same(got, changed) and not _same(changed, right):
            yield f"{told} what it should be"
    apart = [a - b for a, b in zip(got, right) if a.shape == b.shape]
    if len(apart) == len(got) and all(x.size for x in apart):
        first = float(apart[0].flat[0])
        if abs(first) > 1e-4 and all(np.allclose(x, first, rtol=1e-4, atol=1e-6) for x in apart):
            yield f"{abs(first):.4g} {'more' if first > 0 else 'less'} than it should be"


def _changed(x: Any, step: Callable[[Any], Any]) -> Any:
    """An input after a step; None where the step does not fit (a number where a tensor was)."""
    try:
        if isinstance(x, Tensor) and x.ndim == 0:
            return torch.tensor(step(float(x)), dtype=x.dtype)
        return step(x)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None


def _of_inputs(names: tuple[str, ...], inputs: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Inputs with one of them changed, and how."""
    count = min(len(x) for x in inputs)
    for place in range(count):
        x = inputs[0][place]
        number = isinstance(x, int | float) or (isinstance(x, Tensor) and x.ndim == 0)
        steps = _OF_NUMBERS if number else _OF_TENSORS if isinstance(x, Tensor) else {}
        for told, step in steps.items():
            changed = [_changed(one[place], step) for one in inputs]
            if all(c is not None for c in changed):
                moved = [(*o[:place], c, *o[place + 1 :]) for o, c in zip(inputs, changed)]
                yield f"{ELSE} {told.format(f'`{names[place]}`')} in its place", moved
    for a, b in itertools.combinations(range(count), 2):
        swapped = [(*o[:a], o[b], *o[a + 1 : b], o[a], *o[b + 1 :]) for o in inputs]
        yield f"{ELSE} `{names[a]}` and `{names[b]}` in each other's place", swapped


def _idle(function: Any, formula: Any, names: tuple[str, ...], inputs: list[Any]) -> Iterator[str]:
    """Inputs that make no difference, though they should."""
    for place in range(min(len(x) for x in inputs)):
        moved = []
        for one in inputs:
            x = one[place]
            if isinstance(x, bool) or x is None:
                break
            if isinstance(x, int | float):
                other: Any = x + 1
            elif isinstance(x, Tensor) and x.is_floating_point():
                other = x * 1.5 + 0.25 * torch.linspace(0, 1, x.numel()).reshape(x.shape).to(x)
            elif isinstance(x, Tensor) and x.dtype == torch.bool and x.ndim:
                other = torch.ones_like(x)
            else:
                break
            moved.append((*one[:place], other, *one[place + 1 :]))
        if len(moved) < len(inputs):
            continue
        mine = _run(function, inputs), _run(function, moved)
        right = _run(formula, inputs), _run(formula, moved)
        if mine[0] is None or mine[1] is None or right[0] is None or right[1] is None:
            continue
        matters = sum(not alike(a, b) for a, b in zip(right[0], right[1]))
        if matters > 1 and _same(mine[0], mine[1]):
            yield f"something to which `{names[place]}` makes no difference"


def _of_gradients(function: Any, formula: Any, probe: Calls, names: tuple[str, ...]) -> str:
    """The values are right: what of the gradients?"""
    told = []
    seen, right = probe(function), probe(formula)
    if any(not isinstance(x, list) or not isinstance(x[2], list) for x in [*seen, *right]):
        return ""
    learners = [
        [n for n, x in zip(names, a) if isinstance(x, Tensor) and x.is_floating_point()]
        for a in probe.inputs()
    ]
    for place, name in enumerate(learners[0]):
        if any(len(x) <= place or x[place] != name for x in learners):
            continue
        mine, theirs = ([plain(x[2][place]) for x in many] for many in (seen, right))
        if _same(mine, theirs):
            continue
        if all(not x.any() for x in mine):
            told.append(f"no gradient reaches `{name}`")
        elif all(not x.any() for x in theirs):
            told.append(f"a gradient reaches `{name}`, which should get none")
        else:
            factor = _factor(mine, theirs, [()] * len(mine), names)
            if factor:
                told.append(f"the gradient to `{name}` is {factor}")
    return f"The values are right, but {', and '.join(told)}." if told else ""


def noticed(
    function: Callable[..., Any],
    formula: Callable[..., Any],
    probe: Calls,
    names: tuple[str, ...],
) -> str:
    """One sentence about what a wrong answer does, or nothing.

    Args:
        function: the answer.
        formula: the right thing, written another way.
        probe: its inputs are tried; they should differ in their sizes.
        names: of the arguments.
    """
    inputs = [probe.through(*x) for x in probe.inputs()]
    with torch.random.fork_rng(devices=[]):
        got, right = _run(function, inputs), _run(formula, inputs)
        if got is None or right is None or any(not x.size for x in right):
            return ""
        kept = [n for n, x in enumerate(got) if np.isfinite(x).all()]
        if len(kept) < 2:
            return ""
        inputs, got = [inputs[n] for n in kept], [got[n] for n in kept]
        right = [right[n] for n in kept]
        if _same(got, right):
            return _of_gradients(function, formula, probe, names) if probe.gradients else ""
        numbers = np.concatenate([x.ravel() for x in got])
        if np.all(numbers == numbers[0]) and not _same(right[1:], right[:-1]):
            return f"What it returns is {numbers[0]:.4g}, whatever it is given."
        if numbers.size < 12 and np.all(numbers == np.round(numbers)):
            return ""  # so few whole numbers may agree by chance
        factor = _factor(got, right, inputs, names)
        for told in (factor, *_of_values(got, right), *narrowed(got, right)):
            if told:
                return f"What it returns is {told}, on every input that was tried."
        for told, changed in _of_inputs(names, inputs):
            other = _run(formula, changed)
            if other is not None and _same(got, other):
                return f"What it returns is {told}, on every input that was tried."
        for told in _idle(function, formula, names, inputs):
            return f"It returns {told}."
    return ""
