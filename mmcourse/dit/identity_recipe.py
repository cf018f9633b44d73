"""How the shipped identity encoder was trained, and the same recipe at every other tier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.dit import portraits
from mmcourse.dit.identity import IdentityEncoder
from mmcourse.dit.identity_measure import measure_identity
from mmcourse.dit.identity_train import train
from mmcourse.hub import weights_hash
from mmcourse.runs import Run, check_precision, history
from mmcourse.training import pick_device, seed_everything

SOURCES = (
    *("mmcourse.nn.conv", "mmcourse.training", *portraits.SOURCES),
    *("mmcourse.dit.identity", "mmcourse.dit.identity_train"),
)
"""What the weights depend on, beside latents."""
OTHER_SEED = 4_000_000
"""The heroes are of a seed of their own: a denoiser that learns from vectors of portraits must not
be shown sharper ones than it will see."""
TOLD = ("loss", "traits")


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: portraits, steps, portraits to measure on (None: the card's)."""

    portraits: int
    steps: int
    batch_size: int = 64
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(16, 6, 8, measured=8),
    "cpu": Recipe(2_000, 300, measured=200),
    "gpu": Recipe(60_000, 20_000, 128),
    "full": Recipe(24_000, 6_000),
}


def train_identity(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the identity encoder, and write its card.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when the same command is given
    again; the checkpoint is deleted once the card is written.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the portraits and their order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe, latents = RECIPES[tier], weights_hash("latents-128")
    command = f"mmcourse train identity --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, f"{command} on latents {latents}", sources_hash(SOURCES))
    seed_everything(seed)
    loop = train(
        model := IdentityEncoder(),
        portraits.draw_portraits(recipe.portraits, seed=OTHER_SEED + seed),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, recipe.steps, TOLD)
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.int8)
    model = IdentityEncoder.from_pretrained(out, device=str(pick_device()))
    found = measure_identity(model, recipe.measured)
    run.command = command  # without what is hashed
    run.finish(
        "identity",
        tier,
        seed,
        data=f"StoryWorld train, {recipe.portraits} portraits, seed {OTHER_SEED + seed}, every "
        f"{portraits.DECODED_EVERY}th of them through latents-128 {latents}",
        metrics={name: {**m, "band": 0.1} for name, m in found.items()},
        history=history(run.log_rows(), TOLD),
    )
