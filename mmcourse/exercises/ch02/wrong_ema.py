"""Codebooks of running means with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.vqvae.ema import EMAVectorQuantizer, add_batch_, running_means
from mmcourse.vqvae.losses import vq_loss
from mmcourse.vqvae.quantizer import Quantized, to_rows


class MovesInEval(EMAVectorQuantizer):
    def forward(self, z: Tensor) -> Quantized:
        found = super().forward(z)
        if not self.training:
            self.follow(to_rows(z.detach()).float(), found.indices.flatten())
        return found


class NotInBuffers(EMAVectorQuantizer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counts, sums = self.counts, self.sums
        del self.counts, self.sums
        self.counts, self.sums = counts, sums  # plain attributes now


class Unsmoothed(EMAVectorQuantizer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.epsilon = 0.0


class RestartsWithoutSums(EMAVectorQuantizer):
    @torch.no_grad()
    def follow(self, rows: Tensor, index: Tensor) -> None:
        add_batch_(self.counts, self.sums, rows, index, self.decay)
        running_means(self.counts, self.sums, self.epsilon, out=self.codebook)
        if self.restart_below > 0:
            dead = self.counts < self.restart_below
            self.codebook[dead] = rows[torch.randint(len(rows), (int(dead.sum()),))]
            self.counts[dead] = self.restart_below
        self.updates += 1


class WrongDecay(EMAVectorQuantizer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.decay = 1 - self.decay


class LearnsToo(EMAVectorQuantizer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codebook = self.codebook
        del self.codebook
        self.codebook = nn.Parameter(codebook)

    def loss(self, rows: Tensor, chosen: Tensor) -> Tensor:
        return vq_loss(rows, chosen, self.beta)


class MeansForSums(EMAVectorQuantizer):
    @torch.no_grad()
    def follow(self, rows: Tensor, index: Tensor) -> None:
        here = torch.bincount(index, minlength=self.num_codes)
        super().follow(rows / here[index][:, None], index)


class FollowsItself(EMAVectorQuantizer):
    @torch.no_grad()
    def follow(self, rows: Tensor, index: Tensor) -> None:
        super().follow(self.codebook[index], index)
