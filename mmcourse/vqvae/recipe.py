"""How the shipped VQ-VAE was trained, and the same recipe at every other tier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.joint.pairs import draw
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.measure import measure_vqvae
from mmcourse.vqvae.train import train

PARTS = ("nearest", "gradient", "losses", "quantizer", "ema", "blocks", "autoencoder", "train")
SOURCES = (
    "mmcourse.training",
    *DRAWING,
    *(f"mmcourse.vqvae.{name}" for name in PARTS),
)
"""What the weights depend on."""
BANDS = {"psnr": 0.5, "tiles": 0.5, "usage": 0.05, "perplexity": 60.0, "read": 0.02}
"""How far a new measurement, of fewer pictures, may lie from the card's; by the metric's kind."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: pictures drawn once, optimiser steps, pictures in a batch, and pictures
    to measure on (None: the card's)."""

    pictures: int
    steps: int
    batch_size: int = 8
    lr: float = 1e-3
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(pictures=64, steps=6, batch_size=4, measured=16),
    "cpu": Recipe(pictures=1_500, steps=250, measured=300),
    "gpu": Recipe(pictures=24_000, steps=6_000, batch_size=64, lr=2e-3),
    "full": Recipe(pictures=24_000, steps=14_000),
}


def build() -> VQVAE:
    """The shipped autoencoder, untrained: 1,024 codes, a grid of a quarter of the sides."""
    return VQVAE("ema", {"num_codes": 1024, "dim": 32})


def settled(model: VQVAE) -> VQVAE:
    """The same autoencoder, its codebook a parameter: running counts and sums serve training alone,
    and would be an eighth of the file."""
    options = {"num_codes": model.quantizer.num_codes, "dim": model.quantizer.dim}
    plain = VQVAE(**{**model._arguments, "quantizer": "vq", "options": options})
    kept = plain.state_dict().keys()
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if k in kept})
    return plain.eval()


def train_vqvae(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the VQ-VAE, and write its card.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when the same command is given
    again; the checkpoint is deleted once the card is written.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the pictures and their order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = RECIPES[tier]
    command = f"mmcourse train vqvae --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model = build()
    _, pictures = draw(recipe.pictures, seed=seed)
    loop = train(
        model,
        pictures,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, recipe.steps, ("loss", "psnr", "perplexity"))
    if not run.main:
        return
    settled(model).save_pretrained(out, dtype=torch.float16)
    model = VQVAE.from_pretrained(out, device=str(pick_device()))
    metrics = {
        name: {**m, "band": BANDS[name.split("_")[0]]}
        for name, m in measure_vqvae(model, recipe.measured).items()
    }
    run.finish(
        "vqvae",
        tier,
        seed,
        data=f"StoryWorld train, {recipe.pictures} scenes at 64x64, seed {seed}",
        metrics=metrics,
        history=history(run.log_rows(), ("psnr", "perplexity")),
    )
