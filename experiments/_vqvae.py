"""A small VQ-VAE trained on StoryWorld, and what it makes of pictures it has not seen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import torch
from _result import write
from torch import Tensor

from mmcourse.joint.pairs import draw
from mmcourse.storyworld import from_bytes
from mmcourse.vqvae import VQVAE, perplexity, psnr, usage
from mmcourse.vqvae.measure import held_out, through
from mmcourse.vqvae.train import train

CODES, DIM, WIDTH, BATCH, LR = 512, 16, 96, 8, 1e-3
SOURCES = ("mmcourse.vqvae", "mmcourse.training", "mmcourse.storyworld")


@cache
def data(pictures: int, n: int) -> tuple[Tensor, Tensor]:
    """Pictures to train on, and n others: uint8 (N, 64, 64, 3)."""
    return draw(pictures)[1], held_out(n)[1]


def decibels(drawn: Tensor, pictures: Tensor) -> float:
    """Mean PSNR of uint8 pictures (N, H, W, 3)."""
    return psnr(from_bytes(drawn), from_bytes(pictures)).mean().item()


def sharpness(drawn: Tensor, pictures: Tensor) -> float:
    """The mean squared difference of neighbouring pixels, in reconstructions over originals."""

    def rough(x: Tensor) -> Tensor:
        x = from_bytes(x)
        return x.diff(dim=-1).square().mean() + x.diff(dim=-2).square().mean()

    return (rough(drawn) / rough(pictures)).item()


def run(
    build: Callable[[], VQVAE], steps: int, seed: int, pictures: int, n: int
) -> dict[str, object]:
    """Train what `build` makes; what it reaches on n held-out pictures, and how use went."""
    shown, unseen = data(pictures, n)
    torch.manual_seed(seed)
    model = build()
    every = max(1, steps // 40)
    used: list[float] = []
    for m in train(model, shown, steps=steps, batch_size=BATCH, lr=LR, seed=seed):
        if m["step"] % every == 0:
            used.append(round(m["perplexity"], 2))
    codes, drawn = through(model, unseen)
    size = model.quantizer.num_codes
    return {
        "psnr": decibels(drawn, unseen),
        "usage": usage(codes, size),
        "perplexity": float(perplexity(codes, size)),
        "sharpness": sharpness(drawn, unseen),
        "history": used,
    }


def over_seeds(runs: list[dict[str, object]]) -> dict[str, object]:
    """Runs of several seeds as one: the mean of each number, and the first run's history."""
    numbers = [k for k in runs[0] if k != "history"]
    means = {k: sum(float(r[k]) for r in runs) / len(runs) for k in numbers}  # type: ignore[arg-type]
    return {**means, "each_psnr": [r["psnr"] for r in runs], "history": runs[0]["history"]}


def compare(
    script: str, kinds: Iterable[str], build: Callable[[str], VQVAE], seeds: Sequence[int]
) -> None:
    """Train each kind with every seed and write what came of it beside the script; with --small in
    the command a few steps of one seed, and nothing is written."""
    small = "--small" in sys.argv[1:]
    steps, pictures, n = (2, 8, 2) if small else (500, 1500, 300)
    found = {}
    for kind in kinds:
        runs = [
            run(lambda k=kind: build(k), steps, seed, pictures, n)
            for seed in (seeds[:1] if small else seeds)
        ]
        found[kind] = over_seeds(runs)
        print(kind, {k: v for k, v in found[kind].items() if k != "history"}, flush=True)
    if not small:
        results = {"seeds": list(seeds), "n": n, "pictures": pictures, "steps": steps}
        write(script, SOURCES, {**results, "codes": CODES, "kinds": found})
