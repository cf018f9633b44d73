"""Send an answer to another process by value, with all of the learner's own that it uses."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import cloudpickle

MAX_BYTES = 200_000_000


class Unsendable(ValueError):
    """An answer that can't be copied into another process."""


def pack(function: Callable[..., Any]) -> bytes:
    """Pickle a function by value.

    Raises:
        Unsendable: it uses something that can't be copied, or that is too large to copy.
    """
    own = sys.modules.get(getattr(function, "__module__", None) or "")
    learners = _learners_modules()
    attempts = [learners, [own] if own in learners else []]
    failure: Exception | None = None
    for modules in attempts:
        with _by_value([module for module in modules if module is not None]):
            try:
                blob = cloudpickle.dumps(function)
            except Exception as error:
                failure = error
                continue
        if len(blob) > MAX_BYTES:
            raise Unsendable(
                f"the answer and what it uses are {len(blob) / 1e6:.0f} MB, at most "
                f"{MAX_BYTES / 1e6:.0f} MB are sent to be checked{_culprits(function, large=True)}"
            )
        return blob
    raise Unsendable(f"{failure}{_culprits(function)}") from failure


def _learners_modules() -> list[ModuleType]:
    """Modules that the learner wrote: neither installed, nor Python's own, nor this package."""
    python = tuple(os.path.normcase(p) + os.sep for p in set(sysconfig.get_paths().values()))
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or name.partition(".")[0] == "mmcourse" or not file:
            continue
        installed = "site-packages" in file or "dist-packages" in file
        if not installed and not os.path.normcase(file).startswith(python):
            found.append(module)
    return found


@contextmanager
def _by_value(modules: list[ModuleType]) -> Iterator[None]:
    already = cloudpickle.list_registry_pickle_by_value()
    mine = [module for module in modules if module.__name__ not in already]
    for module in mine:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in mine:
            cloudpickle.unregister_pickle_by_value(module)


def _culprits(function: Callable[..., Any], large: bool = False) -> str:
    """Which of the names that a function uses are to blame."""
    code = getattr(function, "__code__", None)
    names = getattr(function, "__globals__", {})
    guilty = []
    for name in code.co_names if code else ():
        if name in names:
            try:
                if len(cloudpickle.dumps(names[name])) > MAX_BYTES / 10 and large:
                    guilty.append(name)
            except Exception:
                guilty.append(name)
    if not guilty:
        return ""
    return f"; it uses {', '.join(guilty)}: pass that as an argument or make it inside"
