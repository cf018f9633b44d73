"""How the shipped continuous autoencoder was trained, and the same recipe at every other tier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.latents_data import draw_pictures
from mmcourse.vqgan.latents_measure import SIZE, measure_latents
from mmcourse.vqgan.latents_train import Plan, train
from mmcourse.vqgan.perceptual import PerceptualLoss

PARTS = ("adaptive", "autoencoder", "discriminator", "features", "latents", "latents_train")
SOURCES = (
    *("mmcourse.nn.conv", "mmcourse.training", "mmcourse.vqvae.blocks"),
    *DRAWING,
    *(f"mmcourse.vqgan.{part}" for part in (*PARTS, "losses", "perceptual")),
)
"""What the weights depend on."""
BANDS = {"psnr": 0.5, "linear": 0.5, "read": 0.01, "spread": 0.05}
"""How far a new measurement, of fewer pictures, may lie from the card's; by the metric's kind."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: pictures drawn once at 128 pixels, the plans by name in their order, and
    scenes to measure on (None: the card's)."""

    pictures: int
    crops: Plan
    whole: Plan
    critic: Plan
    measured: int | None = None

    def plans(self) -> dict[str, Plan]:
        """Squares of 64 pixels first, then whole pictures, then the decoder against the critic."""
        return {"crops": self.crops, "whole": self.whole, "critic": self.critic}


RECIPES = {
    "smoke": Recipe(16, Plan(4, 4, 32), Plan(2, 2), Plan(2, 2, lr=3e-4, critic=True), measured=8),
    "cpu": Recipe(
        1_024, Plan(250, 16, 64), Plan(40, 12), Plan(20, 8, lr=3e-4, critic=True), measured=200
    ),
    "gpu": Recipe(
        24_000, Plan(6_000, 64, 64), Plan(4_000, 32), Plan(3_000, 32, lr=3e-4, critic=True)
    ),
    "full": Recipe(8_192, Plan(3_000, 16, 64), Plan(1_500, 8), Plan(300, 6, lr=3e-4, critic=True)),
}


def train_latents(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the continuous autoencoder, and write its card.

    Progress is kept in `out`/checkpoint-*.pt, so a killed run goes on when the same command is
    given again; the checkpoints are deleted once the card is written.

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
    command = f"mmcourse train latents-128 --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model = LatentAutoencoder()
    perceptual = PerceptualLoss(Features.from_pretrained("features"))
    pictures = draw_pictures(recipe.pictures, SIZE, seed=seed)
    for name, plan in recipe.plans().items():
        loop = train(
            model,
            pictures,
            plan,
            perceptual,
            precision=precision,
            checkpoint=out / f"checkpoint-{name}.pt",
            seed=seed,
        )
        run.follow(loop, plan.steps, ("loss", "psnr"), name)
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.float16)
    model = LatentAutoencoder.from_pretrained(out, device=str(pick_device()))
    metrics = {
        name: {**m, "band": BANDS[name.split("_")[0]]}
        for name, m in measure_latents(model, recipe.measured).items()
    }
    run.finish(
        "latents-128",
        tier,
        seed,
        data=f"StoryWorld train, {recipe.pictures} scenes at 128x128, seed {seed}",
        metrics=metrics,
        history=history(run.log_rows(), ("loss", "psnr")),
    )
