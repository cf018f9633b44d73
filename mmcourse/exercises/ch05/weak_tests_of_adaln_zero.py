"""Tests of an adaLN-Zero block that catch too little, or too much: known mistakes of a hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.dit import conditionings

Make = Callable[..., Any]


def batch() -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(2)
    return torch.randn(2, 3, 8, generator=dice), torch.randn(2, 8, generator=dice)


def shape_only(block: Make) -> None:
    x, c = batch()
    assert block(8, 2)(x, c).shape == x.shape


def returns(block: Make) -> bool:
    x, c = batch()
    return torch.equal(block(8, 2)(x, c), x)


def start_only(block: Make) -> None:
    """At the start nearly all broken ones are the identity, too."""
    x, c = batch()
    assert torch.equal(block(8, 2)(x, c), x)


def leans(block: Make) -> None:
    x, c = batch()
    torch.manual_seed(0)
    mine = block(8, 2)
    torch.manual_seed(0)
    theirs = conditionings.AdaLNZeroBlock(8, 2)
    for made in (mine, theirs):
        torch.nn.init.constant_(made.modulation.weight, 0.3)
    assert torch.allclose(mine(x, c), theirs(x, c))


def equal_numbers(block: Make) -> None:
    """All six vectors alike: none can be mistaken for another."""
    x, c = batch()
    made = block(8, 2)
    torch.nn.init.constant_(made.modulation.bias, 0.5)
    h = x + 0.5 * made.attention(1.5 * F.layer_norm(x, (8,), eps=1e-6) + 0.5)
    wanted = h + 0.5 * made.mlp(1.5 * F.layer_norm(h, (8,), eps=1e-6) + 0.5)
    assert torch.allclose(made(x, c), wanted, atol=1e-5)
    assert torch.equal(block(8, 2)(x, c), x)


def exact(block: Make) -> None:
    x, c = batch()
    found = block(8, 2)(x, c)
    assert found.dtype == torch.float64
