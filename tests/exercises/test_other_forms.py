"""Right answers that were once refused pass; fair tests of bug hunts do; memories don't help."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.diffusion import Level
from mmcourse.dit import patchify
from mmcourse.exercises import load

from .test_every_exercise import graded, name_of
from .wrong_answers_later import of

# What no stub calls a variable may be a constant.


def shares_detached(x0, noise, t, alpha_bar):
    return of("ch04.add_noise")(x0, noise, t, alpha_bar.detach())


def shares_as_numbers(x0, noise, t, alpha_bar):
    shares = [alpha_bar[i].item() for i in t.tolist()]
    rows = zip(shares, x0, noise)
    return torch.stack([a**0.5 * x + (1 - a) ** 0.5 * e for a, x, e in rows])


def times_detached(begun, arrived, t, ends):
    return of("ch05.straight_line")(begun, arrived, t.detach(), tuple(x.detach() for x in ends))


def stacked(begun, arrived, t, ends):
    return torch.stack(of("ch05.straight_line")(begun, arrived, t, ends))


def turned_by_constants(x, angles):
    with torch.no_grad():
        cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1).to(x.dtype)


def a_frozen_layer(x, weight, bias, A, B, alpha):
    return of("ch06.lora_linear")(x, weight.detach(), bias.detach(), A, B, alpha)


# Forms.


def f1_in_float32(asked, seen):
    hits = sum(len(set(a) & set(b)) for a, b in zip(asked, seen))
    all_told = torch.tensor([float(sum(map(len, [*asked, *seen])))])
    return float(2 * hits / all_told) if all_told else 1.0


def margin_in_float32(hero, doubles):
    hero, doubles = torch.tensor(hero), torch.tensor(doubles)
    own = F.cosine_similarity(hero[1:], hero[:1])
    return float((own - F.cosine_similarity(doubles, hero[:1])).mean())


def packed_as_a_list(pieces, budget):
    return list(of("ch07.pack")(pieces, budget))


# Tests that ask for something more, which is true.


def also(id: str, more: Callable[[Any], None]) -> Callable[[Any], None]:
    """The reference test, and `more`."""

    def test(implementation: Any) -> None:
        load(id).reference(implementation)
        more(implementation)

    test.__name__ = more.__name__
    return test


def flow_in_float64(loss):
    _flow(loss, torch.randn(2, 3, 4, dtype=torch.float64))


def flow_of_numbers(loss):
    _flow(loss, torch.randn(2, 3))


def _flow(loss, pair):
    x0, noise = pair
    said, t = torch.zeros_like(x0), torch.tensor([0.2, 0.5, 0.9], dtype=x0.dtype)
    told = []
    found = loss(lambda x, time: (told.append(time), said)[1], x0, noise, t)
    assert torch.allclose(told[0], 1000 * t)
    assert torch.allclose(found, (noise - x0).square().mean(), rtol=1e-4)


def whole_numbers_back(unpatchify):
    for kind in (torch.int64, torch.uint8, torch.bfloat16):
        x = torch.arange(144).view(2, 3, 4, 6).to(kind)
        assert torch.equal(unpatchify(patchify(x, 2), 2, 4, 6), x)


def ruled_out_where_nothing_is_asked(loss):
    logits = torch.full((1, 4, 3), -torch.inf)
    logits[..., 1] = 0.0
    logits[0, 1] = torch.tensor([1.0, 2.0, 3.0])
    found = loss(logits, torch.tensor([[-100, -100, 2, -100]]))
    assert torch.isclose(found, -logits[0, 1].log_softmax(0)[2], rtol=1e-4)


class _Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return (self.layer(x),)


def perceived_in_float64(make):
    network, (a, b) = _Pair().double(), torch.randn(2, 2, 3, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        p, q = (F.normalize(network(x)[0], dim=1) for x in (a, b))
        found = make(network)(a, b)
    assert math.isclose(found.item(), (p - q).square().sum(1).mean().item(), rel_tol=1e-3)


def nothing_of_the_network(make):
    whole = nn.Sequential(make(_Pair()))
    assert not [*whole.named_parameters(), *whole.state_dict(), *whole.buffers()]


PASS = [
    ("ch04.add_noise", shares_detached),
    ("ch04.add_noise", shares_as_numbers),
    ("ch05.straight_line", times_detached),
    ("ch05.straight_line", stacked),
    ("ch05.rotate", turned_by_constants),
    ("ch06.lora_linear", a_frozen_layer),
    ("ch07.character_f1", f1_in_float32),
    ("ch07.identity_margin", margin_in_float32),
    ("ch07.pack", packed_as_a_list),
    *(
        (id, also(id, more))
        for id, more in (
            ("ch04.hunt_flow_loss", flow_in_float64),
            ("ch04.hunt_flow_loss", flow_of_numbers),
            ("ch05.hunt_unpatchify", whole_numbers_back),
            ("ch06.hunt_next_token_loss", ruled_out_where_nothing_is_asked),
            ("ch03.hunt_perceptual", perceived_in_float64),
            ("ch03.hunt_perceptual", nothing_of_the_network),
        )
    ),
]


@pytest.mark.parametrize(
    ("id", "answer"), [pytest.param(id, a, id=f"{id}-{name_of(a)}") for id, a in PASS]
)
def test_what_was_once_refused_passes(id: str, answer: Callable[..., Any]) -> None:
    report = graded(id, answer)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("ch04.hunt_sampler", "levels: `Level"),
        ("ch03.hunt_gan_step", r"critic is a module"),
        ("ch03.hunt_perceptual", "1e-8 more"),
        ("ch06.hunt_lora_layer", "a\n    rank of at most"),
    ],
)
def test_a_stub_says_what_its_implementations_rely_on(id: str, words: str) -> None:
    assert words in load(id).stub


# Bug hunts.

_kept: dict[str, Any] = {}


def _fingerprint(sampler):
    levels = [Level(900.0, 0.28, 0.96), Level(500.0, 0.6, 0.8), Level(0.0, 1.0, 0.0)]
    steps = sampler(lambda x, level: (3 * x + level.t / 100, x - 2), torch.ones(1, 2), levels)
    return torch.stack([step.x for step in steps])


def remembers_elsewhere(sampler):
    """What came first is kept where no copy of the test finds it."""
    first = vars(math).setdefault("_first_seen", _fingerprint(sampler))
    found = _fingerprint(sampler)
    assert found.shape == first.shape
    assert torch.allclose(found, first, atol=1e-3)


def test_a_memory_outside_of_the_test_does_not_help() -> None:
    try:
        report = graded("ch04.hunt_sampler", remembers_elsewhere)
    finally:
        vars(math).pop("_first_seen", None)
    assert report.status == "failed"


@pytest.mark.parametrize(
    ("id", "state"),
    [("ch03.hunt_perceptual", False), ("ch05.hunt_adaln_zero", False), ("ch02.hunt_ema", True)],
)
def test_clones_are_recommended_where_there_is_a_state(id: str, state: bool) -> None:
    def never(make: Any) -> None:
        load(id).reference(make)
        raise AssertionError

    told = graded(id, never).findings[0].message
    assert "False alarm" in told
    assert (".clone()" in told) == state


def test_places_are_compared_with_codes_in_good_time() -> None:
    z, codebook = torch.randn(16, 64, 32, 32), torch.randn(512, 64)
    for quantize in load("ch02.hunt_quantizer").right:
        began = time.process_time()
        quantize(z, codebook)
        assert time.process_time() - began < 1.0, inspect.getsource(quantize)


# Sentences.


def squashed_by_a_tangent(z, levels):
    half = 1.001 * (levels - 1).to(z.dtype) / 2
    offset = (levels % 2 == 0).to(z.dtype) / 2
    x = half * (z + (offset / half).tan()).tanh() - offset
    return (x + (x.round() - x).detach()) / (levels // 2)


def test_no_gradient_is_compared_with_a_formula_that_has_none() -> None:
    report = graded("ch02.fsq_round", squashed_by_a_tangent)
    assert report.status == "failed"
    assert "should get none" not in report.noticed
