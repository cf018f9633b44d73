"""How the shipped prior over words and codes was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.hub import weights_hash
from mmcourse.joint.pairs import caption_for_training, draw
from mmcourse.runs import Run, check_precision
from mmcourse.storyworld import Tokenizer
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import encode_pictures
from mmcourse.vqvae.brief import brief
from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.prior_measure import measure_prior
from mmcourse.vqvae.prior_train import Telling, train_prior

SOURCES = (
    *("mmcourse.storyworld", "mmcourse.training", "mmcourse.joint.pairs"),
    *(f"mmcourse.vqvae.{name}" for name in ("sequence", "prior", "prior_train", "brief")),
)
"""What the weights depend on, beside those of `vqvae`."""
BANDS = {"bits": 60.0, "drawn": 0.12, "unguided": 0.12, "round": 0.08}
"""How far a new measurement may lie from the card's; by the metric's kind."""


@dataclass(frozen=True)
class Recipe:
    """Pictures whose codes are learnt, optimiser steps with captions of all kinds and then mostly
    with brief ones, pictures in a batch, and pictures to measure on (None: the card's)."""

    pictures: int
    steps: int
    brief_steps: int
    batch_size: int = 16
    lr: float = 2e-3
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(pictures=32, steps=4, brief_steps=2, batch_size=4, measured=3),
    "cpu": Recipe(pictures=1_500, steps=60, brief_steps=60, measured=50),
    "gpu": Recipe(pictures=24_000, steps=4_000, brief_steps=4_000, batch_size=64),
    "full": Recipe(pictures=40_000, steps=2_000, brief_steps=11_500),
}


def build(codes: int = 1024, cells: int = 256) -> CodePrior:
    """The shipped prior, untrained."""
    words = Tokenizer()
    return CodePrior(
        len(words), codes, cells, dim=128, depth=6, heads=4, vocabulary=words.fingerprint
    )


def train_vqvae_prior(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train the prior on the codes of the shipped VQ-VAE, save and measure it, and write its card.

    Progress is kept in `out`, so a killed run goes on when the same command is given again.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the pictures and their order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe, hash_of_codes = RECIPES[tier], weights_hash("vqvae")
    command = f"mmcourse train vqvae-prior --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, f"{command} on {hash_of_codes}", sources_hash(SOURCES))
    seed_everything(seed)
    model = VQVAE.from_pretrained("vqvae", device=str(pick_device())).eval()
    scenes, pictures = draw(recipe.pictures, seed=seed)
    codes = encode_pictures(model, pictures)
    prior = build(model.quantizer.num_codes, codes[0].numel())

    def all_kinds(i: int, step: int) -> str:
        return caption_for_training(scenes[i], step + i).text

    def mostly_brief(i: int, step: int) -> str:
        return brief(scenes[i]) if step % 8 else all_kinds(i, step)  # such steps tell it first

    for stage, steps, told in (
        ("captions", recipe.steps, Telling(all_kinds, seed=seed)),
        ("brief", recipe.brief_steps, Telling(mostly_brief, after_every=4, seed=seed)),
    ):
        loop = train_prior(
            prior,
            codes,
            told,
            steps=steps,
            batch_size=recipe.batch_size,
            lr=recipe.lr,
            precision=precision,
            checkpoint=out / f"checkpoint-{stage}.pt",
        )
        run.follow(loop, steps, ("loss",), stage)
    if not run.main:
        return
    prior.save_pretrained(out, dtype=torch.float16)
    prior = CodePrior.from_pretrained(out, device=str(pick_device()))
    metrics = {
        name: {**m, "band": BANDS[name.split("_")[0]]}
        for name, m in measure_prior(prior, recipe.measured).items()
    }
    run.finish(
        "vqvae-prior",
        tier,
        seed,
        command=command,
        data=f"StoryWorld train, {recipe.pictures} scenes at 64x64, seed {seed}, in the "
        f"codes of vqvae {hash_of_codes}, with their captions, and in a dozen words",
        metrics=metrics,
    )
