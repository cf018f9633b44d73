"""How the shipped judge was trained, and the same recipe at every other tier."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import device_name, environment, sources_hash, write_card
from mmcourse.runs import Run, check_precision
from mmcourse.storyworld.judge import Judge
from mmcourse.storyworld.judge_data import draw_album
from mmcourse.storyworld.judge_measure import calibrate, measure_with_confusion
from mmcourse.storyworld.judge_train import train
from mmcourse.training import pick_device, seed_everything

DRAWING = (
    *("arms", "backdrop", "brush", "characters", "cuts", "dice", "faces", "figure"),
    *("gardens", "glow", "heads", "identity", "interact", "markings", "neon", "paint", "places"),
    *("render", "round_ears", "sampling", "scene", "shapes", "sheet", "sketch", "stage"),
    *("styles", "textures", "things", "views", "vocabulary", "wardrobe", "watercolour"),
)
"""The modules of StoryWorld that pictures are made by."""
SOURCES = (
    *("mmcourse.nn.conv", "mmcourse.training"),
    *(f"mmcourse.storyworld.{name}" for name in DRAWING),
    *(f"mmcourse.storyworld.{name}" for name in ("reading", "judge", "judge_data", "judge_train")),
)
"""What the weights depend on."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: families of three pictures at 64 and at 128 px, steps, families in a
    batch, scenes to calibrate on, and scenes to measure on (None: the card's)."""

    small: int
    large: int
    steps: int
    batch_size: int = 32
    calibration: int = 4000
    measured: int | None = None
    lr: float = 2e-3


RECIPES = {
    "smoke": Recipe(12, 12, steps=4, batch_size=4, calibration=64, measured=32),
    "cpu": Recipe(1_500, 500, steps=300, batch_size=16, calibration=500, measured=300),
    "gpu": Recipe(16_000, 8_000, steps=6_000, batch_size=64),
    "full": Recipe(16_000, 10_000, steps=2_600),
}


def train_judge(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, calibrate, save and measure the judge, and write its card and confusion.json.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when started again.

    Args:
        out: folder for config.json, model.safetensors, card.json, confusion.json and log.jsonl.
        tier: which recipe.
        seed: of the weights and the order of the data.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = RECIPES[tier]
    command = f"mmcourse train judge --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model = Judge()
    albums = [draw_album(recipe.small, 64), draw_album(recipe.large, 128)]
    steps = train(
        model,
        albums,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(steps, recipe.steps, ("loss", "told_apart"))
    calibrate(model, recipe.calibration)
    model.save_pretrained(out, dtype=torch.float16)
    model = Judge.from_pretrained(out, device=str(pick_device()))
    metrics, confusion = measure_with_confusion(model, recipe.measured)
    (out / "confusion.json").write_text(json.dumps(confusion) + "\n", encoding="utf-8")
    families = f"{recipe.small} families of three scenes at 64 px and {recipe.large} at 128 px"
    write_card(
        out,
        {
            "name": "judge",
            "command": command,
            "seed": seed,
            "sources": run.sources,
            "tier": tier,
            "device": device_name(pick_device()),
            "wall_time_s": round(run.seconds),
            "data": f"StoryWorld train and compositional, {families}, seed 7000000",
            "licence": "Apache-2.0",
            "versions": environment(),
            "metrics": {k: {**m, "band": 0.02} for k, m in metrics.items()},
        },
    )
    run.finish()
