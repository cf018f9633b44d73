"""What the shipped VQ-VAE's networks could do with more bits at each place.

    python experiments/vqvae_bits.py [--small]

Writes vqvae_bits.json: PSNR, and the share of the judge's answers that stay the same. Encoder and
decoder go on from the shipped weights, with several codes at each place, one on what the last has
left over (residual quantization, by vector-quantize-pytorch), or with nothing rounded at all.
Beside them, tiles of the picture itself rounded to the nearest of 1,024 tiles found by k-means:
what ten bits do without any network.
"""

from __future__ import annotations

import sys

import torch
from _result import write
from _vqvae import BATCH, SOURCES, data
from torch import Tensor, nn
from torch.nn import functional as F
from vector_quantize_pytorch import ResidualVQ, VectorQuantize

from mmcourse.pictures import to_bytes
from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.judge.network import Judge
from mmcourse.vqvae import VQVAE, Quantized, psnr
from mmcourse.vqvae.measure import held_out, read_alike
from mmcourse.vqvae.train import train

LEVELS, CODES, LR, SEED = (1, 2, 4, 8), 1024, 1e-3, 0


class Residual(nn.Module):
    """So many codes for each vector, the library's, behind the interface of our quantizers."""

    def __init__(self, levels: int, dim: int) -> None:
        super().__init__()
        self.num_codes, self.dim = CODES, dim
        self.inner = ResidualVQ(
            dim=dim,
            num_quantizers=levels,
            codebook_size=CODES,
            decay=0.99,
            threshold_ema_dead_code=2,
            kmeans_init=True,
            commitment_weight=0.25,
        )

    def forward(self, z: Tensor) -> Quantized:
        """(B, D, h, w) to sums of codes, indices (B, h w, levels) and loss."""
        codes, indices, loss = self.inner(z.flatten(2).mT)
        return Quantized(codes.mT.reshape(z.shape), indices, loss.sum())

    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """It starts by itself, by k-means on the first batch."""


class Unrounded(nn.Module):
    """No quantizer: everything passes as it is."""

    num_codes = 1

    def forward(self, z: Tensor) -> Quantized:
        """(B, D, h, w) to itself."""
        return Quantized(z, z.new_zeros(1, dtype=torch.int64), z.new_zeros(()))

    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """There is nothing to start."""


def measure(drawn: Tensor) -> dict[str, float]:
    """PSNR and the judge's opinion of the first held-out pictures, drawn again (N, 3, H, W)."""
    scenes, pictures = held_out(len(drawn))
    judge = Judge.from_pretrained("judge").eval()
    seen = to_bytes(drawn.clamp(-1, 1)).movedim(1, -1)
    return {
        "psnr": psnr(drawn.clamp(-1, 1), from_bytes(pictures)).mean().item(),
        "read_alike": read_alike(judge, scenes, seen, pictures),
    }


@torch.no_grad()
def through(model: VQVAE, pictures: Tensor) -> dict[str, float]:
    """What is measured of reconstructions of uint8 pictures (N, H, W, 3)."""
    model.eval()
    return measure(torch.cat([model(x)[0] for x in from_bytes(pictures).split(50)]))


def go_on(quantizer: nn.Module, pictures: Tensor, unseen: Tensor, steps: int) -> dict[str, float]:
    """The same after so many more steps of the shipped networks with this quantizer."""
    torch.manual_seed(SEED)
    model = VQVAE.from_pretrained("vqvae")
    model.quantizer = quantizer
    for _ in train(model, pictures, steps=steps, batch_size=BATCH, lr=LR, seed=SEED):
        pass
    return through(model, unseen)


@torch.no_grad()
def tiles_by_k_means(pictures: Tensor, unseen: Tensor, side: int = 4) -> dict[str, float]:
    """The same of unseen pictures whose tiles are each the nearest of 1,024."""

    def tiles(x: Tensor) -> Tensor:
        return F.pixel_unshuffle(from_bytes(x), side).movedim(1, -1).flatten(0, 2)

    known, wanted = tiles(pictures), tiles(unseen)
    known = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(SEED))]
    torch.manual_seed(SEED)
    clusters = VectorQuantize(3 * side**2, CODES, kmeans_init=True, kmeans_iters=20)
    clusters.train()(known[None, :50_000])  # the first batch is what it starts from
    clusters.eval()
    nearest = torch.cat([clusters(w[None])[0][0] for w in wanted.split(8192)])
    grid = nearest.unflatten(0, (len(unseen), *(n // side for n in unseen.shape[1:3])))
    return measure(F.pixel_shuffle(grid.movedim(-1, 1), side))


def main() -> None:
    """Measure all of it and write the file; --small tries a few steps and writes nothing."""
    small = "--small" in sys.argv[1:]
    steps, pictures, n = (2, 8, 2) if small else (1000, 8000, 500)
    shown, unseen = data(pictures, n)
    shipped = VQVAE.from_pretrained("vqvae")
    dim = shipped.quantizer.dim
    found = {
        "k_means": tiles_by_k_means(shown, unseen),
        "shipped": through(shipped, unseen),
    }
    print(found, flush=True)
    found["unrounded"] = go_on(Unrounded(), shown, unseen, steps)
    print(found["unrounded"], flush=True)
    levels = []
    for count in LEVELS[:2] if small else LEVELS:
        reached = go_on(Residual(count, dim), shown, unseen, steps)
        levels.append({"codes": count, "bits": 10 * count, **reached})
        print(levels[-1], flush=True)
    if not small:
        results = {"seed": SEED, "n": n, "pictures": pictures, "steps": steps, "lr": LR}
        write(__file__, SOURCES, {**results, **found, "levels": levels})


if __name__ == "__main__":
    main()
