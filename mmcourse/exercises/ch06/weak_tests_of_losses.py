"""Tests of a next-token loss that catch too little, or too much: known mistakes of a hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mmcourse.lora import loss as book

Loss = Callable[[Tensor, Tensor], Tensor]


def batch() -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 5, 6, generator=dice)
    labels = torch.tensor([[-100, -100, 3, 4, 2], [-100, 5, 2, -100, -100]])
    return logits, labels


def right(logits: Tensor, labels: Tensor) -> float:
    """By hand."""
    terms = [
        -float(logits[b, t - 1].double().log_softmax(-1)[labels[b, t]])
        for b in range(len(labels))
        for t in range(1, labels.shape[1])
        if labels[b, t] != -100
    ]
    return sum(terms) / len(terms)


def finite_only(loss: Loss) -> None:
    found = loss(*batch())
    assert found.shape == ()
    assert found > 0


def returns(loss: Loss) -> bool:
    return abs(float(loss(*batch())) - right(*batch())) < 1e-4


def flat_only(loss: Loss) -> None:
    """All logits alike: every token costs the logarithm of their number."""
    logits, labels = batch()
    found = float(loss(0 * logits, labels))
    assert abs(found - torch.tensor(6.0).log().item()) < 1e-4


def value_only(loss: Loss) -> None:
    """One batch by hand, but one in which 0 is no token, and the gradient not asked for."""
    assert abs(float(loss(*batch())) - right(*batch())) < 1e-4


def one_row(loss: Loss) -> None:
    """One row without anything to ignore."""
    logits, _ = batch()
    labels = torch.tensor([[1, 2, 3, 4, 2]])
    assert abs(float(loss(logits[:1], labels)) - right(logits[:1], labels)) < 1e-4


def leans(loss: Loss) -> None:
    given: Any = batch()
    assert torch.isclose(loss(*given), book.next_token_loss(*given))


def exact(loss: Loss) -> None:
    assert float(loss(*batch())) == right(*batch())
