"""Has this been attempted? Read from the bytecode, so that no source is needed."""

from __future__ import annotations

import dis
import inspect
from types import FunctionType
from typing import Any

# What `raise NotImplementedError("a message")` compiles to, from Python 3.11 on.
_RAISING = {
    "CACHE", "CALL", "COPY_FREE_VARS", "EXTENDED_ARG", "LOAD_CONST", "LOAD_GLOBAL", "LOAD_NAME",
    "LOAD_SMALL_INT", "MAKE_CELL", "NOP", "NOT_TAKEN", "PRECALL", "PUSH_NULL", "RAISE_VARARGS",
    "RESUME",
}  # fmt: skip


def is_stub(answer: Any) -> bool:
    """Whether a function raises NotImplementedError and does nothing else.

    A class counts as a stub while one of its own methods is one.
    """
    if isinstance(answer, type):
        return any(is_stub(member) for member in vars(answer).values())
    answer = inspect.unwrap(answer) if callable(answer) else answer  # @torch.no_grad() and such
    answer = getattr(answer, "_torchdynamo_orig_callable", answer)
    if not isinstance(answer, FunctionType):
        return False
    code = answer.__code__
    steps = [step.opname for step in dis.get_instructions(code)]
    return (
        code.co_names == ("NotImplementedError",)
        and set(steps) <= _RAISING
        and "RAISE_VARARGS" in steps
    )
