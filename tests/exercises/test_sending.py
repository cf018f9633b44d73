"""Answers travel with what they use, and nothing else."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from mmcourse.exercises import exercise, shipping

from . import helper_module
from .helper_module import both
from .right_answers import RIGHT

SCALES = {"halves": torch.tensor(0.5)}
GENERATOR = torch.Generator().manual_seed(3)
LOCK = threading.Lock()
LARGE = bytearray(300_000_000)


def _target(logits):
    return torch.arange(len(logits), device=logits.device)


def with_helpers_and_globals(text_emb, image_emb, logit_scale):
    logits = helper_module.logits(text_emb, image_emb, logit_scale)
    rows, columns = (F.cross_entropy(x, _target(x)) for x in (logits, logits.T))
    return SCALES["halves"].item() * (rows + columns)


def with_a_module_of_the_learners(text_emb, image_emb, logit_scale):
    return both(helper_module.logits(text_emb, image_emb, logit_scale))


def with_a_torch_generator(text_emb, image_emb, logit_scale):
    torch.randn(2, generator=GENERATOR)
    return with_helpers_and_globals(text_emb, image_emb, logit_scale)


@exercise("ch01.normalise_similarity")
def cosine_similarity_matrix(text_emb, image_emb):
    raise NotImplementedError


@exercise("ch01.recall_at_k")
def recall_at_k(similarity, k):
    if k < 0:
        return recall_at_k(similarity, -k)  # the decorated name, from inside
    match = similarity.diagonal()[:, None]
    return ((similarity >= match).sum(1) <= k).double().mean().item()


def with_another_exercise(image_emb, class_text_emb):
    """Uses an answer that isn't attempted: the book's own comes along."""
    prompts = F.normalize(class_text_emb, dim=-1)
    return cosine_similarity_matrix(image_emb, prompts.mean(1)).argmax(-1)


def _name(value: object) -> str:
    """A test's name that is the same in every process: no address of an object."""
    return (
        value if isinstance(value, str) else re.sub(r" (?:object )?at 0x[0-9a-f]+", "", str(value))
    )


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("ch01.clip_loss", with_helpers_and_globals),
        ("ch01.clip_loss", with_a_module_of_the_learners),
        ("ch01.clip_loss", with_a_torch_generator),
        ("ch01.clip_loss", functools.partial(with_helpers_and_globals)),
        ("ch01.recall_at_k", recall_at_k.answer),
        ("ch01.zero_shot", with_another_exercise),
    ],
    ids=_name,
)
def test_an_answer_brings_what_it_uses(id: str, answer: Callable[..., Any]) -> None:
    report = exercise(id)(answer).grade()
    assert report.passed, str(report)


@pytest.mark.parametrize(
    ("id", "answer"),
    [(id, a) for id, answers in RIGHT.items() for a in answers if type(a).__name__ != "function"],
    ids=_name,
)
def test_objects_can_be_answers(id: str, answer: Callable[..., Any]) -> None:
    report = exercise(id)(answer).grade()
    assert report.passed, str(report)


def test_an_answer_typed_at_a_prompt_can_be_sent() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    source = "def recall(similarity, k):\n    return helper(similarity, k)\n"
    source += (
        "def helper(s, k):\n    return ((s >= s.diagonal()[:, None]).sum(1) <= k).float().mean()"
    )
    exec(source, namespace)
    report = exercise("ch01.recall_at_k")(namespace["recall"]).grade()
    assert report.passed, str(report)


def test_what_cannot_be_sent_is_named() -> None:
    def locked(text_emb, image_emb, logit_scale):
        with LOCK:
            return both(helper_module.logits(text_emb, image_emb, logit_scale))

    report = exercise("ch01.clip_loss")(locked).grade()
    assert report.status == "not graded"
    assert "it uses LOCK: pass that as an argument or make it inside" in report.headline


def test_what_is_too_large_to_send_is_named() -> None:
    def large(text_emb, image_emb, logit_scale):
        return both(helper_module.logits(text_emb, image_emb, logit_scale)) * len(LARGE)

    with pytest.raises(shipping.Unsendable, match=r"300 MB, at most 200 MB .*it uses LARGE"):
        shipping.pack(large)


def test_without_cloudpickle_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import mmcourse.exercises

    monkeypatch.delattr(mmcourse.exercises, "shipping")
    monkeypatch.delitem(sys.modules, "mmcourse.exercises.shipping")
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    report = exercise("ch01.clip_loss")(with_helpers_and_globals).grade()
    assert report.status == "not graded"
    assert "Checks need cloudpickle" in report.headline
    assert "pip install 'mmcourse[labs]'" in report.headline


@functools.lru_cache
def targets(n):
    return torch.arange(n)


@functools.singledispatch
def halved(x):
    return x / 2


@halved.register(tuple)
def _of_a_tuple(x):
    return sum(halved(part) for part in x)


class Cross:
    @functools.cached_property
    def entropy(self):
        return torch.nn.functional.cross_entropy


def with_cached_helpers(text_emb, image_emb, logit_scale):
    logits = logit_scale * text_emb @ image_emb.T
    own, cross = targets(len(logits)).to(logits.device), Cross().entropy
    return halved((cross(logits, own), cross(logits.T, own)))


@torch.compile
def compiled(similarity, k):
    return ((similarity >= similarity.diagonal()[:, None]).sum(1) <= k).double().mean()


def test_what_learners_decorate_with_is_sent() -> None:
    for id, answer in (("ch01.clip_loss", with_cached_helpers), ("ch01.recall_at_k", compiled)):
        report = exercise(id)(answer).grade()
        assert report.passed, str(report)


def test_a_decorated_stub_is_no_attempt() -> None:
    def stub(similarity, k):
        raise NotImplementedError

    decorators = torch.no_grad(), functools.lru_cache, torch.compile
    for decorate in decorators:
        assert not exercise("ch01.recall_at_k")(decorate(stub)).attempted


def stops_to_look(text_emb, image_emb, logit_scale):
    breakpoint()
    return text_emb.sum()


def on_a_gpu(text_emb, image_emb, logit_scale):
    return torch.zeros(3, device="cuda")


def test_a_breakpoint_and_a_gpu_are_named() -> None:
    told = str(exercise("ch01.clip_loss")(stops_to_look).grade())
    assert "stopped at a breakpoint()" in told
    assert "Checks run on the CPU" in " ".join(
        str(exercise("ch01.clip_loss")(on_a_gpu).grade()).split()
    )
