"""Train the continuous autoencoder: sharp to a network's eye, smooth by noise on its latents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.processes import accelerator_for, means, mine, world
from mmcourse.refusals import check_bytes
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld.dataset import from_bytes
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule
from mmcourse.vqgan.adaptive import adaptive_weight
from mmcourse.vqgan.discriminator import PatchDiscriminator
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.losses import hinge_discriminator_loss, hinge_generator_loss
from mmcourse.vqgan.perceptual import PerceptualLoss
from mmcourse.vqvae.distortion import psnr

Metrics = dict[str, float]
SAVE_EVERY = 250
NOISE = 0.03
"""Deviation of the noise on the latents, whose own is 1."""
ABSOLUTE, PERCEPTUAL, ADVERSARIAL = 0.1, 0.02, 0.1
"""Weights of the mean absolute error, of the perceptual loss and of the critic; the mean squared
error has 1."""
HALF = 4
"""Every so many steps a batch is decoded at half of its size, from latents averaged by twos."""


@dataclass(frozen=True)
class Plan:
    """A part of a run.

    steps: optimiser steps. batch_size: pictures in a batch. crop: side of the square that is cut
    out of each picture at random, 0 for all of it. lr: peak learning rate. critic: whether the
    decoder alone goes on, against a critic, its encoder fixed.
    """

    steps: int
    batch_size: int = 16
    crop: int = 0
    lr: float = 1e-3
    critic: bool = False


def cropped(x: Tensor, side: int, dice: torch.Generator) -> Tensor:
    """A random square of each picture (B, C, H, W): (B, C, side, side).

    Here as in `noisy`, each of several processes draws for all, and keeps its part.
    """
    room = x.shape[-1] - side + 1
    at = mine(torch.randint(room, (world() * len(x), 2), generator=dice)).tolist()
    return torch.stack([one[:, i : i + side, j : j + side] for one, (i, j) in zip(x, at)])


def noisy(z: Tensor, dice: torch.Generator) -> Tensor:
    """Latents with a little noise, so that neighbours decode alike."""
    noise = mine(torch.randn(world() * len(z), *z.shape[1:], generator=dice))
    return z + NOISE * noise.to(z.device)


def reconstruction_loss(drawn: Tensor, x: Tensor, perceptual: PerceptualLoss) -> Tensor:
    """Squares, absolutes, and what the features network sees: a scalar."""
    far = F.mse_loss(drawn, x) + ABSOLUTE * F.l1_loss(drawn, x)
    return far + PERCEPTUAL * perceptual(drawn, x)


class Reconstruct(nn.Module):
    """The autoencoder as it is trained: pictures to noisy reconstructions and their targets."""

    def __init__(self, model: LatentAutoencoder, frozen: bool = False) -> None:
        super().__init__()
        self.model, self.frozen = model, frozen

    def forward(self, x: Tensor, dice: torch.Generator, half: bool = False) -> Tensor:
        """(B, C, H, W) to the same, or to half of the sides."""
        if self.frozen:
            with torch.no_grad():
                z = self.model(x)
        else:
            z = self.model(x)
        z = noisy(z, dice)
        return self.model.decoder(F.avg_pool2d(z, 2) if half else z)


def train(
    model: LatentAutoencoder,
    pictures: Tensor,
    plan: Plan,
    perceptual: PerceptualLoss,
    *,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Carry out one plan in place; yields {"step", "loss", "psnr", "lr"} after each step, and with
    a critic its loss ("critic") and the adaptive weight ("weight").

    What a step sees depends on (seed, step) alone, so a killed run goes on from its checkpoint. In
    the end the model holds its averaged weights, and its latents are normalised anew.

    Args:
        model: trained in place.
        pictures: (N, S, S, 3) uint8.
        plan: which part of a run.
        perceptual: with a features network that is frozen.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every 250 steps, and to resume from, with the same
            settings, if it is there.
        seed: of order, crops and noise, and of the critic.

    Raises:
        ValueError: pictures that are no bytes with channels last, a crop that is larger than they
            are, or a loss that is not finite.
    """
    check_bytes(pictures, model.channels)
    if plan.crop > min(pictures.shape[1:3]):
        raise ValueError(
            f"a crop of {plan.crop} pixels of pictures of {tuple(pictures.shape[1:3])}: cut out "
            "less, or take larger pictures"
        )
    some = DistributedDataParallelKwargs(find_unused_parameters=plan.critic)  # the encoder's
    accelerator = accelerator_for(precision, some)
    model.to(memory_format=torch.channels_last)
    model.to(accelerator.device).train()
    trained = [*model.decoder.parameters()] if plan.critic else [*model.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=plan.lr, weight_decay=0.01, betas=(0.9, 0.99))
    torch.manual_seed(seed)
    critic = PatchDiscriminator(strided=2).to(accelerator.device) if plan.critic else None
    rate = partial(
        cosine_schedule, total=plan.steps, warmup=min(plan.steps - 1, max(1, plan.steps // 20))
    )
    ema = EMA(model, decay=0.998)
    drawing = accelerator.prepare(Reconstruct(model, plan.critic))
    optimiser = accelerator.prepare(optimiser)
    perceptual.to(accelerator.device)
    settings = Settings(**asdict(plan), seed=seed, data=sample_of(pictures))
    state = {"settings": settings, "model": model, "optimiser": optimiser, "ema": ema}
    if critic is not None:
        model.encoder.eval(), model.norm.eval()
        opponent = torch.optim.Adam(critic.parameters(), lr=plan.lr / 2, betas=(0.5, 0.9))
        judging, opponent = accelerator.prepare(critic, opponent)
        state |= {"critic": critic, "opponent": opponent}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shard, shards = accelerator.process_index, accelerator.num_processes
    for step in range(start, plan.steps):
        turn = step * shards + shard
        index = batch_indices(turn, min(plan.batch_size, len(pictures)), len(pictures), seed)
        dice = torch.Generator().manual_seed(seed * 1_000_003 + step)
        x = from_bytes(pictures[index].to(accelerator.device))
        x = cropped(x, plan.crop, dice) if plan.crop else x
        x = x.contiguous(memory_format=torch.channels_last)
        for group in optimiser.param_groups:
            group["lr"] = plan.lr * rate(step)
        half = critic is None and step % HALF == HALF - 1
        drawn = drawing(x, dice, half)
        drawn, wanted = drawn.float(), F.avg_pool2d(x, 2) if half else x
        with accelerator.autocast():
            loss = reconstruction_loss(drawn, wanted, perceptual)
        told = means({"psnr": psnr(drawn.detach(), wanted).mean()})
        if critic is not None:
            critic.requires_grad_(False)  # while the decoder moves, it keeps no gradients
            with accelerator.autocast():
                pleased = hinge_generator_loss(critic(drawn).float())
            critic.requires_grad_(True)
            weight = adaptive_weight(loss, pleased, model.last)
            loss = loss + ADVERSARIAL * weight * pleased
            told["weight"] = weight.item()
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        if critic is not None:
            opponent.zero_grad()
            with accelerator.autocast():
                told_apart = hinge_discriminator_loss(
                    judging(wanted).float(), judging(drawn.detach()).float()
                )
            check_finite(told_apart, step + 1)
            accelerator.backward(told_apart)
            opponent.step()
            told |= means({"critic": told_apart})
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, plan.steps, SAVE_EVERY):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        told |= means({"loss": loss})
        yield {"step": step + 1, **told, "lr": optimiser.param_groups[0]["lr"]}
    ema.copy_to(model)
    if critic is None:
        some = pictures[:512].split(32)
        model.settle([from_bytes(part).to(accelerator.device) for part in some])
    model.eval()
