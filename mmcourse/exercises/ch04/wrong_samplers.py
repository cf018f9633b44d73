"""Samplers with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion.samplers import Step
from mmcourse.diffusion.schedule import Level

Predict = Callable[[Tensor, Level], tuple[Tensor, Tensor]]
Walk = Iterator[Step]


def taken(x: Tensor, x0: Tensor, level: Level) -> Any:
    """Show a step, and go on from what is sent back, as the book's samplers do."""
    sent = yield Step(x, x0, level)
    return x if sent is None else sent


def walk(predict: Predict, x: Tensor, levels: Sequence[Level], mix: Any) -> Walk:
    """A sampler whose way of mixing may be broken."""
    for here, there in pairwise(levels):
        x0, epsilon = predict(x, here)
        x = yield from taken(mix(x0, epsilon, here, there), x0, there)


def skips_the_first(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    return walk(predict, x, levels[1:], lambda a, b, h, n: n.alpha * a + n.sigma * b)


def stops_early(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    return walk(predict, x, levels[:-1], lambda a, b, h, n: n.alpha * a + n.sigma * b)


def told_ahead(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    for _, there in pairwise(levels):
        x0, epsilon = predict(x, there)
        x = yield from taken(there.alpha * x0 + there.sigma * epsilon, x0, there)


def squared(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    return walk(predict, x, levels, lambda a, b, h, n: n.alpha**2 * a + (1 - n.alpha**2) * b)


def same_level(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    def mix(a: Tensor, b: Tensor, here: Level, there: Level) -> Tensor:
        level = here if there.sigma > 0 else there
        return level.alpha * a + level.sigma * b

    return walk(predict, x, levels, mix)


def from_the_start(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    for here, there in pairwise(levels):
        x0, epsilon = predict(x, here)
        yield Step(there.alpha * x0 + there.sigma * epsilon, x0, there)


def new_noise(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    return walk(
        predict, x, levels, lambda a, b, h, n: n.alpha * a + n.sigma * torch.randn(a.shape).to(a)
    )


def fading(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    return walk(predict, x, levels, lambda a, b, h, n: n.alpha * a + 0.9 * n.sigma * b)


def clipped(predict: Predict, x: Tensor, levels: Sequence[Level], *rest: Any) -> Walk:
    return walk(predict, x, levels, lambda a, b, h, n: n.alpha * a.clamp(-1, 1) + n.sigma * b)
