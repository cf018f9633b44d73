"""Train the autoencoder: reconstruction first, and a critic once that has settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.processes import accelerator_for, gather, means
from mmcourse.refusals import check_bytes
from mmcourse.resuming import Settings, sample_of
from mmcourse.training import EMA, batch_indices, cosine_schedule
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.discriminator import PatchDiscriminator
from mmcourse.vqgan.game import Objective, UsualLogits, gan_step
from mmcourse.vqgan.perceptual import PerceptualLoss
from mmcourse.vqvae.distortion import psnr
from mmcourse.vqvae.train import shown
from mmcourse.vqvae.usage import perplexity

Metrics = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """Numbers of a run.

    Args:
        steps: optimiser steps in all.
        batch_size: pictures in a batch, on each process.
        lr: peak learning rate of the autoencoder.
        critic_from: the step from which on the critic plays, counted from 0. Measure it in what
            this run needs to settle, not in what another run's was; `steps` means never.
        critic_ramp: steps in which its opinion grows from nothing to its full weight.
        critic_lr: peak learning rate of the critic.
        perceptual: weight of the perceptual loss beside the pixels'.
        adversarial: weight of the critic's opinion, beside the adaptive one. At 0.1 the pictures of
            `vqgan-64` came out no sharper than chapter 2's.
        lecam: weight of the critic's regulariser.
        start: pictures that the codebooks are put onto.
        save_every: steps between two checkpoints, at most.
    """

    steps: int
    batch_size: int = 16
    lr: float = 1e-3
    critic_from: int = 0
    critic_ramp: int = 500
    critic_lr: float = 4e-4
    perceptual: float = 0.1
    adversarial: float = 0.8
    lecam: float = 0.05
    start: int = 128
    save_every: int = 500

    def heard(self, step: int) -> float:
        """How much of the critic's opinion counts at a step."""
        if step < self.critic_from:
            return 0.0
        return min(1.0, (step - self.critic_from + 1) / self.critic_ramp)


def train(
    model: VQGAN,
    data: Tensor,
    plan: Plan,
    *,
    critic: PatchDiscriminator | None = None,
    perceptual: PerceptualLoss | None = None,
    pixels: Callable[[Tensor, Tensor], Tensor] = F.l1_loss,
    precision: str = "no",
    out: tuple[Path | None, int] = (None, 0),
) -> Iterator[Metrics]:
    """Minimise pixels, features, the quantizer's loss and the critic's opinion, in place.

    Yields {"step", "loss", "psnr", "perplexity", "lr", "heard"} after each step, with what
    `gan_step` tells of the game once it is played. What a step sees depends on (seed, step) alone,
    so a killed run goes on from its checkpoint. In the end the model holds its averaged weights;
    the critic is not averaged.

    Args:
        model: trained in place. Its codebooks are put onto what the encoder says of the first
            pictures.
        data: pictures, uint8 (N, S, S, 3).
        plan: see there.
        critic: trained in place; None: nobody judges.
        perceptual: None: pixels alone.
        pixels: of drawn and true pictures, a scalar.
        precision: "no", "bf16" or "fp16".
        out: file to save to, and to resume from, with the same settings, if it is there; and the
            seed of the order.

    Raises:
        ValueError: bytes whose channels don't come last, a loss that is not finite, or a checkpoint
            of other settings.
    """
    checkpoint, seed = out
    if data.dtype == torch.uint8:
        check_bytes(data, model.channels)
    accelerator = accelerator_for(precision)
    device = accelerator.device
    for part in (model, critic, perceptual):
        if part is not None:
            part.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=plan.lr, weight_decay=0.01, betas=(0.9, 0.99)
    )
    ema = EMA(model, decay=min(0.999, plan.steps / (plan.steps + 10)))
    judging = critic or PatchDiscriminator(width=1)
    critic_optimiser = torch.optim.Adam(judging.parameters(), lr=plan.critic_lr, betas=(0.5, 0.9))
    usual = UsualLogits().to(device)
    prepared, prepared_critic, optimiser, critic_optimiser = accelerator.prepare(
        model, judging, optimiser, critic_optimiser
    )

    def reconstruct(drawn: Tensor, x: Tensor) -> Tensor:
        loss = pixels(drawn, x)
        if perceptual is not None:
            with accelerator.autocast():
                loss = loss + plan.perceptual * perceptual(drawn, x)
        return loss

    seen: Metrics = {}

    def draw(x: Tensor) -> tuple[Tensor, Tensor]:
        drawn, found = prepared(x)
        first = gather(found.indices[..., 0])
        seen.update(means({"psnr": psnr(drawn.detach().float(), x).mean()}))
        seen["perplexity"] = perplexity(first, model.quantizer.num_codes).item()
        return drawn.float(), found.loss

    objective = Objective(reconstruct, plan.adversarial, model.last, plan.lecam, usual=usual)
    rate = partial(
        cosine_schedule, total=plan.steps, warmup=min(plan.steps - 1, max(1, plan.steps // 50))
    )
    settings = Settings.of(plan, seed=seed, data=sample_of(data))
    state = {"settings": settings, "model": model, "critic": judging, "optimiser": optimiser,
             "ema": ema, "critic_optimiser": critic_optimiser, "usual": usual}  # fmt: skip
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    if start == 0:
        start_codes(model, data[: plan.start], seed)
    for step in range(start, plan.steps):
        turn = step * accelerator.num_processes + accelerator.process_index
        x = shown(data[batch_indices(turn, plan.batch_size, len(data), seed)].to(device))
        for group, peak in ((optimiser, plan.lr), (critic_optimiser, plan.critic_lr)):
            group.param_groups[0]["lr"] = peak * rate(step)
        heard = 0.0 if critic is None else plan.heard(step)
        told = gan_step(
            x, draw, prepared_critic, optimiser, critic_optimiser, objective, heard, accelerator
        )
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, plan.steps, plan.save_every):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        lr = optimiser.param_groups[0]["lr"]
        yield {"step": step + 1, **told, **seen, "lr": lr, "heard": heard}
    ema.copy_to(model)
    model.eval()


@torch.no_grad()
def start_codes(model: VQGAN, pictures: Tensor, seed: int) -> None:
    """Put the codebooks onto what the encoder says of uint8 pictures (N, S, S, 3)."""
    device = model.last.device
    z = torch.cat([model.encoder(shown(part.to(device))) for part in pictures.split(32)])
    model.quantizer.start_from(z, torch.Generator().manual_seed(seed))
