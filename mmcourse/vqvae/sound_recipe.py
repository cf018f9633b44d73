"""How the shipped VQ-VAE of sounds was trained, and what its card states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.runs import Run, check_precision
from mmcourse.training import evaluating, pick_device, seed_everything
from mmcourse.vqvae.sound_model import SoundVQVAE, spectral_distance
from mmcourse.vqvae.sounds import RATE, sample_sounds
from mmcourse.vqvae.train import train
from mmcourse.vqvae.usage import perplexity, usage

PARTS = ("nearest", "gradient", "losses", "quantizer", "ema", "blocks", "autoencoder", "train",
         "sounds", "sound_model")  # fmt: skip
SOURCES = ("mmcourse.training", *(f"mmcourse.vqvae.{name}" for name in PARTS))
"""What the weights depend on."""
BANDS = {"distance": 0.03, "bits": 1.0, "usage": 0.15, "perplexity": 40.0}
"""How far a new measurement may lie from the card's; by the metric's kind."""
TEST_SEED = 1
"""Of the sounds that are measured on; training draws from seeds that are even."""


@dataclass(frozen=True)
class Recipe:
    """Sounds made once, optimiser steps, sounds in a batch."""

    sounds: int
    steps: int
    batch_size: int = 16
    lr: float = 2e-3


RECIPES = {
    "smoke": Recipe(sounds=8, steps=3, batch_size=4),
    "cpu": Recipe(sounds=200, steps=60),
    "gpu": Recipe(sounds=4_000, steps=3_000),
    "full": Recipe(sounds=2_000, steps=2_000),
}


def build() -> SoundVQVAE:
    """The shipped model, untrained: 256 codes, 250 of them a second."""
    return SoundVQVAE("ema", {"num_codes": 256, "dim": 16}, width=64)


def measure_sound(
    model: SoundVQVAE, n: int | None = None
) -> dict[str, dict[str, float | int | None]]:
    """How far reconstructions are from n unseen sounds, and what a second of sound costs.

    The distance's `chance` is that of silence.

    Raises:
        ValueError: n below 1.
    """
    n = 200 if n is None else n
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    sounds = sample_sounds(n, seed=TEST_SEED)[0].to(next(model.parameters()).device)
    with evaluating(model):
        codes = model.encode(sounds)
        far = spectral_distance(model.decode(codes), sounds).item()
    silence = spectral_distance(torch.zeros_like(sounds), sounds).item()
    size = model.quantizer.num_codes
    bits = RATE / model.factor * math.log2(size)
    return {
        "distance": {"value": far, "n": n, "chance": silence},
        "bits_a_second": {"value": bits, "n": n, "chance": 16.0 * RATE},
        "usage": {"value": usage(codes, size), "n": n, "chance": None},
        "perplexity": {"value": float(perplexity(codes, size)), "n": n, "chance": None},
    }


def train_vqvae_sound(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the VQ-VAE of sounds, and write its card.

    Progress is kept in `out`, so a killed run goes on when the same command is given again.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the sounds and their order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = RECIPES[tier]
    command = f"mmcourse train vqvae-sound --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model = build()
    loop = train(
        model,
        sample_sounds(recipe.sounds, seed=2 * seed)[0],
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, recipe.steps, ("loss", "perplexity"))
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.float16)
    model = SoundVQVAE.from_pretrained(out, device=str(pick_device()))
    measured = measure_sound(model, 8 if tier == "smoke" else None)
    metrics = {name: {**m, "band": BANDS[name.split("_")[0]]} for name, m in measured.items()}
    run.finish(
        "vqvae-sound",
        tier,
        seed,
        data=f"{recipe.sounds} made sounds of a second, seed {2 * seed}",
        metrics=metrics,
    )
