"""Train the two towers with the contrastive loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint
from mmcourse.joint.losses import clip_loss
from mmcourse.joint.model import JointModel
from mmcourse.storyworld import Scene, Tokenizer, caption, from_bytes, render_bytes, sample_family
from mmcourse.training import EMA, batch_indices, cosine_schedule

Metrics = dict[str, float]
Captioner = Callable[[int, int], str]
"""(index of the picture, step) to a caption of it."""


@dataclass(frozen=True)
class Pairs:
    """Pictures (N, H, W, 3) uint8, for each a source of captions, and who reads these.

    Consecutive pictures form families of `family` members, which are shown in one batch.
    """

    pictures: Tensor
    captioner: Captioner
    tokenizer: Tokenizer
    seed: int = 0
    """Of the order in which they are shown."""
    family: int = 1

    def batch(self, step: int, batch_size: int) -> Tensor:
        """The indices (batch_size,) of a step: whole families, in an order of their own."""
        families = len(self.pictures) // self.family
        chosen = batch_indices(step, batch_size // self.family, families, self.seed)
        return (chosen[:, None] * self.family + torch.arange(self.family)).flatten()


def caption_for_training(scene: Scene, step: int) -> str:
    """Another phrasing at every step; three in ten tell only part of the scene."""
    return caption(scene, key=step, complete=step % 10 >= 3)


def storyworld_pairs(
    n: int, size: int = 64, split: str = "train", seed: int = 0, family: int = 1
) -> Pairs:
    """Draw `n` scenes of a split once; their captions are made anew whenever one is asked for.

    With `family` = 1 all scenes are strangers, and most details never decide which caption belongs
    to which picture. In larger families, of siblings that differ by one thing, every detail counts.
    """
    scenes = [s for i in range(n // family) for s in sample_family(split, i, family, seed)]
    return Pairs(
        render_bytes(scenes, size),
        lambda index, step: caption_for_training(scenes[index], step + index),
        Tokenizer(),
        seed,
        family,
    )


def train(
    model: JointModel,
    pairs: Pairs,
    *,
    steps: int,
    batch_size: int = 256,
    lr: float = 1e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
    loss_function: Callable[[Tensor, Tensor, Tensor], Tensor] = clip_loss,
) -> Iterator[Metrics]:
    """Train in place; yields {"step", "loss", "accuracy", "scale", "lr"} after each optimiser step.

    The data of a step depend on (`pairs.seed`, step) alone, so a run that is killed and started
    again with the same `checkpoint` file goes on where it was. At the end the model holds its
    averaged (EMA) weights. On several devices each tells its own pairs apart: the batch that a text
    chooses from is the one on its device.

    Args:
        model: trained in place.
        pairs: what to train on.
        steps: optimiser steps in all.
        batch_size: pairs in a batch: each text is told apart from as many pictures.
        lr: peak learning rate of AdamW; 5 % of the steps warm up, then it falls along a cosine.
        precision: accelerate's name of it: "no" (float32), "bf16" or "fp16".
        checkpoint: file to save to every 250 steps, and to resume from if it is there.
        loss_function: (text vectors, picture vectors, scale) to a scalar.
    """
    accelerator = Accelerator(mixed_precision=precision)
    no_decay = [p for p in model.parameters() if p.ndim < 2]
    decay = [p for p in model.parameters() if p.ndim >= 2]
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
    )
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    model.to(accelerator.device).train()
    ema = EMA(model, decay=0.995)
    prepared, optimiser = accelerator.prepare(model, optimiser)
    state = {"model": model, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shard, shards = accelerator.process_index, accelerator.num_processes

    for step in range(start, steps):
        index = pairs.batch(step * shards + shard, batch_size)
        pixels = from_bytes(pairs.pictures[index]).to(accelerator.device)
        ids, mask = pairs.tokenizer.encode([pairs.captioner(i, step) for i in index.tolist()])
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        text, image, scale = prepared(
            ids.to(accelerator.device), mask.to(accelerator.device), pixels
        )
        loss = loss_function(text, image, scale)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        optimiser.step()
        model.clamp_scale()
        ema.update(model)
        with torch.no_grad():
            hits = (text @ image.T).argmax(1).cpu() == torch.arange(len(text))
        if checkpoint is not None and ((step + 1) % 250 == 0 or step + 1 == steps):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        yield {
            "step": step + 1,
            "loss": loss.item(),
            "accuracy": hits.float().mean().item(),
            "scale": scale.item(),
            "lr": optimiser.param_groups[0]["lr"],
        }
    ema.copy_to(model)
    model.eval()
