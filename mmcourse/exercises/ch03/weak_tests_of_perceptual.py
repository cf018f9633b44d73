"""Tests of a perceptual loss that catch too little, or too much: known mistakes of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.vqgan import perceptual

Make = Callable[..., Any]


class Sees(nn.Module):
    """Two maps, dropout between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop = nn.Conv2d(3, 4, 3, padding=1), nn.Dropout(0.5)
        self.second = nn.Conv2d(4, 5, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        a = self.first(x)
        return a, self.second(self.drop(a))


def _setting() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(2)
    return Sees(), torch.randn(2, 3, 6, 4), torch.randn(2, 3, 6, 4)


def expected(network: Any, a: Tensor, b: Tensor) -> Tensor:
    """By the formula."""
    network.eval()
    total = torch.zeros(())
    for p, q in zip(network(a), network(b)):
        p, q = p / p.norm(dim=1, keepdim=True), q / q.norm(dim=1, keepdim=True)
        total = total + (p - q).square().sum(1).mean()
    return total


def itself(make: Make) -> None:
    network, a, _ = _setting()
    assert make(network)(a, a) < 1e-5


def returns(make: Make) -> bool:
    network, a, b = _setting()
    return torch.allclose(make(network)(a, b), expected(network, a, b))


def leans(make: Make) -> None:
    network, a, b = _setting()
    mine, books = make(network), perceptual.PerceptualLoss(network)
    assert torch.allclose(mine(a, b), books(a, b))


def value_alone(make: Make) -> None:
    network, a, b = _setting()
    right = expected(network, a, b)
    assert torch.allclose(make(network)(a, b), right, rtol=1e-4, atol=1e-5)


def gradient_alone(make: Make) -> None:
    network, a, b = _setting()
    a.requires_grad_()
    make(network)(a, b).backward()
    assert a.grad is not None
    assert a.grad.abs().sum() > 0


def raw_features(make: Make) -> None:
    network, a, b = _setting()
    with torch.no_grad():
        network.eval()
        right = sum((p - q).square().sum(1).mean() for p, q in zip(network(a), network(b)))
        assert torch.allclose(make(network)(a, b), torch.as_tensor(right), rtol=1e-4, atol=1e-5)
