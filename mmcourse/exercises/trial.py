"""Run a learner's test on one implementation, which stands in for the package's own."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from mmcourse.exercises.definition import Hunt


def on_trial(implementation: Callable[..., Any]) -> Any:
    """An implementation without a name or a face, counting in `calls()` how it is reached."""
    counted = [0]

    class OnTrial:
        __slots__ = ()

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            counted[0] += 1
            return implementation(*args, **kwargs)

        def __repr__(self) -> str:
            return "<the implementation on trial>"

    return OnTrial(), lambda: counted[0]


Places = list[tuple[dict[str, Any], str]]


def _named(function: Callable[..., Any], *places: dict[str, Any]) -> Places:
    """Where a function, or the learner's own of it, goes by a name."""
    return [
        (place, key)
        for place in places
        for key, value in list(place.items())
        if _is(value, function)
    ]


@lru_cache(maxsize=4)
def _in_the_package(function: Callable[..., Any], loaded: int) -> Places:
    """Where the package names a function: looked for again only when more modules are `loaded`."""
    modules = [
        vars(module)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == "mmcourse" and ".exercises" not in name
    ]
    return _named(function, *modules)


def _in_defaults(function: Callable[..., Any], test: Any) -> list[tuple[Any, str, Any]]:
    """What of a test's default arguments would have to be replaced: (test, attribute, old)."""
    kept = []
    for attribute in ("__defaults__", "__kwdefaults__"):
        old = getattr(test, attribute, None)
        values = (old.values() if isinstance(old, dict) else old) or ()
        if any(_is(value, function) for value in values):
            kept.append((test, attribute, old))
    return kept


def _is(value: Any, function: Callable[..., Any]) -> bool:
    """Whether this is a function, or the learner's own of it."""
    return value is function or getattr(value, "reference", None) is function


@contextmanager
def standing_in(
    function: Callable[..., Any], for_: Callable[..., Any], test: Callable[..., Any]
) -> Iterator[None]:
    """Let `function` stand in for a function of the package, and for the learner's own of it."""
    names = getattr(test, "__globals__", {})
    places = [*_in_the_package(for_, len(sys.modules)), *_named(for_, names)]
    replaced = [(place, key, place[key]) for place, key in places if key in place]
    defaults = _in_defaults(for_, test)
    for place, key, _ in replaced:
        place[key] = function
    for owner, attribute, old in defaults:
        new: Any = (
            {k: function if _is(v, for_) else v for k, v in old.items()}
            if isinstance(old, dict)
            else tuple(function if _is(v, for_) else v for v in old)
        )
        setattr(owner, attribute, new)
    try:
        yield
    finally:
        for place, key, value in replaced:
            place[key] = value
        for owner, attribute, old in defaults:
            setattr(owner, attribute, old)


def _failed(error: BaseException) -> bool:
    """Whether an exception says "the test failed" (an assertion, or pytest's own)."""
    by_pytest = getattr(sys.modules.get("_pytest.outcomes"), "Failed", AssertionError)
    return isinstance(error, AssertionError | by_pytest)


class Verdict:
    """What a test said of one implementation.

    Args:
        word: "passed", "failed", or the name of another exception.
        calls: how often the test called what it was given, and the package's function.
        returned: name of the type that the test returned.
        error: what it raised, if anything.
    """

    def __init__(
        self,
        word: str,
        calls: tuple[int, int],
        returned: str,
        error: BaseException | None = None,
    ) -> None:
        self.word, self.calls, self.returned, self.error = word, calls, returned, error

    def summary(self) -> tuple[str, bool, bool, str]:
        """What two tests must share to be the same mistake."""
        return self.word, self.calls[0] > 0, self.calls[1] > 0, self.returned


def try_on(
    test: Callable[..., Any], implementation: Callable[..., Any], hunt: Hunt, seed: int
) -> Verdict:
    """Run the test on one implementation."""
    (suspect, calls), (stand_in, calls_of_the_book) = (on_trial(implementation) for _ in "ab")
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the one that a learner's test may draw from
    returned: Any = None
    error: BaseException | None = None
    with standing_in(stand_in, hunt.on_trial, test):
        try:
            returned = test(suspect)
        except BaseException as raised:
            error = raised
    word = "passed"
    if error is not None:
        word = "failed" if _failed(error) else type(error).__name__
    reached = calls(), calls_of_the_book()
    return Verdict(word, reached, type(returned).__name__, error)
