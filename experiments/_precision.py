"""One training that goes on when it is told to: a process of `precision.py`, of today's package or
of an older one, whichever PYTHONPATH names.

    echo 5 | python experiments/_precision.py towers bf16 0 32 300

Each line that it reads is a number of steps; it takes them and prints their seconds of processor
time and their losses. Only names that the older package has too are used.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice

import torch
from torch import nn

from mmcourse.joint.pairs import draw, storyworld_pairs
from mmcourse.joint.recipe import build
from mmcourse.joint.train import train as train_towers
from mmcourse.nn import ResidualBlock
from mmcourse.vqvae import VQVAE
from mmcourse.vqvae.blocks import Upsample
from mmcourse.vqvae.train import train as train_autoencoder

SCENES = 2_000


def dense(width: int = 128, depth: int = 2) -> VQVAE:
    """A VQ-VAE of chapter 2's quantizer between dense 3x3 convolutions, as later chapters have."""
    model = VQVAE("ema", {"num_codes": 1024, "dim": 64}, width=8, depth=0)
    blocks = [ResidualBlock(width) for _ in range(2 * depth)]
    model.encoder = nn.Sequential(
        nn.PixelUnshuffle(4),
        nn.Conv2d(48, width, 3, padding=1),
        *blocks[:depth],
        nn.Conv2d(width, 64, 1),
    )
    model.decoder = nn.Sequential(
        nn.Conv2d(64, width, 3, padding=1),
        *blocks[depth:],
        Upsample(width, width // 2, size=1),
        *(ResidualBlock(width // 2) for _ in range(depth)),
        Upsample(width // 2, 3),
    )
    return model


def training(
    what: str, precision: str, seed: int, batch: int, steps: int
) -> Iterator[dict[str, float]]:
    """The loop of one of the two."""
    torch.manual_seed(seed)
    n = max(batch, min(SCENES, batch * steps))
    options = {"steps": steps, "batch_size": batch, "precision": precision}
    if what == "towers":
        model, pairs = build(), storyworld_pairs(n, seed=seed, captions=4)
        return train_towers(model, pairs, lr=6e-4, **options)
    return train_autoencoder(dense(), draw(n, seed=seed)[1], lr=1e-3, seed=seed, **options)


def main() -> None:
    what, precision, seed, batch, steps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.set_num_threads(1)
    loop = training(what, precision, seed, batch, steps)
    for line in sys.stdin:
        seconds, losses, before = [], [], time.process_time()
        for row in islice(loop, int(line)):
            seconds.append(time.process_time() - before)
            losses.append(row["loss"])
            before = time.process_time()
        print(json.dumps({"seconds": seconds, "losses": losses}), flush=True)


if __name__ == "__main__":
    main()
