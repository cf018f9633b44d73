"""One careless start, and what becomes of it with each cure against collapse.

    python experiments/vqvae_collapse.py [--small]

Writes vqvae_collapse.json. The codes are drawn between -1 / K and 1 / K, a habit of published code,
and lie in a heap where the encoder's vectors are far apart. `data_start` starts on the first
batch's vectors instead, and cosine codes, SimVQ and FSQ as they are made: length 1, a map that
turns fixed vectors of length about 1, no codebook.
"""

from __future__ import annotations

import sys

import torch
from _result import write
from _vqvae import CODES, DIM, SOURCES, WIDTH, over_seeds, run

from mmcourse.vqvae import VQVAE

SEEDS = (0, 1)
KINDS: dict[str, tuple[str, dict]] = {
    "plain": ("vq", {}),
    "data_start": ("vq", {}),
    "ema": ("ema", {"restart_below": 0}),
    "ema_restart": ("ema", {}),
    "cosine": ("cosine", {}),
    "simvq": ("simvq", {}),
    "rotation": ("vq", {"estimator": "rotation"}),
    "fsq": ("fsq", {"levels": [8, 8, 8]}),
}


def build(kind: str) -> VQVAE:
    """An autoencoder with this cure, not started on the data."""
    name, options = KINDS[kind]
    if name != "fsq":
        options = {"num_codes": CODES, "dim": DIM, **options}
    model = VQVAE(name, options, width=WIDTH, depth=2)
    quantizer = model.quantizer
    if kind in ("data_start", "fsq"):
        return model
    quantizer.start_from = lambda z, generator: None  # the start stays as it is
    if name in ("vq", "ema"):
        with torch.no_grad():
            codebook = quantizer.codebook.uniform_(-1 / CODES, 1 / CODES)
            if name == "ema":
                quantizer.sums.copy_(codebook)
    return model


def main(small: bool) -> None:
    """All kinds with every seed, and write."""
    steps, seeds = (3, SEEDS[:1]) if small else (500, SEEDS)
    pictures, n = (16, 8) if small else (1500, 300)
    found = {}
    for kind in KINDS:
        runs = [run(lambda k=kind: build(k), steps, seed, pictures, n) for seed in seeds]
        found[kind] = over_seeds(runs)
        print(kind, {k: v for k, v in found[kind].items() if k != "history"}, flush=True)
    if not small:
        results = {"seeds": list(seeds), "n": n, "pictures": pictures, "steps": steps}
        write(__file__, SOURCES, {**results, "codes": CODES, "kinds": found})


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
