"""Tests of a LoRA layer that catch too little, or too much: known mistakes of a hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.lora import layer as book

Make = Callable[..., Any]


def fresh(make: Make, width: int = 5) -> tuple[nn.Linear, Any, Tensor]:
    torch.manual_seed(7)
    linear = nn.Linear(width, 4)
    return linear, make(linear, 2, 6.0), torch.randn(3, width)


def shape_only(make: Make) -> None:
    _, layer, x = fresh(make)
    assert layer(x).shape == (3, 4)


def start_only(make: Make) -> None:
    linear, layer, x = fresh(make)
    assert torch.allclose(layer(x), linear(x), atol=1e-5)


def returns(make: Make) -> bool:
    linear, layer, x = fresh(make)
    return torch.allclose(layer(x), linear(x), atol=1e-5)


def merges_once(make: Make) -> None:
    """There and back, once, and compared with itself alone."""
    _, layer, x = fresh(make)
    for p in layer.parameters():
        if p.requires_grad:
            p.data.normal_()
    before = layer(x)
    layer.merge()
    assert torch.allclose(layer(x), before, atol=1e-3)
    layer.unmerge()
    assert torch.allclose(layer(x), before, atol=1e-3)


def exact(make: Make) -> None:
    """A merged layer sums in another order."""
    _, layer, _ = fresh(make)
    x = torch.randn(40, 5)
    for p in layer.parameters():
        if p.requires_grad:
            p.data.normal_()
    before = layer(x)
    layer.merge()
    assert torch.equal(layer(x), before)


def leans(make: Make) -> None:
    _, layer, x = fresh(make)
    _, other, _ = fresh(book.lora_layer)
    assert torch.allclose(layer(x), other(x), atol=1e-5)
