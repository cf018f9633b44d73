"""Mistakes that do not crash, each beside the same training done right.

    python experiments/vqvae_failures.py [--small]

Writes vqvae_failures.json: both terms detached alike, beta on the wrong term, places mixed with
channels, a codebook far from the encoder's scale, and too few codes for what is to be said.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from _vqvae import CODES, DIM, WIDTH, compare
from torch import Tensor

from mmcourse.vqvae import VQVAE, Quantized, VectorQuantizer, commitment_loss, nearest_codes

SEEDS = (0, 1)


class BothDetachedAlike(VectorQuantizer):
    """The codebook is detached in both terms, so it has no gradient."""

    def loss(self, rows: Tensor, chosen: Tensor) -> Tensor:
        """Both terms move the encoder."""
        return commitment_loss(rows, chosen) * (1 + self.beta)


class BetaOnTheCodebook(VectorQuantizer):
    """The weight is on the term that moves the codes."""

    def loss(self, rows: Tensor, chosen: Tensor) -> Tensor:
        """The encoder is held four times as hard. (Adam divides by a gradient's usual size, so the
        codes do not follow more slowly.)"""
        return self.beta * F.mse_loss(chosen, rows.detach()) + commitment_loss(rows, chosen)


class PlacesMixedWithChannels(VectorQuantizer):
    """(B, D, h, w) is reshaped to rows of D numbers without moving the channels last."""

    def forward(self, z: Tensor) -> Quantized:
        """All shapes fit; each row holds D neighbouring places of one channel."""
        rows = z.reshape(-1, self.dim)
        index = nearest_codes(rows, self.codebook)
        chosen = F.embedding(index, self.codebook)
        codes = self.estimate(rows, chosen).reshape(z.shape)
        return Quantized(codes, index.reshape(len(z), *z.shape[2:]), self.loss(rows, chosen))

    def lookup(self, indices: Tensor) -> Tensor:
        """The way back, as wrong as the way there."""
        rows = F.embedding(indices, self.codebook)
        return rows.reshape(len(indices), self.dim, *indices.shape[1:])


def build(kind: str) -> VQVAE:
    """An autoencoder with this mistake."""
    codes, factor = (16, 4) if kind == "few_codes" else (CODES, 4)
    model = VQVAE("vq", {"num_codes": codes, "dim": DIM}, width=WIDTH, depth=2, factor=factor)
    broken = {
        "both_detached": BothDetachedAlike,
        "beta_wrong": BetaOnTheCodebook,
        "no_permute": PlacesMixedWithChannels,
    }
    if kind in broken:
        model.quantizer = broken[kind](CODES, DIM)
    if kind == "no_permute":
        model.quantizer.start_from = lambda z, generator: start_mixed(model.quantizer, z, generator)
    if kind == "far_start":
        with torch.no_grad():
            model.quantizer.codebook.mul_(10)
        model.quantizer.start_from = lambda z, generator: None
    return model


@torch.no_grad()
def start_mixed(quantizer: VectorQuantizer, z: Tensor, generator: torch.Generator) -> None:
    """On the data, as this quantizer reads them."""
    rows = z.reshape(-1, quantizer.dim)
    quantizer.codebook.copy_(rows[torch.randint(len(rows), (CODES,), generator=generator)])


KINDS = ("healthy", "both_detached", "beta_wrong", "no_permute", "far_start", "few_codes")


if __name__ == "__main__":
    compare(__file__, KINDS, build, SEEDS)
