"""Train the two towers with the contrastive loss."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint
from mmcourse.joint.losses import clip_loss, masked_clip_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.negatives import true_of_siblings
from mmcourse.storyworld import (
    Caption,
    Scene,
    Tokenizer,
    describe,
    from_bytes,
    render_bytes,
    sample_family,
)
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
    ignored: Callable[[list[int], int], Tensor] | None = None
    """(indices of a batch, step) to the pairs (B, B) bool that are no negatives; none by default.
    """

    def batch(self, step: int, batch_size: int) -> Tensor:
        """The indices (batch_size,) of a step: whole families, in an order of their own.

        Raises:
            ValueError: a batch that would cut a family, or one larger than the data.
        """
        if batch_size % self.family:
            raise ValueError(
                f"batch_size is {batch_size}, expected a multiple of {self.family}, since families "
                "are shown whole"
            )
        families = len(self.pictures) // self.family
        chosen = batch_indices(step, batch_size // self.family, families, self.seed)
        return (chosen[:, None] * self.family + torch.arange(self.family)).flatten()


def caption_for_training(scene: Scene, step: int) -> Caption:
    """Another phrasing at every step; three in ten tell only part of the scene."""
    return describe(scene, key=step, complete=step % 10 >= 3)


def _draw(scenes: Sequence[Scene], size: int) -> np.ndarray:
    return render_bytes(scenes, size).numpy()


def draw(scenes: Sequence[Scene], size: int, workers: int | None = None) -> Tensor:
    """`render_bytes` for many scenes, by default in several processes from 10,000 on."""
    workers = workers or min(os.cpu_count() or 1, 1 + len(scenes) // 10_000)
    if workers == 1:
        return render_bytes(scenes, size)
    pictures = torch.empty(len(scenes), size, size, 3, dtype=torch.uint8)
    parts = [slice(start, start + 500) for start in range(0, len(scenes), 500)]
    with ProcessPoolExecutor(workers) as pool:
        drawn = pool.map(partial(_draw, size=size), [scenes[part] for part in parts])
        for part, rows in zip(parts, drawn, strict=True):
            pictures[part] = torch.from_numpy(rows)
    return pictures


def storyworld_pairs(
    n: int, size: int = 64, split: str = "train", seed: int = 0, family: int = 1
) -> Pairs:
    """Draw `n` scenes of a split once; their captions are made anew whenever one is asked for.

    With `family` = 1 all scenes are strangers, and most details never decide which caption belongs
    to which picture. In larger families, of siblings that differ by one thing, every detail counts.
    Where a caption is true of a sibling too, because it says nothing of what tells them apart, that
    sibling is no negative.
    """
    scenes = [s for i in range(n // family) for s in sample_family(split, i, family, seed)]

    def told(index: int, step: int) -> Caption:
        return caption_for_training(scenes[index], step + index)

    def ignored(index: list[int], step: int) -> Tensor:
        return true_of_siblings([told(i, step) for i in index], [scenes[i] for i in index], family)

    return Pairs(
        draw(scenes, size),
        lambda index, step: told(index, step).text,
        Tokenizer(),
        seed,
        family,
        ignored if family > 1 else None,
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
    loss_function: Callable[..., Tensor] | None = None,
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
        loss_function: (text vectors, picture vectors, scale) to a scalar; if the pairs have a mask
            of what is ignored, it comes fourth (default: `clip_loss`, or `masked_clip_loss`).
    """
    if loss_function is None:
        loss_function = clip_loss if pairs.ignored is None else masked_clip_loss
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
        options = []
        if pairs.ignored is not None:
            options.append(pairs.ignored(index.tolist(), step).to(accelerator.device))
        loss = loss_function(text, image, scale, *options)
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
