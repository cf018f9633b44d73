"""Whatever an answer returns or raises, the report says in words what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmcourse.exercises import exercise, load
from mmcourse.exercises.html import card
from mmcourse.vqvae import VectorQuantizer

from .right_answers import clip_by_hand
from .test_every_exercise import graded


def nothing(text_emb, image_emb, logit_scale):
    clip_by_hand(text_emb, image_emb, logit_scale)


def to_numpy(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale).detach().numpy()


def to_numpy_scalar(text_emb, image_emb, logit_scale):
    return np.float64(clip_by_hand(text_emb, image_emb, logit_scale).item())


def to_float(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale).item()


def to_text(text_emb, image_emb, logit_scale):
    return "0.3133"


def one_element(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale)[None]


def cut(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale).detach()


def rebuilt(text_emb, image_emb, logit_scale):
    return torch.tensor(float(clip_by_hand(text_emb, image_emb, logit_scale)))


def nan(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale) * float("nan")


def learned_by_heart(text_emb, image_emb, logit_scale):
    return {1: text_emb.sum() * 0, 2: text_emb.sum() * 0 + 0.31326}.get(
        len(text_emb), text_emb.sum() * 0 + 1.38629
    )


def scribbles(text_emb, image_emb, logit_scale):
    loss = clip_by_hand(text_emb.clone(), image_emb.clone(), logit_scale)
    image_emb.zero_()
    return loss


def always_float32(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale).float()


def on_the_cpu(text_emb, image_emb, logit_scale):
    logits = logit_scale * text_emb @ image_emb.T
    y = torch.arange(len(logits))
    return (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2


def too_few(text_emb, image_emb):
    return text_emb.sum()


def half_written(text_emb, image_emb, logit_scale):
    logits = logit_scale * text_emb @ image_emb.T
    assert logits.ndim == 2
    raise NotImplementedError


def misspelt(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_embeddings, logit_scale)  # noqa: F821


def leaves(text_emb, image_emb, logit_scale):
    raise SystemExit("bye")


def interrupts(text_emb, image_emb, logit_scale):
    raise KeyboardInterrupt


def recurses(text_emb, image_emb, logit_scale):
    return recurses(text_emb, image_emb, logit_scale)


def swallows(*anything):
    return clip_by_hand


def yields(text_emb, image_emb, logit_scale):
    yield clip_by_hand(text_emb, image_emb, logit_scale)


def is_complex(text_emb, image_emb, logit_scale):
    return clip_by_hand(text_emb, image_emb, logit_scale) + 0j


class NeedsArguments:
    def __init__(self, dim):
        self.dim = dim


def replaces_allclose(text_emb, image_emb, logit_scale):
    saved = torch.allclose, np.allclose
    torch.allclose = np.allclose = lambda *a, **k: True
    _undo.append(saved)
    return text_emb.sum() * 0


_undo: list[Any] = []

WRONG: list[tuple[Callable[..., Any], str]] = [
    (nothing, "returned None. Is there a `return`?"),
    (to_numpy, "returned a numpy value"),
    (to_numpy_scalar, "returned a numpy value"),
    (to_float, "returned a Python number"),
    (to_text, "returned a str"),
    (one_element, "The shape is wrong"),
    (cut, "No gradient flows back"),
    (rebuilt, "No gradient flows back"),
    (nan, "There is a NaN in it"),
    (learned_by_heart, "Swapped, the loss is another|The value is wrong"),
    (scribbles, "`image_emb` was changed in place"),
    (always_float32, "torch.float64 went in, torch.float32 came out"),
    (on_the_cpu, "mixes devices"),
    (too_few, "TypeError: .*takes 2 positional arguments but 3 were given"),
    (half_written, "a part of it isn't written yet"),
    (misspelt, "NameError: name 'image_embeddings' is not defined"),
    (leaves, "tried to leave Python"),
    (interrupts, "KeyboardInterrupt"),
    (recurses, "RecursionError"),
    (swallows, "returned a function"),
    (yields, "returned a generator"),
    (is_complex, "complex numbers"),
    (NeedsArguments, "TypeError: .*missing 1 required positional argument: 'dim'"),
]


@pytest.mark.parametrize(("answer", "message"), WRONG, ids=lambda x: getattr(x, "__name__", ""))
def test_wrong_answers_are_told_what_is_wrong(answer: Callable[..., Any], message: str) -> None:
    report = graded("ch01.clip_loss", answer)
    assert report.status == "failed"
    broken = report.first_broken()
    assert broken is not None
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(broken.message)


def test_an_error_is_located_in_the_learners_line() -> None:
    broken = graded("ch01.clip_loss", misspelt).first_broken()
    assert broken is not None
    assert broken.where[-1][2] == "misspelt"
    assert "return clip_by_hand(text_emb, image_embeddings" in str(
        graded("ch01.clip_loss", misspelt)
    )


def test_the_input_it_broke_on_is_shown() -> None:
    text = str(graded("ch01.clip_loss", nan))
    assert "text_emb =     [[1, 0], [0, 1]]" in text
    assert "expected       0.313262" in text


def test_replacing_a_library_function_does_not_help() -> None:
    try:
        report = graded("ch01.clip_loss", replaces_allclose)
    finally:
        torch.allclose, np.allclose = _undo[0]
        _undo.clear()
    assert report.status == "failed"
    assert "It replaced numpy.allclose, torch.allclose" in str(report)


def test_calls_go_to_the_book_until_attempted_and_to_the_learner_after() -> None:
    @exercise("ch01.recall_at_k")
    def stub(similarity, k):
        """Any docstring at all."""
        raise NotImplementedError("not yet")

    @exercise("ch01.recall_at_k")
    def mine(similarity, k):
        return "mine"

    assert stub(torch.eye(3), 1) == 1.0
    assert mine(torch.eye(3), 1) == "mine"
    assert repr(stub) == "<exercise ch01.recall_at_k: the book's own (not attempted)>"
    assert stub.__doc__ == "Any docstring at all."


@pytest.mark.parametrize(
    "body",
    [
        "return None",
        "x = 1\n    raise NotImplementedError",
        "if k:\n        raise NotImplementedError\n    return 1",
        "raise ValueError",
        "pass",
        "yield NotImplementedError",
        "raise NotImplementedError(similarity)",
    ],
)
def test_anything_else_is_an_attempt(body: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def f(similarity, k):\n    {body}\n", namespace)
    assert exercise("ch01.recall_at_k")(namespace["f"]).attempted


# Tests for the bug hunts that are themselves wrong.


def crashes(loss):
    raise KeyError("oops")


def never_calls(loss):
    assert True


def too_strict(loss):
    x = torch.eye(2)
    assert loss(x, x, 1.0) == 0, "a perfect match must cost nothing"


def flaky(loss):
    x = torch.eye(2)
    loss(x, x, 1.0)
    assert torch.rand(()) < 0.5


def uses_the_name(loss):
    assert loss.__name__ == "clip_loss"


def wants_float64(loss):
    x = torch.eye(3)
    assert loss(x, x, 1.0).dtype == torch.float64


def steals(loss):
    assert loss is load("ch01.clip_loss").reference


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (crashes, "On a right implementation: It raised KeyError"),
        (never_calls, "never calls the implementation"),
        (too_strict, "False alarm"),
        (flaky, "False alarm"),
        (uses_the_name, "On a right implementation: It raised AttributeError"),
        (wants_float64, "False alarm"),
        (steals, "False alarm|On a right implementation"),
    ],
)
def test_bad_tests_are_told_what_is_wrong(test: Callable[..., Any], message: str) -> None:
    report = graded("ch01.hunt_contrastive", test)
    assert report.status == "failed"
    assert report.score == (0, 7)
    assert report.findings[0].state == "broke"
    assert {f.state for f in report.findings[1:]} == {"not reached"}  # and no bug is given away
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(report.findings[0].message)


def nearest_on_the_cpu(vectors, codebook):
    distances = (vectors[:, None] - codebook).square().sum(2)
    return torch.tensor(distances.argmin(1).tolist())


def test_what_a_way_of_working_hides_is_not_called_verified() -> None:
    report = graded("ch02.nearest_codes", nearest_on_the_cpu)
    assert report.passed
    (hidden,) = (f for f in report.findings if f.state != "holds")
    assert hidden.state == "not checked"
    assert "[not checked] inputs on a GPU give a result on that GPU: the answer does" in str(report)
    assert "1 could not be checked" in report.headline
    assert "?</span> inputs on a GPU" in card(report)


def nearest_by_rounded_squares(vectors, codebook):
    return (codebook.square().sum(1) - 2 * vectors @ codebook.T).argmin(1)


@pytest.mark.parametrize(
    "answer", [nearest_by_rounded_squares, lambda v, c: torch.cdist(v, c).argmin(1)]
)
def test_rounding_far_from_the_origin_is_found(answer: Callable[..., Any]) -> None:
    report = graded("ch02.nearest_codes", answer)
    (broken,) = (f for f in report.findings if f.state == "broke")
    assert "Subtract one point" in broken.message


def test_a_large_result_says_where_it_differs_and_a_pair_what_it_is() -> None:
    def one_off(vectors, codebook):
        index = nearest_on_the_cpu(vectors, codebook)
        return (index + (torch.arange(len(index)) == 27)) % len(codebook)

    (broken,) = (f for f in graded("ch02.nearest_codes", one_off).findings if f.state == "broke")
    assert "They first differ at [27]: got " in broken.message
    report = graded("ch02.nearest_codes", lambda v, c: torch.cdist(v, c).min(1))
    assert "It returned 2 things (as `x.min(1)` does" in str(report)


def test_the_expected_number_is_shown_in_the_type_of_the_answers() -> None:
    report = graded("ch02.vq_loss", lambda z, q, beta=0.25: (z - q).square().mean())
    told = report.first_broken()
    assert told is not None
    assert told.got.endswith("float64)")
    assert told.expected.endswith("float64)")


def test_a_hunt_through_the_learners_own_loss_meets_the_one_on_trial() -> None:
    assert not graded("ch01.hunt_contrastive", leans_on_own).passed
    assert "compares with the book's own loss" in str(graded("ch01.hunt_contrastive", leans_on_own))
    x = torch.eye(2)
    assert torch.allclose(clip_loss(x, x, 1.0), torch.tensor(0.3133), atol=1e-4)  # put back


clip_loss = exercise("ch01.clip_loss")(clip_by_hand)


def leans_on_own(loss):
    text, image = F.normalize(torch.randn(2, 4, 8), dim=-1)
    assert torch.allclose(loss(text, image, 3.0), clip_loss(text, image, 3.0))


def leans_on_a_module(quantize):
    module = VectorQuantizer(6, 3)
    z = torch.randn(2, 3, 4, 5)
    for mine, books in zip(quantize(z, module.codebook), module(z)):
        assert torch.allclose(mine, books)


def test_a_hunt_through_a_module_that_quantizes_meets_the_one_on_trial() -> None:
    report = graded("ch02.hunt_quantizer", leans_on_a_module)
    assert report.score == (0, 9)
    assert "compares with the book's own quantizer" in str(report)
    assert VectorQuantizer(6, 3)(torch.randn(1, 3, 2, 2)).codes.shape == (1, 3, 2, 2)  # put back


def zeros_on_the_cpu(counts, sums, rows, index, decay, epsilon):
    total = torch.zeros(sums.shape, dtype=sums.dtype).index_add(0, index, rows)
    here = torch.zeros(counts.shape, dtype=counts.dtype).index_add(0, index, rows[:, 0] * 0 + 1)
    counts, sums = decay * counts + (1 - decay) * here, decay * sums + (1 - decay) * total
    n = counts.sum()
    return counts, sums, sums / ((counts + epsilon) / (n + len(counts) * epsilon) * n)[:, None]


def one_hot_on_the_cpu(indices, num_codes):
    hits = indices.flatten()[:, None] == torch.arange(num_codes)
    p = hits.float().mean(0)
    return torch.special.entr(p).sum().exp()


@pytest.mark.parametrize(
    ("id", "answer"),
    [("ch02.ema_update", zeros_on_the_cpu), ("ch02.perplexity", one_hot_on_the_cpu)],
)
def test_what_starts_on_the_cpu_is_seen_without_a_gpu(id: str, answer: Any) -> None:
    report = graded(id, answer)
    assert [f.says for f in report.findings if f.state == "broke"] == [
        "inputs on a GPU give a result on that GPU"
    ]


def counts_with_integers(counts, sums, rows, index, decay, epsilon):
    return counts, sums, torch.bincount(index)


def one_thing(counts, sums, rows, index, decay, epsilon):
    return sums / counts[:, None]


@pytest.mark.parametrize(
    ("answer", "message"),
    [(one_thing, "Return three things"), (counts_with_integers, "shape of `codebook` is wrong")],
)
def test_of_three_results_the_wrong_one_is_named(answer: Any, message: str) -> None:
    broken = graded("ch02.ema_update", answer).first_broken()
    assert broken is not None
    assert message in broken.message
