"""Several codes at each place, each for what those before it have left over."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.vqvae.autoencoder import pick_quantizer
from mmcourse.vqvae.ema import EMAVectorQuantizer
from mmcourse.vqvae.fsq import FSQ
from mmcourse.vqvae.gradient import straight_through
from mmcourse.vqvae.quantizer import Quantized, VectorQuantizer, check_width


class ResidualQuantizer(nn.Module):
    """The first codebook rounds the vector, the next one the difference that is left, and so on.

    L codebooks of K codes tell K to the power of L vectors apart, for L searches among K.

    Source: Zeghidour et al., SoundStream, 2021, section III.C; of pictures, Lee et al.,
    Autoregressive Image Generation using Residual Quantization, 2022.

    Args:
        levels: L, codes at each place.
        quantizer: of each level: "ema", "vq", ... as in chapter 2.
        options: its arguments, "num_codes" and "dim" at least.
    """

    def __init__(
        self, levels: int = 4, quantizer: str = "ema", options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        if levels < 1:
            raise ValueError(f"levels must be at least 1, got {levels}")
        self.levels = nn.ModuleList(pick_quantizer(quantizer, options) for _ in range(levels))
        self.num_codes, self.dim = self.level(0).num_codes, self.level(0).dim
        for i in range(levels):
            level = self.level(i)
            if isinstance(level, EMAVectorQuantizer):
                level.seed += i  # or all levels would restart codes by the same draws

    def level(self, i: int) -> VectorQuantizer | FSQ:
        """The quantizer of level i, counted from 0."""
        return self.levels[i]  # type: ignore[return-value]

    def forward(self, z: Tensor) -> Quantized:
        """Choose `levels` codes for each place of z (B, D, ...): the sum of the codes, indices
        (B, ..., L) and the sum of the levels' losses.

        Raises:
            ValueError: another width, or NaN.
        """
        check_width(z, self.dim)
        left, summed, indices = z.float(), torch.zeros_like(z, dtype=torch.float32), []
        loss = summed.new_zeros(())
        for i in range(len(self.levels)):
            found = self.level(i)(left)
            chosen = found.codes.detach()
            left, summed, loss = left - chosen, summed + chosen, loss + found.loss
            indices.append(found.indices)
        return Quantized(straight_through(z.float(), summed), torch.stack(indices, -1), loss)

    def lookup(self, indices: Tensor) -> Tensor:
        """Indices (B, ..., L) to sums of their codes (B, D, ...); the first levels alone will do.

        Raises:
            ValueError: more levels than there are, or an index out of range.
        """
        if not 1 <= indices.shape[-1] <= len(self.levels):
            raise ValueError(
                f"indices must be (B, ..., L) with L from 1 to {len(self.levels)}, got "
                f"{tuple(indices.shape)}"
            )
        each = [self.level(i).lookup(part) for i, part in enumerate(indices.unbind(-1))]
        return torch.stack(each).sum(0)

    @torch.no_grad()
    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """Put each level's codes onto what the levels before it leave of z (B, D, ...).

        Give several times as many vectors as there are codes: those that became codes themselves
        leave nothing to the next level.
        """
        left = z.float()
        for i in range(len(self.levels)):
            quantizer = self.level(i)
            quantizer.start_from(left, generator)
            training = quantizer.training
            left = left - quantizer.eval()(left).codes
            quantizer.train(training)
