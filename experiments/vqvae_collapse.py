"""One careless start, and what becomes of it with each cure against collapse.

    python experiments/vqvae_collapse.py [--small]

Writes vqvae_collapse.json. The codes are drawn between -1 / K and 1 / K, a habit of published code,
and lie in a heap where the encoder's vectors are far apart. `data_start` starts on the first
batch's vectors instead, and cosine codes, SimVQ and FSQ as they are made: length 1, a map that
turns fixed vectors of length about 1, no codebook.
"""

from __future__ import annotations

import torch
from _vqvae import CODES, DIM, WIDTH, compare

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


if __name__ == "__main__":
    compare(__file__, KINDS, build, SEEDS)
