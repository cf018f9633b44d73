"""How the shipped judge was trained, and the same recipe at every other tier."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm.auto import tqdm

from mmcourse.cards import device_name, environment, sources_hash, write_card
from mmcourse.storyworld.judge import Judge
from mmcourse.storyworld.judge_data import draw_album
from mmcourse.storyworld.judge_measure import calibrate, measure_with_confusion
from mmcourse.storyworld.judge_train import train
from mmcourse.training import pick_device, seed_everything

SOURCES = ("mmcourse.nn", "mmcourse.storyworld")


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: families of three pictures at 64 and at 128 px, steps, families in a
    batch, scenes to calibrate on, and scenes to measure on (None: the card's)."""

    small: int
    large: int
    steps: int
    batch_size: int
    calibration: int = 4000
    measured: int | None = None
    lr: float = 2e-3


RECIPES = {
    "smoke": Recipe(12, 12, 4, 4, calibration=64, measured=32),
    "cpu": Recipe(1_500, 500, 300, 16, calibration=500, measured=300),
    "gpu": Recipe(16_000, 8_000, 6_000, 64),
    "full": Recipe(40_000, 16_000, 24_000, 64),
}


def train_judge(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, calibrate, save and measure the judge, and write its card and confusion.json.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when started again.

    Args:
        out: folder for config.json, model.safetensors, card.json, confusion.json and log.jsonl.
        tier: which recipe.
        seed: of the weights and the order of the data.
        precision: "no" (float32), "bf16" or "fp16".
    """
    recipe = RECIPES[tier]
    out.mkdir(parents=True, exist_ok=True)
    seed_everything(seed)
    sources, started = sources_hash(SOURCES), time.time()
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
    with (out / "log.jsonl").open("a") as log, tqdm(steps, total=recipe.steps) as bar:
        for metrics in bar:
            bar.set_postfix(loss=f"{metrics['loss']:.3f}", told=f"{metrics['told_apart']:.2f}")
            log.write(json.dumps({**metrics, "seconds": round(time.time() - started, 1)}) + "\n")
            log.flush()
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
            "command": f"mmcourse train judge --tier {tier} --seed {seed} --precision {precision}",
            "seed": seed,
            "sources": sources,
            "tier": tier,
            "device": device_name(pick_device()),
            "wall_time_s": round(time.time() - started),
            "data": f"StoryWorld train and compositional, {families}, seed 7000000",
            "licence": "Apache-2.0",
            "versions": environment(),
            "metrics": {k: {**m, "band": 0.02} for k, m in metrics.items()},
        },
    )
