"""Tests of a sampler that catch too little, or too much: known mistakes of a hunt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import samplers
from mmcourse.diffusion.schedule import Level

Sampler = Callable[..., Iterator[Any]]
LEVELS = [Level(900.0, 0.28, 0.96), Level(500.0, 0.6, 0.8), Level(200.0, 0.8, 0.6), Level(0, 1, 0)]


def still(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
    """Always the same picture and noise."""
    return torch.full_like(x, 2.0), torch.full_like(x, -1.0)


def start() -> Tensor:
    return torch.randn(2, 3, generator=torch.Generator().manual_seed(1))


def shape_only(sampler: Sampler) -> None:
    assert [step.x.shape for step in sampler(still, start(), LEVELS)][-1] == (2, 3)


def returns(sampler: Sampler) -> bool:
    return bool(torch.allclose(list(sampler(still, start(), LEVELS))[-1].x, torch.tensor(2.0)))


def end_only(sampler: Sampler) -> None:
    end = list(sampler(still, start(), LEVELS))[-1].x
    assert torch.allclose(end, torch.full((2, 3), 2.0), atol=1e-4)


def one_step(sampler: Sampler) -> None:
    def predict(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        return 2 + x + level.t / 500, -x

    steps = list(sampler(predict, start(), LEVELS[:2]))
    assert len(steps) == 1
    assert torch.allclose(steps[0].x, 0.6 * (2 + start() + 1.8) - 0.8 * start(), atol=1e-4)


def blind(sampler: Sampler) -> None:
    """Every state is compared, and the denoiser never looks at what it is given."""
    steps = list(sampler(still, start(), LEVELS))
    assert len(steps) == 3
    for step, level in zip(steps, LEVELS[1:]):
        wanted = torch.full((2, 3), 2 * level.alpha - level.sigma)
        assert torch.allclose(step.x, wanted, atol=1e-4)


def leans(sampler: Sampler) -> None:
    for a, b in zip(sampler(still, start(), LEVELS), samplers.ddim(still, start(), LEVELS)):
        assert torch.allclose(a.x, b.x, atol=1e-4)


def exact(sampler: Sampler) -> None:
    def predict(x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        return torch.sin(3 * x), torch.cos(2 * x)

    x = start()
    for step, level in zip(sampler(predict, x, LEVELS), LEVELS[1:]):
        x = level.alpha * torch.sin(3 * x) + level.sigma * torch.cos(2 * x)
        assert torch.equal(step.x, x)
