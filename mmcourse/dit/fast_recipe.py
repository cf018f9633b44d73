"""How the student `dit-fast` was taught, and the same at every other tier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.diffusion.recipe import finish
from mmcourse.diffusion.text import TextReader
from mmcourse.dit.data import cached_heroes, tell
from mmcourse.dit.measure import measure_dit
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan
from mmcourse.dit.perflow import straighten, student_of
from mmcourse.dit.recipe import BANDS, Recipe
from mmcourse.dit.recipe import SOURCES as TEACHERS
from mmcourse.hub import weights_hash
from mmcourse.runs import Run, check_precision
from mmcourse.training import pick_device, seed_everything

SOURCES = (*TEACHERS, "mmcourse.dit.generate", "mmcourse.dit.perflow")
"""What the weights of `dit-fast` depend on, beside those of `dit`."""


def gentle(steps: int, batch_size: int) -> Plan:
    """A student begins as its teacher, and goes by small steps."""
    return Plan(steps, batch_size, lr=2e-4, muon=4e-4, warmup=50, save_every=100)


RECIPES = {
    "smoke": Recipe(8, gentle(3, 4), measured=4),
    "cpu": Recipe(512, gentle(30, 16), measured=50),
    "gpu": Recipe(24_000, gentle(6_000, 128)),
    "full": Recipe(16_384, gentle(1_000, 32)),
}


def train_dit_fast(
    out: Path, tier: str, seed: int = 0, precision: str = "no", teacher: str = "dit"
) -> None:
    """Teach, save and measure the student of four steps, and write its card.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when the same command is given
    again.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the pictures, their order and the noise.
        precision: "no" (float32), "bf16" or "fp16".
        teacher: name or folder of its weights.

    Raises:
        ValueError: an unknown precision, no teacher yet, or a folder that holds another run.
    """
    check_precision(precision)
    recipe, taught_by = RECIPES[tier], weights_hash(teacher)
    plan = recipe.plan if precision != "no" else replace(recipe.plan, muon=None)
    command = f"mmcourse train dit-fast --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, f"{command} by dit {taught_by}", sources_hash(SOURCES))
    seed_everything(seed)
    model = DiT.from_pretrained(teacher)
    reader = TextReader.of_joint(device=pick_device())
    reader.check(model.tower)
    student = student_of(model)
    loop = straighten(
        student,
        model,
        cached_heroes(recipe.pictures, seed=seed),
        plan,
        told=tell(reader, plan.steps, seed=seed),
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, plan.steps, ("error",))
    if not run.main:
        return
    student.save_pretrained(out, dtype=torch.int8)
    student = DiT.from_pretrained(out, device=str(pick_device()))
    data = (
        f"StoryWorld train, {recipe.pictures} scenes with portraits, seed {seed}; dit {taught_by}"
    )
    run.command = command  # without what is hashed
    metrics = measure_dit(student, recipe.measured)
    finish(run, "dit-fast", (tier, seed), data, metrics, BANDS, ("error",))
