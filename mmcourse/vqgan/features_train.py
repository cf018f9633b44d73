"""Train the features network: cross-entropy on every question about every patch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.processes import accelerator_for, means, weight_of
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld.dataset import from_bytes
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule
from mmcourse.vqgan.features import QUESTIONS, Features

Truth = Mapping[str, Tensor]
"""See `features_data.draw_truth`."""
SAVE_EVERY = 250


def dense_losses(said: Mapping[str, Tensor], truth: Truth) -> dict[str, Tensor]:
    """The mean loss of each question over the patches where it arises, in nats; of the depth the
    mean absolute error. Of several processes each weighs by how many of them it has.

    Args:
        said: of `Features.answer`.
        truth: a batch of `features_data.draw_truth`.
    """
    out = {}
    for i, name in enumerate(QUESTIONS):
        right = truth["answers"][:, i].long()  # (B, h, w)
        there = (right >= 0).sum()
        total = F.cross_entropy(said[name].float(), right, ignore_index=-1, reduction="sum")
        out[name] = total / there.clamp(min=1) * weight_of(there)
    near = truth["near"].long()  # (B, H / 2, W / 2)
    out["near.0"] = F.cross_entropy(said["near.0"].float(), near)
    out["near.1"] = F.cross_entropy(said["near.1"].float(), near[:, ::2, ::2])
    out["depth"] = F.l1_loss(said["depth"].float().squeeze(1), truth["depth"].float())
    return out


def train(
    model: Features,
    albums: Sequence[Truth],
    *,
    steps: int,
    batch_size: int = 32,
    lr: float = 2e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[dict[str, float]]:
    """Train in place; yields {"step", "loss", "lr"} and the loss of each question.

    Steps take the albums (one for each size) in turn; of pictures four times as large a quarter is
    taken. What a step sees depends on (seed, step) alone, so a killed run goes on from its
    checkpoint. In the end the model holds its averaged weights.

    Args:
        model: trained in place.
        albums: pictures with their truth, each of one size.
        steps: optimiser steps in all.
        batch_size: pictures of 64 pixels in a batch.
        lr: peak learning rate of AdamW.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every 250 steps, and to resume from, with the same
            settings, if it is there.
        seed: of the order.

    Raises:
        ValueError: no albums, or a loss that is not finite.
    """
    if not albums:
        raise ValueError("no albums, so there is nothing to learn from: give one or more")
    accelerator = accelerator_for(precision)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.02, betas=(0.9, 0.99))
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    model.to(memory_format=torch.channels_last)
    model.to(accelerator.device).train()
    ema = EMA(model, decay=0.998)
    asked = accelerator.prepare(Asked(model))
    optimiser = accelerator.prepare(optimiser)
    data = "; ".join(sample_of(album["pixels"]) for album in albums)
    settings = Settings(steps=steps, batch_size=batch_size, lr=lr, seed=seed, data=data)
    state = {"settings": settings, "model": model, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shard, shards = accelerator.process_index, accelerator.num_processes
    for step in range(start, steps):
        album = albums[step % len(albums)]
        pixels = album["pixels"]
        size = max(1, batch_size * 64**2 // pixels.shape[1] ** 2)
        turn = step // len(albums) * shards + shard
        index = batch_indices(turn, min(size, len(pixels)), len(pixels), seed)
        truth = {k: x[index].to(accelerator.device) for k, x in album.items() if k != "pixels"}
        x = from_bytes(pixels[index].to(accelerator.device))
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        losses = dense_losses(asked(x.contiguous(memory_format=torch.channels_last)), truth)
        loss = torch.stack(list(losses.values())).sum()
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, steps, SAVE_EVERY):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        told = means({"loss": loss, **losses})
        yield {"step": step + 1, **told, "lr": optimiser.param_groups[0]["lr"]}
    ema.copy_to(model)
    model.eval()


class Asked(torch.nn.Module):
    """The network as it is trained: from pictures straight to its answers."""

    def __init__(self, model: Features) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [-1, 1] to what `Features.answer` says."""
        return self.model.answer(self.model(pixels))
