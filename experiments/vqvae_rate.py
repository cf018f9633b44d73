"""Bits and errors: codebooks of several sizes, grids of two, beside JPEG and WebP.

    python experiments/vqvae_rate.py [--small]

Writes vqvae_rate.json. The same small autoencoder, trained on StoryWorld for the same number of
steps, with K codes at a quarter or an eighth of the sides. Its bits are counted by a table, log2 K
each, and by how often each code occurs. JPEG and WebP write all pictures into one file, so that
headers don't count. Measured are held-out scenes of StoryWorld, and squares of photographs, which
no autoencoder here has ever seen.
"""

from __future__ import annotations

import math
import sys

import torch
from _result import write
from _vqvae import BATCH, DIM, LR, SOURCES, WIDTH, data
from torch import Tensor

from mmcourse.datasets import photographs
from mmcourse.pictures import to_bytes
from mmcourse.storyworld import from_bytes
from mmcourse.vqvae import VQVAE, perplexity, psnr
from mmcourse.vqvae.codecs import QUALITIES, through_file
from mmcourse.vqvae.measure import through
from mmcourse.vqvae.train import train

SEED = 0
GRIDS = {4: (4, 16, 64, 256, 1024), 8: (64, 1024)}
"""Codes, by how much shorter the sides of the grid are."""


def squares(n: int, size: int = 64, side: int = 320) -> Tensor:
    """The first n squares that photographs, each at side x side pixels, are cut into: uint8
    (n, size, size, 3)."""
    whole = torch.stack(list(photographs(side).values()))  # (P, 3, side, side)
    tiles = whole.unfold(2, size, size).unfold(3, size, size)  # (P, 3, rows, columns, size, size)
    cut = tiles.permute(2, 3, 0, 4, 5, 1).flatten(0, 2)  # of every photograph in turn
    return to_bytes(cut[:n])


def decibels(drawn: Tensor, pictures: Tensor) -> float:
    """Mean PSNR."""
    return psnr(from_bytes(drawn), from_bytes(pictures)).mean().item()


def main(small: bool) -> None:
    """All codebooks and all qualities, and write."""
    steps, pictures, n = (2, 16, 4) if small else (500, 1500, 225)
    shown, scenes = data(pictures, n)
    sets = {"storyworld": scenes, "photographs": squares(n)}
    found: dict[str, list[dict[str, float]]] = {f"{name}_codes": [] for name in sets}
    for factor, sizes in GRIDS.items():
        for size in sizes[:1] if small else sizes:
            torch.manual_seed(SEED)
            options = {"num_codes": size, "dim": DIM}
            model = VQVAE("ema", options, width=WIDTH, depth=2, factor=factor)
            for _ in train(model, shown, steps=steps, batch_size=BATCH, lr=LR, seed=SEED):
                pass
            for name, these in sets.items():
                codes, drawn = through(model, these)
                cells = codes[0].numel()
                by_use = cells * math.log2(float(perplexity(codes, size)))
                row = {"factor": factor, "codes": size, "bits_table": cells * math.log2(size)}
                row |= {"bits_use": by_use, "psnr": decibels(drawn, these)}
                found[f"{name}_codes"].append(row)
                print(name, row, flush=True)
    for name, these in sets.items():
        for kind, qualities in QUALITIES.items():
            rows = []
            for quality in qualities[:2] if small else qualities:
                size, back = through_file(these, kind, quality)
                bits = {"quality": quality, "bits": 8 * size / len(these)}
                rows.append({**bits, "psnr": decibels(back, these)})
            found[f"{name}_{kind.lower()}"] = rows
    if not small:
        results = {"seed": SEED, "n": n, "pictures": pictures, "steps": steps}
        write(__file__, (*SOURCES, "mmcourse.photographs"), {**results, **found})


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
