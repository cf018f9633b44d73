"""Train the judge: cross-entropy on every question, a contrast of heroes with their doubles, and
what shows of everybody's identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.processes import accelerator_for, gather, means, my_rows, total, weight_of, world
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld.dataset import from_bytes
from mmcourse.storyworld.judge.data import Album
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import FIELDS
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule

Metrics = dict[str, float]
IDENTITY_WEIGHT = 1.0
TRAIT_WEIGHT = 16.0
"""As the loss is a mean over eight traits, each weighs twice as much as one question."""


def question_loss(logits: dict[str, Tensor], targets: Tensor) -> Tensor:
    """Sum over the fields of the mean cross-entropy where a question arises (targets (B, F) >= 0).

    A sum, so that each question weighs as much as telling heroes from their doubles. With the mean,
    a thirtieth of it, the same accuracy takes three times as many steps.
    """
    arise = total((targets >= 0).sum(0)).clamp(min=1) / world()  # (F,), a process's mean share
    losses = [
        F.cross_entropy(logits[f].float(), targets[:, i], ignore_index=-1, reduction="sum")
        / arise[i]
        for i, f in enumerate(FIELDS)
    ]
    return torch.stack(losses).sum()


def identity_loss(heroes: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE that asks each hero for itself among all, its own double included.

    Args:
        heroes: (N, 3, D) normalised: the hero, the same elsewhere, its double.
        scale: multiplier of the cosines.

    Returns:
        the loss, and the share of heroes that are closer to themselves than to their double.
    """
    first, again, double = heroes.unbind(1)  # (N, D) each
    own = torch.arange(len(first), device=first.device)
    loss = heroes.new_zeros(())
    for a, b in ((first, again), (again, first)):
        loss = loss + F.cross_entropy(scale * a @ torch.cat([b, double]).T, own)
    told = (first * again).sum(-1) > (first * double).sum(-1)
    return loss / 2, told.float().mean()


def trait_loss(found: Tensor, shown: Tensor) -> Tensor:
    """Mean squared error of the traits of all who are there.

    The contrast alone sees one hero in three pictures, and learns the heroes by heart.

    Args:
        found: (B, positions, 8).
        shown: the same, NaN where nobody stands.
    """
    there = ~shown.isnan()
    return (found - shown.nan_to_num()).square()[there].mean() * weight_of(there.sum())


def worn(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures as models draw them: some a little blurred, some noisy; (B, 3, S, S). Several
    processes with one seed draw for all, and each takes its part."""
    b, s = len(pixels) * world(), pixels.shape[-1]
    mine, on = my_rows(b), generator.device
    dice = torch.rand(b, 3, 1, 1, generator=generator, device=on)[mine].to(pixels.device)
    soft = F.interpolate(F.avg_pool2d(pixels, 2), (s, s), mode="bilinear")
    mixed = torch.where(dice[:, :1] < 0.25, 0.5 * (soft + pixels), pixels)
    strength = 0.08 * dice[:, 1:2] * (dice[:, 2:] < 0.4)
    noise = torch.randn(b, *pixels.shape[1:], generator=generator, device=on)[mine]
    noise = noise.to(pixels.device)
    return (mixed + strength * noise).clamp(-1, 1)


def train(
    model: Judge,
    albums: Sequence[Album],
    *,
    steps: int,
    batch_size: int = 64,
    lr: float = 2e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Train in place; yields {"step", "loss", "questions", "identity", "traits",
    "told_apart", "lr"}.

    Steps take the albums (one for each size) in turn. What a step sees depends on (seed, step)
    alone, so a killed run goes on from its checkpoint. In the end the model holds its averaged
    weights.

    Args:
        model: trained in place.
        albums: families of pictures, see `judge_data`.
        steps: optimiser steps in all.
        batch_size: families in a batch, on each device; it holds three times as many pictures.
        lr: peak learning rate of AdamW.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every 100 steps, and to resume from, with the same
            settings, if it is there.
        seed: of the order.
    """
    accelerator = accelerator_for(precision)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=lr, weight_decay=0.02, betas=(0.9, 0.99), fused=precision != "no"
    )
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    model.to(memory_format=torch.channels_last)  # a quarter faster
    model.to(accelerator.device).train()
    ema = EMA(model, decay=0.999)
    prepared, optimiser = accelerator.prepare(model, optimiser)
    data = "; ".join(sample_of(album.pixels) for album in albums)
    settings = Settings(steps=steps, batch_size=batch_size, lr=lr, seed=seed, data=data)
    state = {"settings": settings, "model": model, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    for step in range(start, steps):
        album = albums[step % len(albums)]
        turn = step // len(albums) * accelerator.num_processes + accelerator.process_index
        index = batch_indices(turn, batch_size, len(album.pixels), seed)
        pixels = from_bytes(album.pixels[index].flatten(0, 1).to(accelerator.device))
        dice = torch.Generator(accelerator.device).manual_seed(seed * 1_000_003 + step)
        pixels = worn(pixels, dice)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        targets = album.targets[index].flatten(0, 1).to(accelerator.device)
        where = album.heroes[index].flatten().to(accelerator.device)
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        logits, identities, traits, _ = prepared(pixels)
        heroes = identities[torch.arange(len(where), device=where.device), where].unflatten(
            0, (-1, 3)
        )
        questions = question_loss(logits, targets)
        scale = model.identity_scale.exp().clamp(max=100)
        identity, told = identity_loss(gather(heroes.float()), scale)
        shown = album.traits[index].flatten(0, 1).to(accelerator.device)
        wrong = trait_loss(traits.float(), shown)
        loss = questions + IDENTITY_WEIGHT * identity + TRAIT_WEIGHT * wrong
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        optimiser.step()
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, steps, 100):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        numbers = {"loss": loss, "questions": questions, "identity": identity, "traits": wrong}
        logged = means({**numbers, "told_apart": told})
        yield {"step": step + 1, **logged, "lr": optimiser.param_groups[0]["lr"]}
    ema.copy_to(model)
    model.eval()
