"""A training step of our `DiT` beside diffusers' `PixArtTransformer2DModel`.

    python benchmarks/dit.py [--json] [--rounds N]

Both are 6 blocks of width 192 over the 64 patches of latents 8 x 16 x 16, which share one adaLN and
look at 48 words on average in each block, and take the same step: forward, mean squared error,
backward, AdamW. Both are given the words: what reads them, two blocks of ours or T5 in front of
theirs, is timed on neither side. Each runs in the precision that suits it better. One core.
"""

from __future__ import annotations

from importlib.metadata import version

import torch
from _dit import WORDS, best_step, build_ours, build_peer, our_step, peer_step, sizes_of
from _timing import in_turns, options, report

from mmcourse.cards import environment
from mmcourse.training import count_parameters


def main() -> None:
    """Measure and print."""
    asked = options("Our DiT's training step beside diffusers'.", rounds=8)
    torch.set_num_threads(1)
    batch, shape, sizes = sizes_of(asked.small)
    ours, theirs = build_ours(sizes, shape), build_peer(sizes, shape)
    our_precision, our_best = best_step(lambda precision: our_step(ours, batch, precision))
    peer_precision, peer_best = best_step(lambda precision: peer_step(theirs, batch, precision))
    our_seconds, peer_seconds = in_turns(our_best, peer_best, asked.rounds)
    report(
        {
            "quantity": "milliseconds of a diffusion transformer's training step",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {
                "batch": batch,
                "latents": list(shape),
                **sizes,
                "words": WORDS,
                "parameters": count_parameters(ours),
                "peer_parameters": count_parameters(theirs),
                "precision": our_precision,
                "peer_precision": peer_precision,
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
