"""Tests of a flow matching loss that catch too little, or too much: known mistakes of a hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion import flow

Loss = Callable[..., Tensor]


def batch() -> tuple[Tensor, Tensor, Tensor]:
    dice = torch.Generator().manual_seed(4)
    x0, noise = torch.randn(2, 3, 2, 4, generator=dice)
    return x0, noise, torch.tensor([0.25, 0.5, 0.87])


def nothing(x: Tensor, t: Tensor) -> Tensor:
    return torch.zeros_like(x)


def shape_only(loss: Loss) -> None:
    found = loss(nothing, *batch())
    assert found.shape == ()
    assert found > 0


def returns(loss: Loss) -> bool:
    x0, noise, t = batch()
    return bool(torch.isclose(loss(nothing, x0, noise, t), (noise - x0).square().mean()))


def value_only(loss: Loss) -> None:
    """A model that says 0 never sees what it is told."""
    x0, noise, t = batch()
    assert torch.isclose(loss(nothing, x0, noise, t), (noise - x0).square().mean(), rtol=1e-4)


def perfect_only(loss: Loss) -> None:
    """A model that knows the answer: the loss is 0 however its input was made."""
    x0, noise, t = batch()
    assert loss(lambda x, t: noise - x0, x0, noise, t) < 1e-6


def half_way(loss: Loss) -> None:
    """At t = 1/2 both directions look alike."""
    x0, noise, _ = batch()
    seen: list[Any] = []

    def model(x: Tensor, t: Tensor) -> Tensor:
        seen.append((x, t))
        return torch.zeros_like(x)

    found = loss(model, x0, noise, torch.full((3,), 0.5))
    assert torch.isclose(found, (noise - x0).square().mean(), rtol=1e-4)
    x, t = seen[0]
    assert torch.allclose(x, (x0 + noise) / 2, atol=1e-5)
    assert torch.allclose(t, torch.full((3,), 500.0))


def leans(loss: Loss) -> None:
    args = batch()
    assert torch.isclose(loss(nothing, *args), flow.flow_matching_loss(nothing, *args))


def exact(loss: Loss) -> None:
    x0, noise, t = batch()
    assert loss(nothing, x0, noise, t).item() == (noise.double() - x0.double()).square().mean()
