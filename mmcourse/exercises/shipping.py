"""Send an answer to another process by value, with all of the learner's own that it uses."""

from __future__ import annotations

import functools
import io
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle

MAX_BYTES = 200_000_000


class Unsendable(ValueError):
    """An answer that can't be copied into another process."""


class _Pickler(cloudpickle.Pickler):
    """Also takes what learners decorate their helpers with."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, functools.cached_property):
            return _property, (obj.func, obj.attrname)
        if not _is_learners(obj):
            return super().reducer_override(obj)
        if isinstance(obj, functools._lru_cache_wrapper):
            options = obj.cache_parameters()
            return _cached, (obj.__wrapped__, options["maxsize"], options["typed"])
        if isinstance(obj, FunctionType) and hasattr(obj, "_torchdynamo_orig_callable"):
            return _itself, (obj._torchdynamo_orig_callable,)  # torch.compile
        if isinstance(obj, FunctionType) and hasattr(obj, "_clear_cache"):
            return _dispatching, (dict(vars(obj)["registry"]),)  # functools.singledispatch
        if type(obj).__name__ == "ScriptFunction":  # torch.jit.script
            return _unscripted, (_scripted(obj),)
        return super().reducer_override(obj)


def _is_learners(obj: Any) -> bool:
    """Whether something is of the learner's own code, which the other process has not got."""
    module = getattr(obj, "__module__", None) or "__main__"
    by_value = {"__main__", *cloudpickle.list_registry_pickle_by_value()}
    return module in by_value or module not in sys.modules


def _scripted(function: Any) -> bytes:
    import torch

    into = io.BytesIO()
    torch.jit.save(function, into)
    return into.getvalue()


def _unscripted(blob: bytes) -> Any:
    import torch

    return torch.jit.load(io.BytesIO(blob))


def _property(function: Callable[..., Any], name: str | None) -> Any:
    found = functools.cached_property(function)
    found.attrname = name
    return found


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    return functools.lru_cache(maxsize=maxsize, typed=typed)(function)


def _itself(function: Any) -> Any:
    return function


def _dispatching(registry: dict[type, Callable[..., Any]]) -> Any:
    found = functools.singledispatch(registry[object])
    for kind, function in registry.items():
        if kind is not object:
            found.register(kind)(function)
    return found


def _dumps(thing: Any) -> bytes:
    into = io.BytesIO()
    _Pickler(into).dump(thing)
    return into.getvalue()


def bare(function: Any) -> Any:
    """An answer without what was put around it that no other process can have: torch.compile."""
    return getattr(function, "_torchdynamo_orig_callable", function)


def pack(function: Callable[..., Any]) -> bytes:
    """Pickle a function by value.

    Raises:
        Unsendable: it uses something that can't be copied, or that is too large to copy.
    """
    function = bare(function)
    own = sys.modules.get(getattr(function, "__module__", None) or "")
    learners = _learners_modules()
    attempts = [learners, [own] if own in learners else []]
    failure: Exception | None = None
    for modules in attempts:
        with _by_value([module for module in modules if module is not None]):
            try:
                blob = _dumps(function)
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
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    names = getattr(function, "__globals__", {})
    guilty = []
    for name in code.co_names if code else ():
        if name in names:
            try:
                if len(_dumps(names[name])) > MAX_BYTES / 10 and large:
                    guilty.append(name)
            except Exception:
                guilty.append(name)
    if not guilty:
        return ""
    return f"; it uses {', '.join(guilty)}: pass that as an argument or make it inside"
