"""Poolings with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

import torch
from torch import Tensor


def with_padding(tokens: Tensor, mask: Tensor) -> Tensor:
    return tokens.mean(1)


def over_longest(tokens: Tensor, mask: Tensor) -> Tensor:
    return (tokens * mask[..., None]).mean(1)


def average_length(tokens: Tensor, mask: Tensor) -> Tensor:
    return (tokens * mask[..., None]).sum(1) / mask.sum(1).float().mean()


def inverted(tokens: Tensor, mask: Tensor) -> Tensor:
    ignored = (~mask)[..., None]
    return (tokens * ignored).sum(1) / ignored.sum(1).clamp(min=1)


def last_word(tokens: Tensor, mask: Tensor) -> Tensor:
    return tokens[torch.arange(len(tokens)), mask.sum(1) - 1]


def total(tokens: Tensor, mask: Tensor) -> Tensor:
    return (tokens * mask[..., None]).sum(1)


def largest(tokens: Tensor, mask: Tensor) -> Tensor:
    return tokens.masked_fill(~mask[..., None], float("-inf")).amax(1)


def flat_average(tokens: Tensor, mask: Tensor) -> Tensor:
    return tokens[mask].mean(0).expand(len(tokens), -1)
