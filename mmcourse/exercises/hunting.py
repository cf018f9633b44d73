"""Grade a bug hunt: run the learner's test on right and on broken implementations."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import cloudpickle
import torch

from mmcourse.exercises.answer import describe, lines_of
from mmcourse.exercises.definition import Hunt
from mmcourse.exercises.findings import Finding
from mmcourse.exercises.trial import Verdict, try_on

Emit = Callable[[dict[str, Any]], None]

SEEDS = (0, 1, 2)
MORE_SEEDS = 40  # for tests that are quick: what is false for one seed in twenty shows
MORE_SECONDS = 1.0
FAIR = "passes on right implementations"


def distorted(implementation: Callable[..., Any], step: Callable[[Any], Any]) -> Any:
    """An implementation whose results are changed: those of its module, if it makes one."""

    def changed(*args: Any, **kwargs: Any) -> Any:
        found = implementation(*args, **kwargs)
        if isinstance(found, torch.nn.Module):
            found.register_forward_hook(lambda module, given, out: _through(out, step))
            return found
        return _through(found, step)

    return changed


def _through(result: Any, step: Callable[[Any], Any]) -> Any:
    if isinstance(result, tuple):
        return tuple(_through(part, step) for part in result)
    return step(result)


def _of_floats(step: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], Any]:
    return lambda x: step(x) if isinstance(x, torch.Tensor) and x.is_floating_point() else x


LARGE = _of_floats(lambda x: 1000 * x + 1000)
INFINITE = _of_floats(lambda x: x + float("inf"))


def _misshapen(x: Any) -> Any:
    return x[None] if isinstance(x, torch.Tensor) else None


def profile(test: Callable[..., Any], hunt: Hunt) -> list[tuple[str, bool, bool, str]]:
    """What the test says of every implementation: two tests with one profile do the same.

    The last one is a right one whose numbers are all far off.
    """
    lineup = [*hunt.right, *(suspect.implementation for suspect in hunt.suspects)]
    lineup.append(distorted(hunt.right[0], LARGE))
    return [try_on(test, implementation, hunt, 0).summary() for implementation in lineup]


def _looks_at_form(test: Callable[..., Any], hunt: Hunt) -> bool:
    """Whether a test that numbers can't fail fails on a wrong shape, or on what is not finite."""
    return any(
        try_on(test, distorted(hunt.right[0], step), hunt, 0).word != "passed"
        for step in (_misshapen, INFINITE)
    )


def _fair(test: Callable[..., Any], hunt: Hunt, more: bool = True) -> Finding:
    """Whether the test passes on the right ones: some seeds each, many where it is quick."""
    until = time.process_time() + MORE_SECONDS
    for seed in range(MORE_SEEDS if more else len(SEEDS)):
        if seed >= len(SEEDS) and time.process_time() > until:
            break
        for implementation in hunt.right:
            found = _fair_on(test, hunt, implementation, seed)
            if found is not None:
                return found
    return Finding(FAIR, "holds")


def _fair_on(
    test: Callable[..., Any], hunt: Hunt, implementation: Callable[..., Any], seed: int
) -> Finding | None:
    """What is wrong with a test that should pass on this implementation."""
    verdict = try_on(test, implementation, hunt, seed)
    where = lines_of(verdict.error) if verdict.error else []
    if verdict.word == "failed":
        again = [try_on(test, implementation, hunt, s).word for s in SEEDS]
        message = (
            "False alarm: the test fails on a right implementation. Does it ask for something that "
            "need not be true, or for exact equality of floats? "
            + ("Or was the old state kept without `.clone()`? " if hunt.keeps_state else "")
            + (
                f"It passes with some random numbers and fails with others (seed {seed}): what it "
                "asks for holds only mostly. "
                if "passed" in again
                else ""
            )
            + "The broken ones are tried once the test passes on the right ones."
        )
        told = str(verdict.error).strip().splitlines()
        return Finding(FAIR, "broke", message, got=" ".join(told)[:300], where=where)
    if verdict.error is not None:
        message = f"On a right implementation: {describe(verdict.error)}"
        return Finding(FAIR, "broke", message, where=where)
    if verdict.calls[0] == 0:
        message = "The test never calls the implementation it is given, so it tests nothing."
        return Finding(FAIR, "broke", message)
    return None


def _anew(test: Callable[..., Any]) -> Callable[..., Any] | None:
    """The test as it was sent, without what it has remembered; None if it can't be copied."""
    try:
        return cloudpickle.loads(cloudpickle.dumps(test))
    except Exception:
        return None


def _remembers(sent: Callable[..., Any] | None, hunt: Hunt, words: list[str]) -> Finding:
    """Whether a test that has seen nothing yet says the same of a broken one and of a right one."""
    says = "judges each implementation by itself, whatever came before"
    for suspect, word in zip(hunt.suspects, words):
        test = _anew(sent) if sent else None
        if test is None:
            return Finding(f"{says}: the test could not be copied", "not checked")
        first = try_on(test, suspect.implementation, hunt, 0).word
        then = try_on(test, hunt.right[0], hunt, 0).word
        if first != word or then != "passed":
            message = (
                "Run in another order, the test says something else of the same implementation: it "
                "keeps something from one call to the next. Work out inside what is right, from "
                "nothing that was seen before."
            )
            return Finding(says, "broke", message)
    return Finding(says, "holds")


def grade_hunt(hunt: Hunt, test: Callable[..., Any], emit: Emit) -> None:
    """Grade a learner's test."""
    emit({"event": "start", "says": FAIR})
    sent = _anew(test)  # before it has run
    # A broken one goes first: what is kept of the first, outside of the test, is then wrong.
    try_on(_anew(test) or test, hunt.suspects[0].implementation, hunt, 0)
    fair = _fair(test, hunt)
    emit({"event": "finding", **asdict(fair)})
    caught, words, returned = 0, [], "NoneType"
    for number, suspect in enumerate(hunt.suspects, start=1):
        says = f"catches broken implementation {number}"
        if fair.state != "holds":  # a test that fails on right ones would "catch" everything
            emit({"event": "finding", **asdict(Finding(says, "not reached"))})
            continue
        emit({"event": "start", "says": says})
        verdict = try_on(test, suspect.implementation, hunt, 0)
        finding = _of_suspect(number, suspect.name, suspect.clues[0], verdict)
        caught += finding.state == "holds"
        words.append(verdict.word)
        returned = verdict.returned
        emit({"event": "finding", **asdict(finding)})
    if fair.state == "holds" and caught == 0 and returned != "NoneType":
        message = (
            f"The test returned a {returned}, and nobody looks at what a test returns. "
            "Assert it: assert torch.allclose(...)."
        )
        emit({"event": "finding", **asdict(Finding("asserts what it finds", "broke", message))})
    if fair.state == "holds" and caught > 0:
        emit({"event": "start", "says": "judges each implementation by itself"})
        emit({"event": "finding", **asdict(_remembers(sent, hunt, words))})
    total = len(hunt.suspects)
    emit({"event": "score", "caught": caught, "total": total})
    if caught < total:
        _tell_mistake(test, hunt, fair.state, emit)


def _tell_mistake(test: Callable[..., Any], hunt: Hunt, fair: str, emit: Emit) -> None:
    """Tell the known mistake of a test that says the same of every implementation."""
    seen = profile(test, hunt)
    silent = all(summary == ("passed", True, False, "NoneType") for summary in seen)
    for mutant in hunt.mutants:
        if profile(mutant.answer, hunt) != seen:
            continue
        wanted = mutant.satisfied_by
        if wanted is not None and try_on(test, wanted, hunt, 0).word != "passed":
            continue
        if _fair(mutant.answer, hunt, more=False).state != fair:
            continue
        if silent and not _looks_at_form(test, hunt):
            break
        emit({"event": "mistake", "name": mutant.name, "hint": mutant.hint})
        return
    if silent:
        told = (
            "The test passes on all of them, and on one whose numbers are all far off. Is what "
            "comes out compared with what should come out, by an `assert` that can fail (no `try` "
            "around it, no tolerance as large as the numbers, no value compared with itself)?"
        )
        emit({"event": "noticed", "told": told})
    elif all(word == "passed" for word, *_ in seen[:-1]):
        told = (
            "The test passes on all of them, and fails only where numbers are far off. Is a "
            "tolerance or a bound so wide that it lets the broken ones through?"
        )
        emit({"event": "noticed", "told": told})


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
