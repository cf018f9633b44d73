"""How the shipped `dit` was trained, and the same at every other tier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.diffusion.recipe import BANDS as TEXT_BANDS
from mmcourse.diffusion.recipe import TEXT_SOURCES, finish
from mmcourse.diffusion.text import TextReader
from mmcourse.dit.data import cached_heroes, tell
from mmcourse.dit.measure import measure_dit
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan
from mmcourse.dit.train import train
from mmcourse.hub import weights_hash
from mmcourse.runs import Run, check_precision
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqgan.eye import Eye
from mmcourse.vqgan.features import Features

SOURCES = (
    *TEXT_SOURCES,
    "mmcourse.nn.rotary",
    *(f"mmcourse.dit.{part}" for part in ("attention", "block", "data", "heroes", "model")),
    *(f"mmcourse.dit.{part}" for part in ("optimise", "patches", "portraits", "train", "whom")),
)
"""What the weights of `dit` depend on, beside latents, features, identity and joint."""
BANDS = {**TEXT_BANDS, "identity": 0.1}
"""How far a new measurement, of fewer pictures, may lie from the card's; by the metric's kind."""
TOLD = ("error", "alike")
"""Numbers of a step that a run shows, and whose history the card keeps."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: pictures, the run's plan, and scenes to measure on (None: the
    card's)."""

    pictures: int
    plan: Plan
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(8, Plan(3, 4), measured=4),
    "cpu": Recipe(1_024, Plan(100, 16, reading=30), measured=50),
    "gpu": Recipe(24_000, Plan(20_000, 128, reading=300)),
    "full": Recipe(24_000, Plan(5_500, 64, reading=300, save_every=100)),
}


def build_dit(tower: str, latents: str, identity: str) -> DiT:
    """The shipped diffusion transformer, untrained, for these weights of joint, latents-128 and
    identity."""
    return DiT(tower=tower, latents=latents, identity=identity)


def train_dit(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the diffusion transformer on the latents of the shipped autoencoder,
    and write its card.

    Matrices are trained by Muon, unless in float32: there it would take half of the time. Progress
    is kept in `out`/checkpoint.pt, so a killed run goes on when the same command is given again.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the pictures, their order and the noise.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = RECIPES[tier]
    hashes = tuple(weights_hash(name) for name in ("joint", "latents-128", "identity"))
    plan = recipe.plan if precision != "no" else replace(recipe.plan, muon=None)
    command = f"mmcourse train dit --tier {tier} --seed {seed} --precision {precision}"
    on = f"{command} on joint {hashes[0]}, latents {hashes[1]} and identity {hashes[2]}"
    run = Run(out, on, sources_hash(SOURCES))
    seed_everything(seed)
    model = build_dit(*hashes)
    reader = TextReader.of_joint(device=pick_device())
    data = cached_heroes(recipe.pictures, seed=seed)
    loop = train(
        model,
        data,
        plan,
        told=tell(reader, plan.steps, seed=seed),
        eye=Eye(Features.from_pretrained("features"), data.seen[:1024]),
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, plan.steps, TOLD)
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.int8)
    model = DiT.from_pretrained(out, device=str(pick_device()))
    told = (
        f"StoryWorld train, {recipe.pictures} scenes at 128 pixels, each with a portrait of a hero "
        f"from another scene as identity {hashes[2]} reads it, seed {seed}, in the latents of "
        f"latents-128 {hashes[1]}, with captions in the words of joint {hashes[0]}"
    )
    run.command = command  # without what is hashed
    finish(run, "dit", (tier, seed), told, measure_dit(model, recipe.measured), BANDS, TOLD)
