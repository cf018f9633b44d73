"""The learner's function, watched: what it is given, what it changes, where it raises."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from mmcourse.exercises.findings import Finding
from mmcourse.exercises.values import Broken, show

_ENGINE = __package__.replace(".", "/")


class Raised(Exception):
    """The answer itself raised. `error` is what it raised."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


def lines_of(error: BaseException) -> list[tuple[str, int, str]]:
    """Where an error came through, the engine's own frames and libraries left out."""
    frames = traceback.extract_tb(error.__traceback__)
    return [
        (frame.filename, frame.lineno or 0, frame.name)
        for frame in frames
        if _ENGINE not in frame.filename.replace("\\", "/")
        and "site-packages" not in frame.filename
        and "/lib/python" not in frame.filename.replace("\\", "/")
    ]


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())  # NaN equals NaN here


def _handed(x: Any) -> Any:
    """What an answer is given in place of an input: the same, and nobody else's."""
    if isinstance(x, torch.Tensor):
        return x.clone()
    if type(x) is tuple:
        return tuple(map(_handed, x))
    return copy.deepcopy(x) if isinstance(x, list | dict | set | np.ndarray) else x


def _graph(x: Any) -> Any:
    """Where an input hangs in its graph; of a tuple each part."""
    if type(x) is tuple:
        return tuple(map(_graph, x))
    return (x.requires_grad, x.grad_fn) if isinstance(x, torch.Tensor) else None


def _spoiled(name: str, before: Any, after: Any, graph: Any) -> Finding | None:
    """What became of an input, if it is not what it was."""
    if type(before) is tuple:
        parts = enumerate(zip(before, after, graph))
        each = (_spoiled(f"{name}[{n}]", *part) for n, part in parts)
        return next((found for found in each if found), None)
    if isinstance(before, torch.Tensor):
        if before.device.type != "cpu":
            return None
        if not _same(before.detach(), after.detach()):
            message = (
                f"`{name}` was changed in place; whoever calls the function still needs it. "
                "Compute a new tensor (x = x / n); don't write into the one given (x /= n)."
            )
            told = show(before), f"afterwards {show(after)}", "unchanged"
        elif (after.requires_grad, after.grad_fn) != graph:
            message = (
                f"`{name}` was cut off from its graph, or given one (`detach_()`, "
                "`requires_grad_()`, `.requires_grad = `): the tensor is the caller's, and for the "
                "caller too it has changed. `x.detach()`, without the underscore, makes a new one."
            )
            told = show(before), f"afterwards requires_grad is {after.requires_grad}", "unchanged"
        else:
            return None
    elif isinstance(before, list | dict | set | np.ndarray):
        try:
            same = type(before) is type(after) and bool(np.all(before == after))
        except (ValueError, RuntimeError):  # lists that hold arrays
            same = True
        if same:
            return None
        message = (
            f"`{name}` was changed; whoever calls the function still needs it. Make a new one "
            "(sorted(x), list(x), dict(x)) and change that."
        )
        told = show(before), f"afterwards {show(after)}", "unchanged"
    else:
        return None
    return Finding("", "broke", message, given=[(name, told[0])], got=told[1], expected=told[2])


class Answer:
    """Call the learner's function; remember the input, and whether the input was changed.

    Tensors go in as clones within the graph: gradients reach the originals, and in-place work is
    seen without spoiling the rest of the check.
    """

    def __init__(self, function: Callable[..., Any], parameters: tuple[str, ...]) -> None:
        if isinstance(function, type):
            function = function()
        self.function = function
        self.parameters = parameters
        self.inputs: tuple[Any, ...] = ()
        self.handed: tuple[Any, ...] = ()  # what stood for them in the last call
        self.changed: Finding | None = None
        self.raised = False
        self.values_are_right = True  # on ordinary inputs, as far as was seen

    def __call__(self, *inputs: Any) -> Any:
        self.inputs = inputs
        handed = tuple(_handed(x) for x in inputs)
        graphs = [_graph(x) for x in handed]
        self.handed = handed
        try:
            result = self.function(*handed)
        except BaseException as error:  # SystemExit too: nothing that an answer raises gets away
            raise Raised(error) from None
        for name, before, after, graph in zip(self.names(), inputs, handed, graphs):
            self.changed = self.changed or _spoiled(name, before, after, graph)
        return result

    def names(self) -> tuple[str, ...]:
        extra = len(self.inputs) - len(self.parameters)
        return self.parameters + tuple(f"argument {i}" for i in range(1, extra + 1))

    def given(self) -> list[tuple[str, str]]:
        """The last input, to be shown."""
        return [(name, show(value)) for name, value in zip(self.names(), self.inputs)]


def describe(error: BaseException) -> str:
    """An exception that an answer raised, in a sentence."""
    if isinstance(error, NotImplementedError) and not str(error):
        return "It still raises NotImplementedError: a part of it isn't written yet."
    if isinstance(error, SystemExit):
        return "It tried to leave Python (SystemExit). An answer returns; it doesn't exit."
    about = f"It {_raised(error)}"
    if any(word in str(error) for word in ("NVIDIA", "CUDA", "cuda", "not compiled with")):
        about += (
            " (Checks run on the CPU, also where there is a GPU. Make new tensors where the inputs "
            "are: device=x.device.)"
        )
    if type(error).__name__ == "BdbQuit":
        about = "It stopped at a breakpoint(), and nobody is there to answer it: take it out."
    return about


def _raised(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    about = f": {text[0][:300]}" if text else ""
    return f"raised {type(error).__name__}{about}"


def finding_of(says: str, error: Exception, answer: Answer) -> Finding:
    """A finding for what went wrong while a property was checked."""
    if isinstance(error, Raised):
        where = lines_of(error.error)
        return Finding(says, "broke", describe(error.error), given=answer.given(), where=where)
    if isinstance(error, Broken):
        return Finding(says, "broke", error.message, answer.given(), error.got, error.expected)
    # What came back was so odd that looking at it raised.
    return Finding(says, "broke", f"Checking it {_raised(error)}", given=answer.given())
