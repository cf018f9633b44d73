"""How the shipped judge was trained, and the same recipe at every other tier."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mmcourse.cards import sources_hash
from mmcourse.runs import Run, check_precision
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.storyworld.judge.data import OTHER_SEED, draw_album
from mmcourse.storyworld.judge.measure import calibrate, measure_with_confusion
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.train import Metrics, train
from mmcourse.training import pick_device, seed_everything

SOURCES = (
    *("mmcourse.nn.conv", "mmcourse.training"),
    *DRAWING,
    *(f"mmcourse.storyworld.judge.{name}" for name in ("reading", "network", "data", "train")),
)
"""What the weights depend on."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: families of three pictures at 64 and at 128 px, steps, families in a
    batch, scenes to calibrate on, and scenes to measure on (None: the card's).

    The last `polish` steps, at a quarter of the learning rate, are about what is hardest: scenes of
    three at 64 px, where a raised hand is four pixels wide. `crowds` families of them are drawn.
    From the mean of the weights before and after, `again` steps at half the learning rate go
    through `fresh` new families: half of these steps show any at 64 px, a quarter crowds at 64 px,
    and a quarter any at 128 px."""

    small: int
    large: int
    steps: int
    crowds: int = 0
    polish: int = 0
    again: int = 0
    fresh: int = 0
    batch_size: int = 32
    calibration: int = 4000
    measured: int | None = None
    lr: float = 2e-3


RECIPES = {
    "smoke": Recipe(12, 12, 4, 6, 2, 4, 12, batch_size=3, calibration=64, measured=32),
    "cpu": Recipe(1_500, 500, steps=300, batch_size=16, calibration=500, measured=300),
    "gpu": Recipe(16_000, 10_000, 2_600, crowds=4_000, polish=400, again=1_800, fresh=9_500),
    "full": Recipe(16_000, 8_000, 6_000, 8_000, 1_000, 3_000, 16_000, batch_size=64),
}


class Stage(NamedTuple):
    """A part of a run: albums of (families, size, characters at least), shown in turn."""

    name: str
    steps: int
    lr: float
    albums: tuple[tuple[int, int, int], ...]
    seed: int = OTHER_SEED
    from_mean: bool = False
    """Whether it starts from the mean of the stages before."""


def stages(recipe: Recipe) -> tuple[Stage, ...]:
    """What a recipe trains on, in this order."""
    fresh = recipe.fresh // 4
    mixed = ((2 * fresh, 64, 1), (fresh, 64, 3), (2 * fresh, 64, 1), (fresh, 128, 1))
    return (
        Stage("all", recipe.steps, recipe.lr, ((recipe.small, 64, 1), (recipe.large, 128, 1))),
        Stage(
            "crowds",
            recipe.polish,
            recipe.lr / 4,
            ((recipe.crowds, 64, 3), (recipe.crowds // 2, 128, 1)),
        ),
        Stage("again", recipe.again, recipe.lr / 2, mixed, OTHER_SEED + 1, True),
    )


def train_stage(
    model: Judge, stage: Stage, batch_size: int, precision: str, out: Path, seed: int
) -> Iterator[Metrics]:
    """Draw a stage's albums, each once, and train on them; progress is kept in `out`."""
    drawn = {a: draw_album(a[0], a[1], stage.seed, least=a[2]) for a in set(stage.albums)}
    return train(
        model,
        [drawn[album] for album in stage.albums],
        steps=stage.steps,
        batch_size=min(batch_size, *(n for n, _, _ in stage.albums)),
        lr=stage.lr,
        precision=precision,
        checkpoint=out / f"checkpoint-{stage.name}.pt",
        seed=seed,
    )


def mean_of(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of several stages of one run.

    What the last stage learnt of crowds is kept, and less of the rest is lost than by its weights
    alone. Source: Wortsman et al., Robust fine-tuning of zero-shot models, 2022.
    """
    return {name: torch.stack([s[name] for s in states]).mean(0) for name in states[0]}


def train_judge(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, calibrate, save and measure the judge, and write its card and confusion.json.

    Progress is kept in `out`/checkpoint-*.pt, so a killed run goes on when started again.

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
    trained: list[dict[str, Tensor]] = []
    for stage in stages(recipe):
        if stage.steps == 0:
            continue
        if stage.from_mean:
            model.load_state_dict(mean_of(trained))
        loop = train_stage(model, stage, recipe.batch_size, precision, out, seed)
        run.follow(loop, stage.steps, ("loss", "told_apart"), stage.name)
        trained.append({name: value.detach().clone() for name, value in model.state_dict().items()})
    if not run.main:
        return
    if not recipe.again:
        model.load_state_dict(mean_of(trained))
    calibrate(model, recipe.calibration)
    model.save_pretrained(out, dtype=torch.float16)
    model = Judge.from_pretrained(out, device=str(pick_device()))
    metrics, confusion = measure_with_confusion(model, recipe.measured)
    (out / "confusion.json").write_text(json.dumps(confusion) + "\n", encoding="utf-8")
    families = (
        f"{recipe.small} families of three scenes at 64 px and {recipe.large} at 128 px, then "
        f"{recipe.crowds} of crowds, then {recipe.fresh} of both"
    )
    run.finish(
        "judge",
        tier,
        seed,
        data=f"StoryWorld train and compositional, {families}, seed 7000000",
        metrics={k: {**m, "band": 0.02} for k, m in metrics.items()},
    )
