"""For every exercise: the reference passes, other right answers pass, mutants get their hint."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import mmcourse.exercises
from mmcourse.exercises import chapters, exercise, ids, load, stub_source
from mmcourse.exercises.definition import Hunt, Task
from mmcourse.exercises.grade import grade
from mmcourse.exercises.report import Report, from_events

from .right_answers import RIGHT

EVERY = [id for chapter in chapters() for id in ids(chapter)]


def graded(id: str, answer: Callable[..., Any]) -> Report:
    """Grade in this process, where it is quick."""
    events: list[dict[str, Any]] = []
    grade(load(id), answer, events.append)
    return from_events(load(id), [*events, {"event": "done", "printed": ""}])


def name_of(answer: Any) -> str:
    return getattr(answer, "__name__", type(answer).__name__)


def test_each_file_of_a_chapter_that_holds_an_exercise_is_listed() -> None:
    here = Path(mmcourse.exercises.__file__).parent
    for chapter in chapters():
        holding = {
            f"{chapter}.{file.stem}"
            for file in (here / chapter).glob("*.py")
            if "EXERCISE = " in file.read_text(encoding="utf-8")
        }
        assert holding == set(ids(chapter))


@pytest.mark.parametrize("chapter", chapters())
def test_a_chapter_has_three_core_two_hunts_and_a_stretch(chapter: str) -> None:
    levels = [load(id).level for id in ids(chapter)]
    assert levels.count("core") >= 3
    assert levels.count("bug hunt") >= 2
    assert levels.count("stretch") >= 1


@pytest.mark.parametrize("id", EVERY)
def test_definition_is_complete(id: str) -> None:
    it = load(id)
    assert it.id == id
    assert 1 <= it.difficulty <= 5
    assert 1 <= it.minutes <= 60
    assert len(it.mutants) >= 3
    assert len({m.name for m in it.mutants}) == len(it.mutants)
    assert len(it.hints) >= 2
    assert all(len(m.hint) > 40 for m in it.mutants)
    assert (it.level == "bug hunt") == isinstance(it, Hunt)
    if isinstance(it, Hunt):
        assert len(it.right) >= 3
        assert len(it.suspects) >= 5
        assert all(len(s.clues) == 3 for s in it.suspects)
        assert len({s.clues[0] for s in it.suspects}) == len(it.suspects)


@pytest.mark.parametrize("id", EVERY)
def test_reference_is_the_packages_own_function(id: str) -> None:
    it = load(id)
    own = it.on_trial if isinstance(it, Hunt) else it.reference
    assert own.__module__.startswith("mmcourse.")
    assert ".exercises" not in own.__module__
    if isinstance(it, Task):
        assert tuple(inspect.signature(own).parameters) == it.parameters


@pytest.mark.parametrize("id", EVERY)
def test_stub_is_not_attempted(id: str) -> None:
    source = stub_source(id)
    assert source.startswith(f'@exercise("{id}")\ndef ')
    namespace: dict[str, Any] = {"exercise": exercise}
    exec(compile(source, "stub", "exec"), namespace)
    attempt = next(x for x in namespace.values() if hasattr(x, "grade"))
    assert not attempt.attempted
    report = attempt.grade()
    assert report.status == "not attempted"
    assert not report.findings
    assert attempt.__doc__
    assert all(len(line) <= 100 for line in source.splitlines())


@pytest.mark.parametrize("id", EVERY)
def test_reference_passes(id: str) -> None:
    report = graded(id, load(id).reference)
    assert report.passed, str(report)
    if isinstance(load(id), Hunt):
        assert report.score == (len(load(id).suspects), len(load(id).suspects))


@pytest.mark.parametrize(
    ("id", "answer"),
    [pytest.param(id, a, id=f"{id}-{name_of(a)}") for id in EVERY for a in RIGHT[id]],
)
def test_other_right_answers_pass(id: str, answer: Callable[..., Any]) -> None:
    report = graded(id, answer)
    assert report.passed, str(report)


def test_a_tensor_on_the_wrong_device_is_told_by_the_exercises_own_names() -> None:
    def answer(places: torch.Tensor, dim: int) -> torch.Tensor:
        w = 10_000.0 ** (-torch.arange(dim // 4) / (dim // 4))  # on the CPU, whatever comes in
        angles = [places[:, axis, None] * w for axis in (1, 0)]
        return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], 1).float()

    report = graded("ch05.sincos_at", answer)
    assert not report.passed
    assert "device=places.device" in str(report)


@pytest.mark.parametrize(
    ("id", "number"),
    [
        pytest.param(id, n, id=f"{id}-{m.name.replace(' ', '_')}")
        for id in EVERY
        for n, m in enumerate(load(id).mutants)
    ],
)
def test_mutants_fail_with_their_own_hint(id: str, number: int) -> None:
    mutant = load(id).mutants[number]
    report = graded(id, mutant.answer)
    assert report.status == "failed"
    assert report.mistake == (mutant.name, mutant.hint)
    broken = report.first_broken()
    assert broken is not None
    assert broken.message


@pytest.mark.parametrize("id", [id for id in EVERY if isinstance(load(id), Hunt)])
def test_missed_bugs_are_not_given_away(id: str) -> None:
    hunt = load(id)
    report = str(graded(id, lambda implementation: None))
    text = str(graded(id, load(id).mutants[0].answer)) + report
    for suspect in hunt.suspects:
        assert suspect.name not in text
        assert suspect.clues[2] not in text
        assert "Missed:" in suspect.clues[0]


@pytest.mark.parametrize("id", [id for id in EVERY if isinstance(load(id), Hunt)])
def test_a_false_alarm_of_another_kind_is_told_no_known_mistake(id: str) -> None:
    def never_content(implementation: Any) -> None:
        load(id).reference(implementation)
        raise AssertionError

    assert graded(id, never_content).mistake is None


def test_a_tolerant_test_is_not_told_that_it_asks_for_the_last_bit() -> None:
    """Both miss what no value shows; only one of them fails on a right loss too."""

    def values_only(loss: Any) -> None:
        torch.manual_seed(1)
        text, image = F.normalize(torch.randn(2, 5, 8), dim=-1)
        logits, own = 6.0 * text @ image.T, torch.arange(5)
        expected = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        assert abs(float(loss(text, image, 6.0)) - float(expected)) < 1e-4

    report = graded("ch01.hunt_contrastive", values_only)
    assert report.score == (6, 7)
    assert report.mistake is None


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'ch01\.clip_loss'"):
        exercise("ch01.clip_los")
    with pytest.raises(ValueError, match="ch01"):
        exercise("chapter one")
    with pytest.raises(ValueError, match="expects a function, got int"):
        exercise("ch01.clip_loss")(3)  # type: ignore[arg-type]
