"""Tests of running means that catch too little, or too much: known mistakes of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from mmcourse.vqvae import ema

Make = Callable[..., Any]


def _ready(make: Make, **options: Any) -> Any:
    """A module in training mode."""
    given = {"num_codes": 6, "dim": 3, "decay": 0.8, "epsilon": 1e-5, "restart_below": 0.0}
    return make(**(given | options)).train()


def shape_only(make: Make) -> None:
    codes, indices, loss = _ready(make)(torch.randn(2, 3, 4, 5))
    assert codes.shape == (2, 3, 4, 5)
    assert indices.shape == (2, 4, 5)
    assert torch.isfinite(loss)


def returns(make: Make) -> bool:
    q = _ready(make)
    before = q.codebook.clone()
    q.eval()(torch.randn(2, 3, 4, 5))
    return torch.equal(q.codebook, before)


def eval_only(make: Make) -> None:
    q = _ready(make).eval()
    before = q.codebook.clone()
    q(torch.randn(2, 3, 4, 5))
    assert torch.equal(q.codebook, before)


def names_only(make: Make) -> None:
    assert {"codebook", "counts", "sums"} <= set(_ready(make).state_dict())


def one_step_only(make: Make) -> None:
    q, z = _ready(make), torch.randn(2, 3, 4, 5)
    counts, sums = q.counts.clone(), q.sums.clone()
    index = q(z)[1].flatten()
    choice = F.one_hot(index, 6).float()
    assert torch.allclose(q.counts, 0.8 * counts + 0.2 * choice.sum(0), atol=1e-4)
    new = choice.T @ z.movedim(1, -1).reshape(-1, 3)
    assert torch.allclose(q.sums, 0.8 * sums + 0.2 * new, atol=1e-4)


def it_moves(make: Make) -> None:
    q = _ready(make)
    before = q.codebook.clone()
    q(torch.randn(2, 3, 4, 5))
    assert not torch.allclose(q.codebook, before, atol=1e-3)


def jumps(make: Make) -> None:
    q, z = _ready(make), torch.randn(2, 3, 4, 5)
    index = q(z)[1].flatten()
    rows = z.movedim(1, -1).reshape(-1, 3)
    for k in index.unique():
        assert torch.allclose(q.codebook[k], rows[index == k].mean(0), atol=1e-4)


def no_smoothing(make: Make) -> None:
    q = _ready(make, epsilon=0.01)
    q(torch.randn(2, 3, 4, 5))
    assert torch.allclose(q.codebook, q.sums / q.counts[:, None])


def leans(make: Make) -> None:
    z, found = torch.randn(2, 3, 4, 5), []
    for build in (make, ema.EMAVectorQuantizer):
        torch.manual_seed(0)
        q = _ready(build, restart_below=0.9)
        q(z)
        found.append(q.codebook)
    assert torch.allclose(found[0], found[1], atol=1e-5)
