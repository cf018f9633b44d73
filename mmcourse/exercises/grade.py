"""Grade a task: check each property, then ask whether the answer is a known mistake.

This runs in the worker process; `emit` sends what was found to the process that asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from mmcourse.exercises.answer import Answer, Raised, finding_of
from mmcourse.exercises.definition import Exercise, Hunt, Property, Task
from mmcourse.exercises.findings import Finding
from mmcourse.exercises.hunting import grade_hunt
from mmcourse.exercises.libraries import fingerprint, replaced
from mmcourse.exercises.probe import Calls, known_mistake
from mmcourse.exercises.relation import noticed
from mmcourse.exercises.shared import probe_of, shared_properties, spoils_graphs
from mmcourse.exercises.values import Unseen

Emit = Callable[[dict[str, Any]], None]

UNCHANGED = "its inputs are left as they were"
UNTOUCHED = "libraries are left as they were"


def grade(exercise: Exercise, function: Callable[..., Any], emit: Emit) -> None:
    """Grade an answer to any kind of exercise."""
    if isinstance(exercise, Hunt):
        grade_hunt(exercise, function, emit)
    elif isinstance(exercise, Task):
        grade_task(exercise, function, emit)
    else:
        raise TypeError(f"{exercise.id} is a {type(exercise).__name__}, neither task nor hunt")


def grade_task(task: Task, function: Callable[..., Any], emit: Emit) -> None:
    """Grade an answer to a task."""
    before = fingerprint()
    properties = (*task.properties, *shared_properties(task))
    try:
        answer = Answer(function, task.parameters)
    except BaseException as error:  # a class whose constructor raises
        emit({"event": "start", "says": properties[0].says})
        finding = finding_of(properties[0].says, Raised(error), Answer(len, ()))
        emit({"event": "finding", **asdict(finding)})
        return
    broken: set[str] = set()
    hopeless = False  # raises on the very first input: what follows would only repeat it
    for number, rule in enumerate(properties):
        if hopeless:
            emit({"event": "finding", **asdict(Finding(rule.says, "not reached"))})
            broken.add(rule.says)  # a known mistake may break it: the answer was not asked
            continue
        emit({"event": "start", "says": rule.says})
        finding = _checked(rule, number, answer)
        if finding.state == "broke":
            broken.add(rule.says)
            hopeless = number == 0 and bool(finding.message) and answer.raised
        meddled = replaced(before)
        if meddled:
            note = f"It replaced {', '.join(meddled[:3])}. An answer works with torch as it is."
            emit({"event": "finding", **asdict(Finding(UNTOUCHED, "broke", note))})
            return
        emit({"event": "finding", **asdict(finding)})
    if not hopeless and answer.changed is None:
        spoils_graphs(task, answer)
    changed = answer.changed or Finding("", "not reached" if hopeless else "holds")
    changed.says = UNCHANGED
    emit({"event": "finding", **asdict(changed)})
    if broken or changed.state == "broke":
        _tell_mistake(task, answer, broken, emit)


def _checked(rule: Property, number: int, answer: Answer) -> Finding:
    """What one property found."""
    torch.manual_seed(number)
    answer.raised = False
    try:
        rule.check(answer)
    except Unseen as why:
        return Finding(f"{rule.says}: {why}", "not checked")
    except Exception as error:
        answer.raised = isinstance(error, Raised)
        return finding_of(rule.says, error, answer)
    return Finding(rule.says, "holds")


def _tell_mistake(task: Task, answer: Answer, broken: set[str], emit: Emit) -> None:
    """Tell the known mistake that an answer makes, or else what can be said of it for certain."""
    probe, function = probe_of(task), answer.function
    mistake = known_mistake(function, probe, task.mutants, task.reference)
    if mistake is not None and _breaks(task, mistake.answer, broken, answer.values_are_right):
        emit({"event": "mistake", "name": mistake.name, "hint": mistake.hint})
    elif task.formula is not None and isinstance(probe, Calls):
        learns = task.learns and not task.names
        asked = probe if learns else Calls(probe.inputs, False, probe.through)
        told = noticed(function, task.formula, asked, task.parameters)
        if told:
            emit({"event": "noticed", "told": told})


def _breaks(task: Task, mutant: Callable[..., Any], broken: set[str], values: bool) -> bool:
    """Whether a mutant breaks nothing but what the answer breaks: else it is another mistake."""
    answer = Answer(mutant, task.parameters)
    answer.values_are_right = values
    for number, rule in enumerate((*task.properties, *shared_properties(task))):
        if rule.says not in broken and _checked(rule, number, answer).state == "broke":
            return False
    return True
