"""How the shipped joint model was trained, and the same recipe at every other tier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from mmcourse.cards import sources_hash
from mmcourse.joint.measure import measure_joint, measure_towers
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import storyworld_pairs
from mmcourse.joint.three_losses import ThreeLosses
from mmcourse.joint.train import Contrast, Objective, train
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld import Tokenizer
from mmcourse.training import pick_device, seed_everything

SOURCES = (
    *("mmcourse.nn", "mmcourse.storyworld", "mmcourse.training", "mmcourse.joint.losses"),
    *("mmcourse.joint.negatives", "mmcourse.joint.towers", "mmcourse.joint.cross_attention"),
    *("mmcourse.joint.fused", "mmcourse.joint.model", "mmcourse.joint.masking"),
    *(
        "mmcourse.joint.matching",
        "mmcourse.joint.glimpses",
        "mmcourse.joint.pairs",
        "mmcourse.joint.train",
    ),
    "mmcourse.joint.three_losses",
)
"""What the weights depend on."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: scenes drawn once, optimiser steps, pictures in a batch, and scenes to
    measure on (None: the card's).

    Each picture comes with `captions` texts, a long one and glimpses. The first `steps` are among
    strangers and by contrast alone; the `sibling_steps` after them are among families of four
    scenes that differ by one thing, where it begins to count who has what. They train the fused
    encoder too, by all three losses, if `fused_depth` says that there is one. At the last
    `thing_steps`, glimpses are of things as well as of animals.
    """

    scenes: int
    steps: int
    sibling_steps: int
    thing_steps: int
    batch_size: int
    lr: float = 6e-4
    fused_depth: int = 0
    captions: int = 4
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(
        128, steps=10, sibling_steps=3, thing_steps=2, batch_size=16, fused_depth=1, measured=8
    ),
    "cpu": Recipe(1_600, 100, sibling_steps=0, thing_steps=0, batch_size=64, lr=8e-4),
    "gpu": Recipe(24_000, 1_500, 1_500, 500, batch_size=256, lr=8e-4, fused_depth=2),
    "full": Recipe(60_000, 1_500, 9_000, 3_000, batch_size=256, lr=8e-4, fused_depth=2),
}


class Stage(NamedTuple):
    """A part of a run: siblings in a family, and whether glimpses are of things too."""

    name: str
    steps: int
    family: int
    things: bool
    objective: Objective


def stages(recipe: Recipe) -> list[Stage]:
    """What a recipe trains on, in this order."""
    losses = ThreeLosses if recipe.fused_depth else Contrast
    every = (
        Stage("strangers", recipe.steps, 1, False, Contrast),
        Stage("siblings", recipe.sibling_steps, 4, False, losses),
        Stage("things", recipe.thing_steps, 4, True, losses),
    )
    return [stage for stage in every if stage.steps]


def build(fused_depth: int = 0) -> JointModel:
    """The shipped towers, untrained, with a fused encoder of so many looks on top."""
    words = Tokenizer()
    return JointModel(len(words), vocabulary=words.fingerprint, fused_depth=fused_depth)


HISTORY = ("contrast", "matched", "named")
"""How the fused encoder learns: the towers' loss, and shares of right answers."""


def train_joint(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the joint model, and write its card.

    Progress is kept in `out`/checkpoint-*.pt, so a killed run goes on when the same command is
    given again; the checkpoints are deleted once the card is written.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the data and their order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = RECIPES[tier]
    command = f"mmcourse train joint --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model = build(recipe.fused_depth)
    after = {}
    todo = stages(recipe)
    for stage, steps, family, things, objective in todo:
        pairs = storyworld_pairs(
            recipe.scenes,
            model.image_tower.size,
            seed=seed,
            family=family,
            captions=recipe.captions,
            things=things,
        )
        loop = train(
            model,
            pairs,
            steps=steps,
            batch_size=recipe.batch_size,
            lr=recipe.lr,
            precision=precision,
            checkpoint=out / f"checkpoint-{stage}.pt",
            objective=objective,
        )
        run.follow(loop, steps, ("loss", "accuracy"), stage)
        if run.main and stage != todo[-1].name:
            after[stage] = {
                name: m["value"] for name, m in measure_towers(model, recipe.measured).items()
            }
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.float16)
    model = JointModel.from_pretrained(out, device=str(pick_device()))
    metrics = {k: {**m, "band": 0.02} for k, m in measure_joint(model, recipe.measured).items()}
    run.finish(
        "joint",
        tier,
        seed,
        data=f"StoryWorld train, {recipe.scenes} scenes at 64x64, seed {seed}",
        metrics=metrics,
        after_stage=after,
        history=history([r for r in run.log_rows() if "matched" in r], HISTORY),
    )
