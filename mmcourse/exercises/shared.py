"""What all tasks with a formula ask for alike: made of the formula and a few inputs.

values at every size, down to the smallest; float32 in, float32 out, with the values of float64;
the ends of float32; gradients; the device of the inputs; and inputs that keep their values and
their graph.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.answer import Answer, Raised
from mmcourse.exercises.definition import Property, Task, holds
from mmcourse.exercises.devices import follows_device
from mmcourse.exercises.expect import close, near, same_gradients, tensor, whole
from mmcourse.exercises.probe import Calls, as_given
from mmcourse.exercises.values import Broken, Unseen


def probe_of(task: Task) -> Any:
    """The task's own probe, or its cases."""
    if task.probe is not None:
        return task.probe
    assert task.cases is not None
    learns = task.learns and task.result == "tensor" and not task.names
    return Calls(task.cases, learns, task.through or as_given)


def _floats(inputs: tuple[Any, ...], dtype: torch.dtype) -> tuple[Any, ...]:
    return tuple(
        _floats(x, dtype) if isinstance(x, tuple) and not hasattr(x, "_fields")
        else x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x
        for x in inputs
    )  # fmt: skip


def _agree(task: Task, answer: Any, inputs: tuple[Any, ...], expected: Any, message: str) -> Any:
    """Compare an answer with the formula's result. Returns what the answer gave."""
    got = answer(*inputs)
    if task.result == "number":
        near(got, float(expected), message)
    elif task.result == "indices":
        whole(got, expected, message)
    else:
        each(got, expected, task.names, message)
    return got


def each(got: Any, expected: Any, names: tuple[str, ...], message: str) -> None:
    """Compare a tensor, or a tuple of named ones."""
    if not names:
        close(got, expected, message)
        return
    if isinstance(got, Tensor) and got.shape == (len(names), *expected[0].shape):
        got = tuple(got)  # stacked
    if not isinstance(got, tuple | list) or len(got) != len(names):
        told = got if isinstance(got, Tensor) else type(got).__name__
        count = {2: "two", 3: "three"}.get(len(names), len(names))
        raise Broken(f"Return {count} things.", told, f"({', '.join(names)})")
    for name, one, right in zip(names, got, expected):
        if tuple(tensor(one).shape) != tuple(right.shape):
            raise Broken(f"The shape of `{name}` is wrong.", one, f"shape {tuple(right.shape)}")
    for name, one, right in zip(names, got, expected):
        close(one, right, f"`{name}` is wrong.")


def _values(task: Task) -> Property:
    @holds("the value is that of the definition, at every size down to the smallest")
    def check(answer: Any) -> None:
        assert task.formula
        assert task.cases
        through = task.through or as_given
        answer.values_are_right = False
        for inputs in task.cases():
            given = through(*inputs)
            _agree(task, answer, given, task.formula(*given), "The value is wrong.")
        answer.values_are_right = True

    return check


def one_of_each_form(cases: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Of each form of input the last one: a number here may be None or a tensor there."""
    return list({tuple(isinstance(x, Tensor) for x in case): case for case in cases}.values())


def _types(task: Task) -> Property:
    @holds("from float32 and from float64 comes the dtype that the text asks for")
    def check(answer: Any) -> None:
        assert task.formula
        assert task.cases
        through = task.through or as_given
        forms = one_of_each_form(task.cases())
        for dtype, case in ((d, x) for d in (torch.float32, torch.float64) for x in forms):
            inputs = through(*_floats(case, dtype))
            got, right = answer(*inputs), task.formula(*inputs)
            if dtype is torch.float32 and answer.values_are_right:
                exact = task.formula(*_floats(inputs, torch.float64))
                each(got, exact, task.names, "In float32 the value is wrong.")
            pairs = zip(got, right) if task.names else [(got, right)]
            for place, (one, like) in enumerate(pairs):
                if tensor(one).dtype != like.dtype:
                    as_what = f" as `{task.names[place]}`" if task.names else ""
                    message = f"{dtype} went in, {one.dtype} came out{as_what}."
                    raise Broken(message, one, str(like.dtype))

    return check


def _gradients(task: Task) -> Property:
    """Gradients of each case; of several results those of each of them."""
    assert task.cases
    through, says = task.through or as_given, "the gradients are those of the definition"

    def of_part(inputs: tuple[Any, ...], place: int) -> Property:
        def part(function: Any) -> Any:
            def one(*given: Any) -> Any:
                found = function(*given)
                if not isinstance(found, tuple | list | Tensor) or len(found) != len(task.names):
                    each(found, (), task.names, "")
                return found[place]

            one.names = getattr(function, "names", None)  # type: ignore[attr-defined]
            return one

        @holds(says)
        def check(answer: Any) -> None:
            rule = same_gradients(says, lambda: inputs, part(task.formula), through)
            rule.check(part(answer))

        return check

    if task.names:
        parts = range(len(task.names))
        return all_of([of_part(x, n) for x in task.cases() for n in parts])
    formula: Any = task.formula
    return all_of([same_gradients(says, lambda x=x: x, formula, through) for x in task.cases()])  # type: ignore[misc]


def all_of(rules: list[Property]) -> Property:
    """One property of several; what can be seen of none but some is a matter of the others."""

    @holds(rules[0].says)
    def check(answer: Any) -> None:
        unseen = None
        for rule in rules:
            try:
                rule.check(answer)
            except Unseen as why:
                unseen = why
        if unseen is not None:
            raise unseen

    return check


def _ends(task: Task) -> Property:
    @holds("it is finite and right at the ends of float32 too, on every side")
    def check(answer: Any) -> None:
        assert task.formula
        assert task.ends
        for inputs in task.ends():
            expected = task.formula(*_floats(inputs, torch.float64))
            got = answer(*inputs)
            if isinstance(got, Tensor) and got.is_floating_point():
                lost = ~got.isfinite()
                if bool(lost.any()) and bool(torch.as_tensor(expected).isfinite().all()):
                    raise Broken(
                        "It is not finite: exp() or log() has left the range of float32, or 0 was "
                        "divided by 0.",
                        got,
                        expected,
                    )
            if not answer.values_are_right:
                continue  # nor can they be here: that has been said
            message = "Here rounding, or what float32 can't hold, has changed the value."
            _agree(task, lambda *x, y=got: y, inputs, expected, message)

    return check


def shared_properties(task: Task) -> tuple[Property, ...]:
    """What is asked of an answer beyond the task's own properties."""
    if task.formula is None or task.cases is None:
        return ()
    found = [_values(task)]
    through = task.through or as_given
    if task.ends is not None:
        found.append(_ends(task))
    if task.learns and task.result == "tensor":
        found.append(_gradients(task))
    if task.result == "tensor":
        found.append(_types(task))
    forms = one_of_each_form(task.cases())
    if any(isinstance(x, Tensor) for case in forms for x in case):
        rules = [follows_device(lambda x=x: through(*x)) for x in forms]  # type: ignore[misc]
        found.append(all_of(rules))
    return tuple(found)


def _leaf(x: Any) -> Any:
    """An input that a graph begins with; of a tuple each part."""
    if type(x) is tuple:
        return tuple(map(_leaf, x))
    learns = isinstance(x, Tensor) and x.is_floating_point()
    return x.detach().clone().requires_grad_() if learns else x


def spoils_graphs(task: Task, answer: Answer) -> None:
    """Call the answer with inputs that have a graph; what it does to them, `answer` notes."""
    probe = probe_of(task)
    if not isinstance(probe, Calls):
        return
    for inputs in list(probe.inputs())[:1]:
        try:
            answer(*map(_leaf, inputs))  # constants, too: they may be part of a graph elsewhere
        except Raised:  # such as .numpy() of what has a graph: nothing is asked of that
            return
