"""A training step of our `DiT` beside diffusers' `PixArtTransformer2DModel`.

    python benchmarks/dit.py [--json] [--rounds N]

Both are 6 blocks of width 192 over the 64 patches of latents 8 x 16 x 16, which share one adaLN and
look at 48 words on average in each block, and take the same step: forward, mean squared error,
backward, AdamW. Both are given the words: what reads them, two blocks of ours or T5 in front of
theirs, is timed on neither side. Each runs in the precision that suits it better. One core.

Ours does what theirs does not: it brings queries and keys to one length (QK-norm), turns them by
their places (RoPE) and mixes in the first block's values. Without these three its step takes
`equal_work`, under "sizes", of theirs.
"""

from __future__ import annotations

import copy

import torch
from _dit import WORDS, build_ours, build_peer, compare, our_step, peer_step, sizes_of
from _timing import options
from torch import Tensor

from mmcourse.dit import DiT, PatchAttention
from mmcourse.nn import WordAttention, attend


class PlainAmong(PatchAttention):
    """Attention among patches without QK-norm, RoPE and the first block's values."""

    def forward(self, x: Tensor, *rest: object) -> tuple[Tensor, Tensor]:
        q, k, v = self._parts(x)
        return self.to_out(attend(q, k, v).transpose(1, 2).flatten(2)), v


class PlainToWords(WordAttention):
    """Attention to words without QK-norm."""

    def forward(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self._parts(x, words)
        return self.to_out(attend(q, k, v, mask).transpose(1, 2).flatten(2))


def without_extras(model: DiT) -> DiT:
    """A copy that does no more than theirs."""
    plain = copy.deepcopy(model)
    for block in plain.blocks:
        block.among.__class__, block.to_words.__class__ = PlainAmong, PlainToWords
        for norms in (block.among, block.to_words):
            norms.q_norm = norms.k_norm = None
        block.among.mix = None
    return plain


def main() -> None:
    """Measure and print."""
    asked = options("Our DiT's training step beside diffusers'.", rounds=8)
    torch.set_num_threads(1)
    batch, shape, sizes = sizes_of(asked.small)
    ours, theirs = build_ours(sizes, shape), build_peer(sizes, shape)
    plain = without_extras(ours)
    compare(
        asked,
        "milliseconds of a diffusion transformer's training step",
        (ours, lambda precision: our_step(ours, batch, precision)),
        (theirs, lambda precision: peer_step(theirs, batch, precision)),
        {"batch": batch, "latents": list(shape), **sizes, "words": WORDS},
        ("equal_work", lambda precision: our_step(plain, batch, precision)),
    )


if __name__ == "__main__":
    main()
