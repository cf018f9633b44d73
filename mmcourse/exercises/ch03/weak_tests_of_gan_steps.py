"""Tests of a GAN training step that catch too little, or too much: known mistakes of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.vqgan import game
from mmcourse.vqgan.game import Objective

Step = Callable[..., Any]


class Draws(nn.Module):
    """Pictures to pictures and a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        drawn = self.layer(x)
        return drawn, 0.1 * drawn.square().mean()


def players(lr: float = 0.1) -> tuple[Any, ...]:
    """A batch, both networks, both optimisers and an objective."""
    torch.manual_seed(3)
    g, c = Draws(), nn.Conv2d(3, 1, 2)
    optimisers = [torch.optim.SGD(m.parameters(), lr=lr) for m in (g, c)]
    return torch.randn(4, 3, 4, 4), g, c, *optimisers, Objective(clip=1e9)


def _numbers(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def runs(step: Step) -> None:
    told = step(*players(), 1.0)
    assert told["loss"] == told["loss"]


def returns(step: Step) -> bool:
    table = players()
    before = _numbers(table[2])
    step(*table, 0.0)
    return torch.equal(_numbers(table[2]), before)


def leans(step: Step) -> None:
    mine, books = players(), players()
    step(*mine, 1.0)
    x, g, c, o, co, objective = books
    game.gan_step(x, g, c, o, co, objective, 1.0)
    for a, b in zip(mine[1:3], books[1:3]):
        assert torch.allclose(_numbers(a), _numbers(b))


def generator_alone(step: Step) -> None:
    table, twin = players(), players()
    drawn, own = twin[1](twin[0])
    loss = (drawn - twin[0]).abs().mean() + own - 0.1 * twin[2](drawn).mean()
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, [*twin[1].parameters()])])
    before = _numbers(table[1])
    step(*table, 1.0)
    assert torch.allclose(before - _numbers(table[1]), 0.1 * expected, atol=1e-5)


def warm_up_alone(step: Step) -> None:
    table = players()
    before = _numbers(table[2])
    step(*table, 0.0)
    assert torch.equal(_numbers(table[2]), before)


def drawn_anew(step: Step) -> None:
    table, twin = players(), players()
    step(*table, 1.0)
    before, x = twin[2].weight, twin[0]
    with torch.no_grad():
        drawn = table[1](x)[0]  # after the generator has moved
    loss = (1 - twin[2](x)).relu().mean() + (1 + twin[2](drawn)).relu().mean()
    expected = torch.autograd.grad(loss, before)[0]
    assert torch.allclose(before - table[2].weight, 0.1 * expected, atol=1e-7)
