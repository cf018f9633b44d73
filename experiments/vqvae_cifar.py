"""Photographs of CIFAR-10 through one autoencoder with our quantizer, and with the library's.

    python experiments/vqvae_cifar.py [--small]

Writes vqvae_cifar.json. It needs CIFAR-10 (see `mmcourse.datasets.cifar10`). Both quantizers follow
the encoder as a running mean with decay 0.99 and restart dead codes; vector-quantize-pytorch's
starts by k-means, as it can, and is run with both of its gradient estimators. Everything else is
the same: autoencoder, photographs, their order, steps, learning rate.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from statistics import mean

import torch
from _result import write
from torch import Tensor, nn
from vector_quantize_pytorch import VectorQuantize

from mmcourse.datasets import cifar10
from mmcourse.pictures import from_bytes
from mmcourse.vqvae import VQVAE, Quantized, psnr, usage
from mmcourse.vqvae.train import train

SEEDS, CODES, DIM, BATCH, LR = (0, 1, 2), 512, 32, 32, 1e-3


class Library(nn.Module):
    """vector-quantize-pytorch's quantizer behind the interface of ours."""

    def __init__(self, rotation: bool) -> None:
        super().__init__()
        self.num_codes, self.dim = CODES, DIM
        self.inner = VectorQuantize(
            DIM,
            CODES,
            decay=0.99,
            threshold_ema_dead_code=2,
            kmeans_init=True,
            commitment_weight=0.25,
            rotation_trick=rotation,
        )

    def forward(self, z: Tensor) -> Quantized:
        """(B, D, h, w) to codes, indices and loss."""
        codes, indices, loss = self.inner(z.flatten(2).mT)
        shape = (len(z), *z.shape[2:])
        return Quantized(codes.mT.reshape(z.shape), indices.reshape(shape), loss.sum())

    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """It starts by itself, by k-means on the first batch."""


def run(kind: str, seed: int, pictures: Tensor, unseen: Tensor, steps: int) -> dict[str, float]:
    """Train with one quantizer; PSNR and use of the codebook on photographs it has not seen."""
    torch.manual_seed(seed)
    model = VQVAE("ema", {"num_codes": CODES, "dim": DIM}, width=128)
    if kind != "ours":
        model.quantizer = Library(kind == "library_rotation")
    for _ in train(model, pictures, steps=steps, batch_size=BATCH, lr=LR, seed=seed):
        pass
    decibels, indices = [], []
    with torch.no_grad():
        for part in unseen.split(100):
            x = from_bytes(part.movedim(-1, 1))
            drawn, found = model(x)
            decibels.append(psnr(drawn.clamp(-1, 1), x))
            indices.append(found.indices)
    return {"psnr": torch.cat(decibels).mean().item(), "usage": usage(torch.cat(indices), CODES)}


def main(small: bool) -> None:
    """All kinds with every seed, and write."""
    torch.manual_seed(0)
    if small:
        dice = torch.Generator().manual_seed(0)
        pictures = torch.randint(256, (64, 32, 32, 3), dtype=torch.uint8, generator=dice)
        unseen, steps, seeds = pictures[:20], 3, SEEDS[:1]
    else:
        pictures, unseen = (cifar10(s).pixels.movedim(1, -1) for s in ("train", "test"))
        unseen, steps, seeds = unseen[torch.randperm(len(unseen))[:2000]], 500, SEEDS
    found = {}
    for kind in ("ours", "library_straight_through", "library_rotation"):
        runs = [run(kind, seed, pictures, unseen, steps) for seed in seeds]
        found[kind] = {
            k: {"mean": mean(r[k] for r in runs), "each": [r[k] for r in runs]}
            for k in ("psnr", "usage")
        }
        print(kind, found[kind], flush=True)
    if small:
        return
    results = {
        "seeds": list(seeds),
        "n": len(unseen),
        "pictures": len(pictures),
        "steps": steps,
        "codes": CODES,
        "library": version("vector_quantize_pytorch"),
        "results": found,
    }
    write(__file__, ["mmcourse.vqvae", "mmcourse.training", "mmcourse.datasets"], results)


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
