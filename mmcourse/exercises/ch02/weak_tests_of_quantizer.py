"""Tests of a quantizer that catch too little, or too much: known mistakes of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.vqvae import quantizer

Quantize = Callable[..., Any]


def _random(*shape: int) -> tuple[Tensor, Tensor]:
    return torch.randn(*shape), 1.5 * torch.randn(6, shape[1])


def _expected(z: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and indices."""
    index = (z.movedim(1, -1)[..., None, :] - codebook).square().sum(-1).argmin(-1)
    return codebook[index].movedim(-1, 1), index


def shape_only(quantize: Quantize) -> None:
    z, codebook = _random(2, 3, 4, 5)
    codes, indices, loss = quantize(z, codebook)
    assert codes.shape == z.shape
    assert indices.shape == (2, 4, 5)
    assert torch.isfinite(loss)


def returns(quantize: Quantize) -> bool:
    z, codebook = _random(2, 3, 4, 5)
    return torch.equal(quantize(z, codebook)[1], _expected(z, codebook)[1])


def values_only(quantize: Quantize) -> None:
    z, codebook = _random(2, 3, 4, 5)
    codes, indices, loss = quantize(z, codebook)
    chosen, index = _expected(z, codebook)
    assert torch.equal(indices, index)
    assert torch.allclose(codes, chosen, atol=1e-5)
    assert torch.allclose(loss, 1.25 * F.mse_loss(z, chosen), rtol=1e-4)


def one_place(quantize: Quantize) -> None:
    dice = torch.Generator().manual_seed(1)
    z = torch.randn(1, 3, 1, 1, generator=dice).requires_grad_()
    codebook = torch.randn(6, 3, generator=dice).requires_grad_()
    codes, indices, loss = quantize(z, codebook)
    chosen, index = _expected(z.detach(), codebook.detach())
    assert torch.equal(indices, index)
    assert torch.allclose(codes, chosen, atol=1e-5)
    error = z.detach() - chosen
    assert torch.allclose(loss, 1.25 * error.square().mean(), rtol=1e-4)
    to_z = torch.autograd.grad(codes.sum(), z, retain_graph=True, allow_unused=True)[0]
    assert to_z is not None
    assert torch.allclose(to_z, torch.ones_like(to_z))
    to_z, to_codes = torch.autograd.grad(loss, (z, codebook), allow_unused=True)
    assert to_z is not None
    assert to_codes is not None
    assert torch.allclose(to_z, 0.25 * 2 * error / 3, atol=1e-6)


def leans(quantize: Quantize) -> None:
    z, codebook = _random(2, 3, 4, 5)
    for mine, books in zip(quantize(z, codebook), quantizer.quantize(z, codebook)):
        assert torch.allclose(mine, books)


def exact(quantize: Quantize) -> None:
    z, codebook = _random(4, 3, 8, 8)
    assert torch.equal(quantize(z, codebook)[0], _expected(z, codebook)[0])


def on_the_codes(quantize: Quantize) -> None:
    codebook = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    z = codebook[torch.tensor([[[0, 1], [1, 1]]])].movedim(-1, 1)
    codes, _, loss = quantize(z, codebook)
    assert torch.allclose(codes, z)
    assert loss == 0


def some_gradient(quantize: Quantize) -> None:
    z, codebook = (x.requires_grad_() for x in _random(2, 3, 4, 5))
    codes, _, loss = quantize(z, codebook)
    (codes.sum() + loss).backward()
    assert z.grad is not None
    assert codebook.grad is not None
