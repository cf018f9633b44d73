"""Wrong answers that are nearly right fail and are named; right ones of odd form pass."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import cloudpickle
import pytest

from mmcourse.exercises import hunting, load

from . import wrong_answers, wrong_answers_later
from .test_every_exercise import graded, name_of
from .wrong_answers_ch07 import CH07
from .wrong_answers_later import LATER, NARROWED
from .wrong_answers_sizes import SIZES


def as_sent(answer: Callable[..., Any]) -> Callable[..., Any]:
    """The answer by value, with globals of its own, as a worker gets it."""
    cloudpickle.register_pickle_by_value(wrong_answers)
    try:
        return cloudpickle.loads(cloudpickle.dumps(answer))
    finally:
        cloudpickle.unregister_pickle_by_value(wrong_answers)


def _named(rows: list[Any]) -> list[Any]:
    return [pytest.param(*row, id=f"{row[0]}-{n}-{name_of(row[1])}") for n, row in enumerate(rows)]


@pytest.mark.parametrize(("id", "answer", "told"), _named(wrong_answers.WRONG))
def test_what_is_nearly_right_fails_and_is_told_why(
    id: str, answer: Callable[..., Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hunting, "MORE_SECONDS", 60.0)
    report = graded(id, as_sent(answer))
    assert report.status == "failed", str(report)
    assert re.search(told, " ".join(str(report).split())), str(report)


@pytest.mark.parametrize(("id", "answer", "told"), _named([*LATER, *SIZES, *CH07]))
def test_what_once_passed_in_later_chapters_fails(
    id: str, answer: Callable[..., Any], told: str
) -> None:
    report = graded(id, answer)
    assert report.status == "failed", str(report)
    assert re.search(told, " ".join(str(report).split())), str(report)


def test_a_mistake_that_breaks_more_than_the_answer_does_is_not_told() -> None:
    """Alike on all that the probe tries, and yet right where the known mistake is wrong."""
    pack = load("ch07.pack")
    mistake = next(m for m in pack.mutants if m.name == "one token unused").answer
    filled = [(2, 5, 0), (1, 0, 0), (0, 1, 0)]  # what one property asks, and the probe does not

    def answer(pieces: Any, budget: int) -> Any:
        return (pack.reference if pieces == filled else mistake)(pieces, budget)

    report = graded("ch07.pack", answer)
    assert report.status == "failed"
    assert report.mistake is None
    assert "one token unused" in str(graded("ch07.pack", mistake).mistake)


def test_a_kind_of_dictionary_is_a_dictionary() -> None:
    true_at = wrong_answers_later.of("ch07.true_at")
    assert graded("ch07.true_at", lambda *given: OrderedDict(true_at(*given))).passed


def test_an_input_that_is_a_number_here_and_a_tensor_there_is_no_crash() -> None:
    """What an answer computes is looked for among steps that fit numbers or tensors."""
    report = graded("ch04.x0_from_v", lambda x, v, alpha, sigma: (alpha * x - sigma * v).sin())
    assert report.status == "failed"


def test_whole_numbers_are_not_called_masks() -> None:
    def from_the_end(x0, noise, t, alpha_bar):
        return wrong_answers_later.of("ch04.add_noise")(
            x0, noise, len(alpha_bar) - 1 - t, alpha_bar
        )

    assert "True and False" not in graded("ch04.add_noise", from_the_end).noticed


@pytest.mark.parametrize(("id", "answer", "told"), _named([*wrong_answers.TOLD, *NARROWED]))
def test_what_it_computes_is_told_as_a_fact(id: str, answer: Callable[..., Any], told: str) -> None:
    report = graded(id, answer)
    assert report.status == "failed"
    assert report.mistake is None
    assert re.search(told, report.noticed), str(report)


@pytest.mark.parametrize(("id", "answer", "told"), _named(wrong_answers.FORMS))
def test_a_known_mistake_is_known_in_any_form(
    id: str, answer: Callable[..., Any], told: str
) -> None:
    report = graded(id, answer)
    assert report.mistake is not None, str(report)
    assert told in report.mistake[0]


def test_nothing_is_told_of_what_has_no_simple_relation() -> None:
    report = graded("ch01.clip_loss", wrong_answers.without_its_match)
    assert report.status == "failed"
    assert report.mistake is None
    assert not report.noticed


def test_a_property_that_holds_of_a_wrong_answer_is_not_called_broken() -> None:
    """`a + b / 2` for `(a + b) / 2` knows no order of pairs, and stays finite."""
    clip = wrong_answers.losses.clip_loss

    def half_of_one(text, image, scale):
        logits = scale * text @ image.T
        own = wrong_answers.torch.arange(len(logits), device=logits.device)
        cost = wrong_answers.F.cross_entropy
        return cost(logits, own) + cost(logits.T, own) / 2

    report = graded("ch01.clip_loss", half_of_one)
    state = {f.says: f.state for f in report.findings}
    assert state["the order of the pairs does not matter"] == "holds"
    assert state["it is finite and right at the ends of float32 too, on every side"] == "holds"
    assert state["texts and pictures can swap roles"] == "broke"
    assert graded("ch01.clip_loss", clip).passed
