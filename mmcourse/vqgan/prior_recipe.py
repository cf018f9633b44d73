"""How the shipped `prior` over the codes of `vqgan-64` was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from mmcourse.cards import sources_hash
from mmcourse.hub import weights_hash
from mmcourse.joint.pairs import draw
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld import Tokenizer, describe, render_bytes
from mmcourse.training import brief_now, pick_device, seed_everything
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.eye import Eye, seen_by
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.prior_measure import measure_picture_prior
from mmcourse.vqgan.prior_train import Lessons, train_prior
from mmcourse.vqgan.style import other_style, style_words
from mmcourse.vqvae.batches import encode_pictures

SOURCES = (
    *("mmcourse.storyworld", "mmcourse.training", "mmcourse.joint.pairs", "mmcourse.nn.attention"),
    *(f"mmcourse.vqgan.{name}" for name in ("eye", "prior", "prior_train", "sample", "style")),
    *("mmcourse.nn.muon", "mmcourse.optimisers"),
)
"""What the weights depend on, beside those of `vqgan-64`."""
BANDS = {
    **{"bits": 80.0, "frechet": 1.0, "copies": 0.04},
    **dict.fromkeys(("oracle", "trip", "style", "filled"), 0.05),
    **dict.fromkeys(("drawn", "masked", "unguided", "relative"), 0.12),
}
"""How far a new measurement, of fewer captions, may lie from the card's; by the metric's kind."""


@dataclass(frozen=True)
class Recipe:
    """Pictures whose codes are learnt, how many of them in a second style too, optimiser steps,
    pictures in a batch, rates of AdamW and of Muon, steps of reading, and captions to measure on
    (None: the card's)."""

    pictures: int
    restyled: int
    steps: int
    batch_size: int = 32
    lr: float = 1.5e-3
    muon: float | None = 2e-3
    reading: int = 300
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(pictures=24, restyled=12, steps=8, batch_size=4, reading=2, measured=4),
    "cpu": Recipe(pictures=1_500, restyled=500, steps=120, batch_size=16, reading=30, measured=40),
    "gpu": Recipe(pictures=40_000, restyled=16_000, steps=12_000, batch_size=128),
    "full": Recipe(pictures=24_000, restyled=8_000, steps=10_000),
}


def build(model: VQGAN, grid: tuple[int, int] = (8, 8)) -> ResidualPrior:
    """The shipped prior, untrained, for the codes of an autoencoder."""
    words, quantizer = Tokenizer(), model.quantizer
    prior = ResidualPrior(
        len(words),
        quantizer.num_codes,
        len(quantizer.levels),  # type: ignore[arg-type]
        quantizer.dim,
        grid,
        vocabulary=words.fingerprint,
    )
    prior.start_from(model)
    return prior


def train_picture_prior(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train the prior on the codes of the shipped `vqgan-64`, save and measure it, and write its
    card.

    Matrices are trained by Muon, unless in float32: there it would take half of the time. Progress
    is kept in `out`, so a killed run goes on when the same command is given again.

    Args:
        out: folder for config.json, model.safetensors, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights, the pictures and their order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe, hash_of_codes = RECIPES[tier], weights_hash("vqgan-64")
    command = f"mmcourse train prior --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, f"{command} on {hash_of_codes}", sources_hash(SOURCES))
    seed_everything(seed)
    model = VQGAN.from_pretrained("vqgan-64", device=str(pick_device())).eval()
    scenes, pictures = draw(recipe.pictures, seed=seed)
    codes = encode_pictures(model, pictures)
    features = Features.from_pretrained("features", device=str(pick_device()))
    seen = seen_by(features, pictures, pictures.shape[1] // codes.shape[1]).half()
    del pictures
    others = [other_style(scene, i) for i, scene in enumerate(scenes[: recipe.restyled])]
    parts = [others[start : start + 500] for start in range(0, len(others), 500)]
    restyled = torch.cat([encode_pictures(model, render_bytes(part)) for part in parts])

    def caption(i: int, step: int) -> str:
        complete = not brief_now(i, step, recipe.steps)
        return describe(scenes[i], key=step, complete=complete).text

    prior = build(model, (codes.shape[1], codes.shape[2]))
    loop = train_prior(
        prior,
        Lessons(
            codes,
            caption,
            restyled,
            lambda i: style_words(others[i].style),
            seen=seen,
            eye=Eye(features, seen[:1024]),
            reading=recipe.reading,
        ),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=(recipe.lr, recipe.muon if precision != "no" else None),
        precision=precision,
        out=(out / "checkpoint.pt", seed),
    )
    run.follow(loop, recipe.steps, ("loss", "missed"))
    if not run.main:
        return
    prior.save_pretrained(out, dtype=torch.int8)
    prior = ResidualPrior.from_pretrained(out, device=str(pick_device()))
    metrics = {
        name: {**m, "band": BANDS[name.split("_")[0]]}
        for name, m in measure_picture_prior(prior, recipe.measured).items()
    }
    run.finish(
        "prior",
        tier,
        seed,
        command=command,
        data=f"StoryWorld train, {recipe.pictures} scenes at 64x64, seed {seed}, in the codes of "
        f"vqgan-64 {hash_of_codes}, with their captions; {recipe.restyled} in two styles",
        metrics=metrics,
        history=history(run.log_rows(), ("loss",)),
    )
