"""The learner's function, watched: what it is given, what it changes, where it raises."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

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
        self.changed: Finding | None = None

    def __call__(self, *inputs: Any) -> Any:
        self.inputs = inputs
        handed = tuple(x.clone() if isinstance(x, torch.Tensor) else x for x in inputs)
        try:
            result = self.function(*handed)
        except BaseException as error:  # SystemExit too: nothing that an answer raises gets away
            raise Raised(error) from None
        self._look_for_changes(inputs, handed)
        return result

    def _look_for_changes(self, inputs: tuple[Any, ...], handed: tuple[Any, ...]) -> None:
        for name, before, after in zip(self.names(), inputs, handed):
            if not isinstance(before, torch.Tensor) or before.device.type != "cpu":
                continue
            if self.changed is None and not _same(before.detach(), after.detach()):
                self.changed = Finding(
                    "",
                    "broke",
                    f"`{name}` was changed in place; whoever calls the function still needs it. "
                    "Compute a new tensor (x = x / n), don't write into the one you were given "
                    "(x /= n).",
                    given=[(name, show(before))],
                    got=f"afterwards {show(after)}",
                    expected="unchanged",
                )

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
    return f"It {_raised(error)}"


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
