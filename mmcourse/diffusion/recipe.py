"""How the shipped `unet` and `text-unet` were trained, and the same at every other tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.diffusion.data import cached_latents, cached_seen, tell
from mmcourse.diffusion.measure import measure_text_unet, measure_unet
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.diffusion.train import Asked, Plan, train
from mmcourse.diffusion.unet import PixelUNet
from mmcourse.hub import weights_hash
from mmcourse.joint.pairs import draw
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqgan.eye import Eye
from mmcourse.vqgan.features import Features

PARTS = ("schedule", "objectives", "guidance", "blocks", "unet", "train")
NN = tuple(f"mmcourse.nn.{name}" for name in ("attention", "conv", "embeddings", "muon"))
PIXEL_SOURCES = (
    *("mmcourse.training", "mmcourse.optimisers", *NN, *DRAWING),
    *(f"mmcourse.diffusion.{part}" for part in PARTS),
)
"""What the weights of `unet` depend on."""
TEXT_SOURCES = (
    *("mmcourse.storyworld.language", *PIXEL_SOURCES, "mmcourse.vqgan.eye"),
    *("mmcourse.nn.transformer", "mmcourse.nn.word_attention"),
    *(f"mmcourse.diffusion.{part}" for part in ("cond", "text", "text_unet", "data")),
)
"""What those of `text-unet` do, beside latents, features and joint."""
BANDS = {
    **{"frechet": 3.0, "readable": 0.08, "nearest": 0.08},
    **{"drawn": 0.06, "unguided": 0.12, "steps": 0.12, "relative": 0.06},
    **{"oracle": 0.04, "round": 0.04},
}
"""How far a new measurement, of fewer pictures, may lie from the card's; by the metric's kind."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: pictures, the run's plan, and scenes to measure on (None: the
    card's)."""

    pictures: int
    plan: Plan
    measured: int | None = None


PIXEL_RECIPES = {
    "smoke": Recipe(32, Plan(4, 4), measured=4),
    "cpu": Recipe(2_000, Plan(250, 32), measured=200),
    "gpu": Recipe(24_000, Plan(10_000, 128, gamma=5.0)),
    "full": Recipe(20_000, Plan(6_000, 32, gamma=5.0)),
}
TEXT_RECIPES = {
    "smoke": Recipe(8, Plan(3, 4, muon=2e-3), measured=4),
    "cpu": Recipe(1_024, Plan(100, 16, muon=2e-3, reading=30), measured=50),
    "gpu": Recipe(24_000, Plan(20_000, 128, muon=2e-3, reading=300)),
    "full": Recipe(24_000, Plan(5_500, 64, muon=2e-3, reading=300, save_every=100)),
}


def build_unet() -> PixelUNet:
    """The shipped pixel U-Net, untrained."""
    return PixelUNet()


def build_text_unet(tower: str, latents: str) -> TextUNet:
    """The shipped text U-Net, untrained, for these weights of joint and latents-128."""
    return TextUNet(tower=tower, latents=latents)


def train_unet(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the pixel U-Net, and write its card.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when the same command is given
    again.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the pictures, their order and the noise.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = PIXEL_RECIPES[tier]
    command = f"mmcourse train unet --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(PIXEL_SOURCES))
    seed_everything(seed)
    model = build_unet()
    _, pictures = draw(recipe.pictures, size=model.shape[-1], seed=seed)
    loop = train(
        model,
        from_bytes(pictures),
        recipe.plan,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, recipe.plan.steps, ("loss", "error"))
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.int8)
    model = PixelUNet.from_pretrained(out, device=str(pick_device()))
    data = f"StoryWorld train, {recipe.pictures} scenes at {model.shape[-1]} pixels, seed {seed}"
    finish(run, "unet", (tier, seed), data, measure_unet(model, recipe.measured))


def train_text_unet(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the text U-Net on the latents of the shipped autoencoder, and write
    its card; arguments and errors as `train_unet`.

    Matrices are trained by Muon, unless in float32: there it would take half of the time.
    """
    check_precision(precision)
    recipe, hashes = TEXT_RECIPES[tier], (weights_hash("joint"), weights_hash("latents-128"))
    plan = recipe.plan if precision != "no" else replace(recipe.plan, muon=None)
    command = f"mmcourse train text-unet --tier {tier} --seed {seed} --precision {precision}"
    on = f"{command} on joint {hashes[0]} and latents {hashes[1]}"
    run = Run(out, on, sources_hash(TEXT_SOURCES))
    seed_everything(seed)
    model = build_text_unet(*hashes)
    reader = TextReader.of_joint(device=pick_device())
    seen = cached_seen(recipe.pictures, seed=seed)
    loop = train(
        model,
        cached_latents(recipe.pictures, seed=seed),
        plan,
        told=tell(reader, plan.steps, seed=seed),
        asked=Asked(seen, Eye(Features.from_pretrained("features"), seen[:1024])),
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, plan.steps, ("error", "missed"))
    if not run.main:
        return
    model.save_pretrained(out, dtype=torch.int8)
    model = TextUNet.from_pretrained(out, device=str(pick_device()))
    data = (
        f"StoryWorld train, {recipe.pictures} scenes at 128 pixels, seed {seed}, in the latents of "
        f"latents-128 {hashes[1]}, with captions in the words of joint {hashes[0]}"
    )
    run.command = command  # without what is hashed
    metrics = measure_text_unet(model, recipe.measured)
    finish(run, "text-unet", (tier, seed), data, metrics, told=("error", "missed"))


def finish(
    run: Run,
    name: str,
    which: tuple[str, int],
    data: str,
    metrics: Mapping[str, Mapping[str, float | int | None]],
    bands: Mapping[str, float] = BANDS,
    told: Sequence[str] = ("loss", "error", "gradient"),
) -> None:
    """Write the card: metrics with their bands, and the history of what the steps told."""
    banded = {k: {**m, "band": bands[k.split("_")[0]]} for k, m in metrics.items()}
    shown = history(run.log_rows(), told)
    run.finish(name, *which, data=data, metrics=banded, history=shown)
