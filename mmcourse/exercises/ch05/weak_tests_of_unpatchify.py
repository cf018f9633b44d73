"""Tests of unpatchify that catch too little, or too much: known mistakes of a hunt."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmcourse.dit import patches

Unpatchify = Callable[..., Tensor]


def pictures(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def shape_only(unpatchify: Unpatchify) -> None:
    assert unpatchify(torch.zeros(2, 6, 12), 2, 4, 6).shape == (2, 3, 4, 6)


def returns(unpatchify: Unpatchify) -> bool:
    x = pictures(2, 3, 4, 6)
    return torch.equal(unpatchify(patches.patchify(x, 2), 2, 4, 6), x)


def one_channel(unpatchify: Unpatchify) -> None:
    x = pictures(1, 1, 4, 4)
    assert torch.equal(unpatchify(patches.patchify(x, 2), 2, 4, 4), x)


def squares_only(unpatchify: Unpatchify) -> None:
    x = pictures(2, 3, 4, 4)
    assert torch.equal(unpatchify(patches.patchify(x, 2), 2, 4, 4), x)


def leans(unpatchify: Unpatchify) -> None:
    tokens = pictures(2, 6, 12)
    assert torch.equal(unpatchify(tokens, 2, 4, 6), patches.unpatchify(tokens, 2, 4, 6))
