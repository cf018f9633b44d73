"""How the shipped `vqgan-64` was trained, and the same recipe at every other tier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.cards import sources_hash
from mmcourse.hub import weights_hash
from mmcourse.joint.pairs import draw
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.training import pick_device, seed_everything
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.discriminator import PatchDiscriminator
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.measure import measure_vqgan
from mmcourse.vqgan.perceptual import PerceptualLoss
from mmcourse.vqgan.train import Metrics, Plan, train

PARTS = (
    *("adaptive", "autoencoder", "discriminator", "features", "game", "losses"),
    *("perceptual", "residual", "train"),
)
OLDER = ("nearest", "gradient", "losses", "quantizer", "ema", "blocks", "autoencoder")
SOURCES = (
    *("mmcourse.nn.conv", "mmcourse.training"),
    *DRAWING,
    *(f"mmcourse.vqvae.{name}" for name in OLDER),
    *(f"mmcourse.vqgan.{name}" for name in PARTS),
)
"""What the weights depend on, beside those of `features`."""
BANDS = {
    **{"psnr": 0.5, "frechet": 0.5, "read": 0.02, "sharpness": 0.05},
    **{"usage": 0.05, "perplexity": 80.0, "bits": 0.0},
}
"""How far a new measurement, of fewer pictures, may lie from the card's; by the metric's kind."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: pictures drawn once, the plan of the run, and pictures to measure on
    (None: the card's)."""

    pictures: int
    plan: Plan
    measured: int | None = None


RECIPES = {
    "smoke": Recipe(48, Plan(6, batch_size=4, critic_from=3, critic_ramp=2, start=32), measured=16),
    "cpu": Recipe(1_500, Plan(250, batch_size=8, critic_from=180, critic_ramp=40), measured=300),
    "gpu": Recipe(24_000, Plan(12_000, batch_size=64, critic_from=5_000)),
    "full": Recipe(24_000, Plan(12_000, critic_from=6_000)),
}


def build(levels: int = 4) -> VQGAN:
    """The shipped autoencoder, untrained: `levels` of 1,024 codes at each of 8 x 8 places.

    Of a batch of 16 pictures a code is chosen once on average, so one is called dead far below.
    """
    return VQGAN(levels, "ema", {"num_codes": 1024, "dim": 16, "restart_below": 0.1})


def settled(model: VQGAN) -> VQGAN:
    """The same autoencoder, its codebooks parameters: running counts and sums serve training
    alone."""
    options = {"num_codes": model.quantizer.num_codes, "dim": model.quantizer.dim}
    plain = VQGAN(**{**model._arguments, "quantizer": "vq", "options": options})
    kept = plain.state_dict().keys()
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if k in kept})
    return plain.eval()


def eye() -> PerceptualLoss:
    """The perceptual loss over the shipped `features`."""
    return PerceptualLoss(Features.from_pretrained("features"))


def loop(
    model: VQGAN, pictures: Tensor, plan: Plan, precision: str, checkpoint: Path | None, seed: int
) -> Iterator[Metrics]:
    """The whole game: L1, the perceptual loss over `features`, and a critic with spectral norm."""
    return train(
        model,
        pictures,
        plan,
        critic=PatchDiscriminator(),
        perceptual=eye(),
        precision=precision,
        out=(checkpoint, seed),
    )


def loop_of_squares(
    model: VQGAN, pictures: Tensor, plan: Plan, precision: str, checkpoint: Path | None, seed: int
) -> Iterator[Metrics]:
    """What it is compared with: the same networks, pictures and steps, and the mean square."""
    return train(
        model, pictures, plan, pixels=F.mse_loss, precision=precision, out=(checkpoint, seed)
    )


def train_vqgan(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure `vqgan-64`, and write its card.

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
    _train("vqgan-64", out, tier, seed, precision)


def train_squares(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train and measure the same networks with the mean square alone; arguments as
    `train_vqgan`'s."""
    _train("vqgan-64-mse", out, tier, seed, precision)


def _train(name: str, out: Path, tier: str, seed: int, precision: str) -> None:
    check_precision(precision)
    recipe, played = RECIPES[tier], name == "vqgan-64"
    seen_by = f"features {weights_hash('features')}" if played else "nobody"
    command = f"mmcourse train {name} --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, f"{command} on {seen_by}" if played else command, sources_hash(SOURCES))
    seed_everything(seed)
    model = build()
    _, pictures = draw(recipe.pictures, seed=seed)
    steps = (loop if played else loop_of_squares)(
        model, pictures, recipe.plan, precision, out / "checkpoint.pt", seed
    )
    run.follow(steps, recipe.plan.steps, ("loss", "psnr", "perplexity"))
    if not run.main:
        return
    settled(model).save_pretrained(out, dtype=torch.float16)
    model = VQGAN.from_pretrained(out, device=str(pick_device()))
    metrics = {
        k: {**m, "band": BANDS[k.split("_")[0]]}
        for k, m in measure_vqgan(model, recipe.measured).items()
    }
    what = f"StoryWorld train, {recipe.pictures} scenes at 64x64, seed {seed}"
    run.finish(
        name,
        tier,
        seed,
        command=command,
        data=f"{what}, seen by {seen_by}" if played else what,
        metrics=metrics,
        history=history(run.log_rows(), ("psnr", "perplexity")),
    )
