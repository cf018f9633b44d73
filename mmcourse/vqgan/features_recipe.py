"""How the shipped features network was trained, and the same recipe at every other tier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.runs import Run, check_precision, history
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqgan import features_data
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.features_measure import measure_features
from mmcourse.vqgan.features_train import train

SOURCES = (
    *("mmcourse.nn.conv", "mmcourse.training"),
    *features_data.SOURCES,
    *("mmcourse.vqgan.features", "mmcourse.vqgan.features_train"),
)
"""What the weights depend on."""
OTHER_SEED = 3_000_000
"""The scenes are of a seed of their own, so that no other network has seen them."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: scenes drawn at 64 and at 128 pixels, steps (half of them at each size),
    pictures of 64 pixels in a batch, scenes to measure on (None: the card's)."""

    small: int
    large: int
    steps: int
    batch_size: int = 32
    lr: float = 2e-3
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(small=16, large=8, steps=6, batch_size=8, measured=8),
    "cpu": Recipe(small=1_024, large=512, steps=300, measured=200),
    "gpu": Recipe(small=16_384, large=8_192, steps=6_000, batch_size=64),
    "full": Recipe(small=8_192, large=4_096, steps=4_000),
}


def train_features(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the features network, and write its card.

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
    command = f"mmcourse train features --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model = Features()
    scenes = ((recipe.small, 64), (recipe.large, 128))
    albums = [features_data.draw_truth(n, size, seed=OTHER_SEED + seed) for n, size in scenes]
    loop = train(
        model,
        albums,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, recipe.steps, ("loss", "kind", "character.species"))
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.float16)
    model = Features.from_pretrained(out, device=str(pick_device()))
    metrics = {
        name: {**m, "band": 0.06} for name, m in measure_features(model, recipe.measured).items()
    }
    run.finish(
        "features",
        tier,
        seed,
        data=f"StoryWorld train, {recipe.small} scenes at 64x64 and {recipe.large} at 128x128, "
        f"seed {OTHER_SEED + seed}",
        metrics=metrics,
        history=history(run.log_rows(), ("loss", "kind", "character.species")),
    )
