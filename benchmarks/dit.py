"""A training step of our `DiT` beside diffusers' `PixArtTransformer2DModel`.

    python benchmarks/dit.py [--json] [--rounds N]

Both are 6 blocks of width 192 over the 64 patches of latents 8 x 16 x 16, which share one adaLN and
look at 48 words on average in each block, and take the same step: forward, mean squared error,
backward, AdamW. Both are given the words: what reads them, two blocks of ours or T5 in front of
theirs, is timed on neither side. Each runs in the precision that suits it better. One core.
"""

from __future__ import annotations

import torch
from _dit import WORDS, build_ours, build_peer, compare, our_step, peer_step, sizes_of
from _timing import options


def main() -> None:
    """Measure and print."""
    asked = options("Our DiT's training step beside diffusers'.", rounds=8)
    torch.set_num_threads(1)
    batch, shape, sizes = sizes_of(asked.small)
    ours, theirs = build_ours(sizes, shape), build_peer(sizes, shape)
    compare(
        asked,
        "milliseconds of a diffusion transformer's training step",
        (ours, lambda precision: our_step(ours, batch, precision)),
        (theirs, lambda precision: peer_step(theirs, batch, precision)),
        {"batch": batch, "latents": list(shape), **sizes, "words": WORDS},
    )


if __name__ == "__main__":
    main()
