"""Quantizers with a bug each: the suspects of a bug hunt.

`VectorQuantizer` hands its loss and its estimator to whichever `quantize` there is: `rest`, which
the suspects ignore.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.vqvae import nearest_codes

Found = tuple[Tensor, Tensor, Tensor]
Pair = Callable[[Tensor, Tensor], Tensor]
BETA = 0.25


def through(rows: Tensor, chosen: Tensor) -> Tensor:
    """The codes, with the rows' gradient."""
    return rows + (chosen - rows).detach()


def both_terms(rows: Tensor, chosen: Tensor) -> Tensor:
    """The codebook loss, and beta times the commitment loss."""
    return F.mse_loss(chosen, rows.detach()) + BETA * F.mse_loss(rows, chosen.detach())


def assemble(
    z: Tensor,
    codebook: Tensor,
    choose: Pair = nearest_codes,
    through: Pair = through,
    loss: Pair = both_terms,
) -> Found:
    """A quantizer of which one part may be broken."""
    b, d, h, w = z.shape
    rows = z.permute(0, 2, 3, 1).reshape(-1, d)  # (B H W, D)
    index = choose(rows, codebook)
    chosen = codebook[index]
    codes = through(rows, chosen).reshape(b, h, w, d).permute(0, 3, 1, 2)
    return codes, index.reshape(b, h, w), loss(rows, chosen)


def without_permute(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    b, d, h, w = z.shape
    rows = z.reshape(-1, d)
    index = nearest_codes(rows, codebook)
    chosen = codebook[index]
    codes = through(rows, chosen).reshape(b, d, h, w)
    return codes, index.reshape(b, h, w), both_terms(rows, chosen)


def no_permute_back(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    b, d, h, w = z.shape
    rows = z.permute(0, 2, 3, 1).reshape(-1, d)
    index = nearest_codes(rows, codebook)
    chosen = codebook[index]
    codes = through(rows, chosen).reshape(b, d, h, w)
    return codes, index.reshape(b, h, w), both_terms(rows, chosen)


def transposed(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    codes, index, loss = assemble(z.transpose(2, 3), codebook)
    return codes.transpose(2, 3), index.reshape(z[:, 0].shape), loss


def farthest(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    return assemble(z, codebook, choose=lambda rows, codes: torch.cdist(rows, codes).argmax(1))


def largest_dot_product(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    return assemble(z, codebook, choose=lambda rows, codes: (rows @ codes.T).argmax(1))


def not_through(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    return assemble(z, codebook, through=lambda rows, chosen: chosen)


def codebook_starves(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    def loss(rows: Tensor, chosen: Tensor) -> Tensor:
        fixed = chosen.detach()
        return F.mse_loss(fixed, rows) + BETA * F.mse_loss(rows, fixed)

    return assemble(z, codebook, loss=loss)


def beta_on_the_codebook(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    def loss(rows: Tensor, chosen: Tensor) -> Tensor:
        return BETA * F.mse_loss(chosen, rows.detach()) + F.mse_loss(rows, chosen.detach())

    return assemble(z, codebook, loss=loss)


def summed(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    def loss(rows: Tensor, chosen: Tensor) -> Tensor:
        return both_terms(rows, chosen) * rows.numel()

    return assemble(z, codebook, loss=loss)
