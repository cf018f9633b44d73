"""Next-token losses with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _mean(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())


def in_float64(logits: Tensor, labels: Tensor) -> Tensor:
    """Right to more digits than float32 has: what a test expects that asks for the last bit."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1).double(), labels[:, 1:].flatten())


def unshifted(logits: Tensor, labels: Tensor) -> Tensor:
    return _mean(logits, labels)


def backwards(logits: Tensor, labels: Tensor) -> Tensor:
    return _mean(logits[:, 1:], labels[:, :-1])


def shifted_twice(logits: Tensor, labels: Tensor) -> Tensor:
    return _mean(logits[:, :-2], labels[:, 2:])


def across_rows(logits: Tensor, labels: Tensor) -> Tensor:
    """Flattened first and shifted then: a row's last place predicts the next row's first."""
    return F.cross_entropy(logits.flatten(0, 1)[:-1].float(), labels.flatten()[1:])


def over_all_places(logits: Tensor, labels: Tensor) -> Tensor:
    wanted = labels[:, 1:].flatten()
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), wanted, reduction="sum") / len(wanted)


def by_rows(logits: Tensor, labels: Tensor) -> Tensor:
    rows = [_mean(a[None, :-1], b[None, 1:]) for a, b in zip(logits, labels)]
    return torch.stack(rows).nanmean()


def zero_ignored(logits: Tensor, labels: Tensor) -> Tensor:
    """The world's padding id ignored, too."""
    wanted = labels[:, 1:].flatten()
    return _mean(logits[:, :-1], wanted.masked_fill(wanted == 0, -100).view(len(labels), -1))


def prompt_as_zero(logits: Tensor, labels: Tensor) -> Tensor:
    """What is ignored is learned as token 0."""
    return _mean(logits[:, :-1], labels[:, 1:].clamp(min=0))


def summed(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")


def no_lesson(logits: Tensor, labels: Tensor) -> Tensor:
    return _mean(logits.detach()[:, :-1], labels[:, 1:]).requires_grad_()


def probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """Softmax before a cross-entropy that takes logits."""
    return _mean(logits[:, :-1].softmax(-1), labels[:, 1:])
