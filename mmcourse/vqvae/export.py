"""The way back from codes as a page calls it: code numbers to a picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.export import Part
from mmcourse.vqvae.autoencoder import VQVAE


class CodeDecoder(nn.Module):
    """`VQVAE.decode` as a module, without its checks."""

    def __init__(self, model: VQVAE) -> None:
        super().__init__()
        self.decoder = model.decoder
        every = torch.arange(model.quantizer.num_codes)
        codes = model.quantizer.lookup(every[None])[0].mT  # (K, D)
        self.codes = nn.Parameter(codes.detach().clone())

    def forward(self, indices: Tensor) -> Tensor:
        """Indices (B, h, w) int64 to pictures (B, 3, factor h, factor w) in [-1, 1]."""
        codes = F.embedding(indices, self.codes).movedim(-1, 1)
        return self.decoder(codes).clamp(-1, 1)


def vqvae_parts(model: VQVAE, side: int = 16) -> list[Part]:
    """`decode`, for grids of side x side codes, checked on numbers drawn at random."""
    dice = torch.Generator().manual_seed(0)
    count = model.quantizer.num_codes
    grids = [(torch.randint(count, (b, side, side), generator=dice),) for b in (2, 1, 5)]
    return [Part("decode", CodeDecoder(model), ("indices",), "pixels", ({0: "batch"},), grids)]
