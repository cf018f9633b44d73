"""Grade a bug hunt: run the learner's test on right and on broken implementations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import torch

from mmcourse.exercises.answer import describe, lines_of
from mmcourse.exercises.definition import Hunt
from mmcourse.exercises.findings import Finding

Emit = Callable[[dict[str, Any]], None]

SEEDS = (0, 1, 2)
FAIR = "passes on right implementations"


class OnTrial:
    """An implementation without a name or a face, counting how it is reached."""

    def __init__(self, implementation: Callable[..., Any]) -> None:
        self._implementation = implementation
        self._calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls += 1
        return self._implementation(*args, **kwargs)

    def __repr__(self) -> str:
        return "<the implementation on trial>"


Places = list[tuple[dict[str, Any], str]]


def _named(function: Callable[..., Any], *places: dict[str, Any]) -> Places:
    """Where a function, or the learner's own of it, goes by a name."""
    return [
        (place, key)
        for place in places
        for key, value in list(place.items())
        if value is function or getattr(value, "reference", None) is function
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


@contextmanager
def standing_in(
    function: Callable[..., Any], for_: Callable[..., Any], test: Callable[..., Any]
) -> Iterator[None]:
    """Let `function` stand in for a function of the package, and for the learner's own of it."""
    names = getattr(test, "__globals__", {})
    places = [*_in_the_package(for_, len(sys.modules)), *_named(for_, names)]
    replaced = [(place, key, place[key]) for place, key in places if key in place]
    for place, key, _ in replaced:
        place[key] = function
    try:
        yield
    finally:
        for place, key, value in replaced:
            place[key] = value


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
    suspect, stand_in = OnTrial(implementation), OnTrial(implementation)
    torch.manual_seed(seed)
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
    calls = suspect._calls, stand_in._calls
    return Verdict(word, calls, type(returned).__name__, error)


def profile(test: Callable[..., Any], hunt: Hunt) -> list[tuple[str, bool, bool, str]]:
    """What the test says of every implementation: two tests with one profile do the same."""
    lineup = [*hunt.right, *(suspect.implementation for suspect in hunt.suspects)]
    return [try_on(test, implementation, hunt, 0).summary() for implementation in lineup]


def _fair(test: Callable[..., Any], hunt: Hunt) -> Finding:
    for implementation in hunt.right:
        for seed in SEEDS:
            verdict = try_on(test, implementation, hunt, seed)
            where = lines_of(verdict.error) if verdict.error else []
            if verdict.word == "failed":
                message = (
                    "False alarm: the test fails on a right implementation. Does it ask for "
                    "something that need not be true, or for exact equality of floats? Or was the "
                    "old state kept without `.clone()`? The broken ones are tried once the test "
                    "passes on the right ones."
                )
                told = str(verdict.error).strip().splitlines()
                return Finding(FAIR, "broke", message, got=" ".join(told)[:300], where=where)
            if verdict.error is not None:
                message = f"On a right implementation: {describe(verdict.error)}"
                return Finding(FAIR, "broke", message, where=where)
            if verdict.calls[0] == 0:
                message = (
                    "The test never calls the implementation it is given, so it tests nothing."
                )
                return Finding(FAIR, "broke", message)
    return Finding(FAIR, "holds")


def grade_hunt(hunt: Hunt, test: Callable[..., Any], emit: Emit) -> None:
    """Grade a learner's test."""
    emit({"event": "start", "says": FAIR})
    fair = _fair(test, hunt)
    emit({"event": "finding", **asdict(fair)})
    caught = 0
    for number, suspect in enumerate(hunt.suspects, start=1):
        if fair.state != "holds":  # a test that fails on right ones would "catch" everything
            says = f"catches broken implementation {number}"
            emit({"event": "finding", **asdict(Finding(says, "not reached"))})
            continue
        emit({"event": "start", "says": f"catches broken implementation {number}"})
        verdict = try_on(test, suspect.implementation, hunt, 0)
        finding = _of_suspect(number, suspect.name, suspect.clues[0], verdict)
        caught += finding.state == "holds"
        emit({"event": "finding", **asdict(finding)})
        if caught == 0 and number == len(hunt.suspects) and verdict.returned != "NoneType":
            message = (
                f"The test returned a {verdict.returned}, and nobody looks at what a test returns. "
                "Assert it: assert torch.allclose(...)."
            )
            emit({"event": "finding", **asdict(Finding("asserts what it finds", "broke", message))})
    total = len(hunt.suspects)
    emit({"event": "score", "caught": caught, "total": total})
    if caught < total:
        seen = profile(test, hunt)
        for mutant in hunt.mutants:
            same = profile(mutant.answer, hunt) == seen
            wanted = mutant.satisfied_by
            if wanted is not None and try_on(test, wanted, hunt, 0).word != "passed":
                continue
            if same and _fair(mutant.answer, hunt).state == fair.state:
                emit({"event": "mistake", "name": mutant.name, "hint": mutant.hint})
                return


def _of_suspect(number: int, name: str, clue: str, verdict: Verdict) -> Finding:
    if verdict.word == "failed":
        return Finding(f"catches broken implementation {number}: {name}", "holds")
    says = f"catches broken implementation {number}"
    if verdict.error is None:
        return Finding(says, "broke", clue)
    message = (
        f"On it the test crashed rather than failed. {describe(verdict.error).rstrip('.')}. Assert "
        "first what you rely on (a shape, a value, that there are no parameters), so that the "
        "test says what is wrong."
    )
    return Finding(says, "broke", message, where=lines_of(verdict.error))
