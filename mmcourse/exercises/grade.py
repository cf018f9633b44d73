"""Grade a task: check each property, then ask whether the answer is a known mistake.

This runs in the worker process; `emit` sends what was found to the process that asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from mmcourse.exercises.answer import Answer, Raised, finding_of
from mmcourse.exercises.definition import Exercise, Hunt, Task
from mmcourse.exercises.findings import Finding
from mmcourse.exercises.hunting import grade_hunt
from mmcourse.exercises.libraries import fingerprint, replaced
from mmcourse.exercises.probe import known_mistake
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
    try:
        answer = Answer(function, task.parameters)
    except BaseException as error:  # a class whose constructor raises
        emit({"event": "start", "says": task.properties[0].says})
        finding = finding_of(task.properties[0].says, Raised(error), Answer(len, ()))
        emit({"event": "finding", **asdict(finding)})
        return
    holding = True
    hopeless = False  # raises on the very first input: what follows would only repeat it
    for number, rule in enumerate(task.properties):
        if hopeless:
            emit({"event": "finding", **asdict(Finding(rule.says, "not reached"))})
            continue
        emit({"event": "start", "says": rule.says})
        torch.manual_seed(number)
        try:
            rule.check(answer)
            finding = Finding(rule.says, "holds")
        except Unseen as why:
            finding = Finding(f"{rule.says}: {why}", "not checked")
        except Exception as error:
            finding = finding_of(rule.says, error, answer)
            holding = False
            hopeless = number == 0 and isinstance(error, Raised)
        meddled = replaced(before)
        if meddled:
            note = f"It replaced {', '.join(meddled[:3])}. An answer works with torch as it is."
            emit({"event": "finding", **asdict(Finding(UNTOUCHED, "broke", note))})
            return
        emit({"event": "finding", **asdict(finding)})
    changed = answer.changed or Finding("", "not reached" if hopeless else "holds")
    changed.says = UNCHANGED
    emit({"event": "finding", **asdict(changed)})
    if not holding or changed.state == "broke":
        mistake = known_mistake(answer.function, task.probe, task.mutants)
        if mistake is not None:
            emit({"event": "mistake", "name": mistake.name, "hint": mistake.hint})
