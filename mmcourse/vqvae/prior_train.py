"""Train a prior on captions and codes: what comes next, in both orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.processes import accelerator_for, means, weight_of
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld import Tokenizer
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule
from mmcourse.vqvae.prior import CodePrior

Metrics = dict[str, float]
SAVE_EVERY = 50
"""Steps between two checkpoints."""


@dataclass(frozen=True)
class Telling:
    """What is told of pictures, and when."""

    caption: Callable[[int, int], str]
    """(index of the picture, step) to a caption of it."""
    after_every: int = 2
    """Of so many steps the last shows captions after their pictures, which are then read without
    one; the others show captions first."""
    seed: int = 0
    """Of the order of the pictures."""

    def comes_first(self, step: int) -> bool:
        """Whether this step shows captions and then pictures."""
        return (step + 1) % self.after_every > 0


def train_prior(
    prior: CodePrior,
    codes: Tensor,
    told: Telling,
    *,
    steps: int,
    batch_size: int = 16,
    lr: float = 2e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
) -> Iterator[Metrics]:
    """Minimise the cross-entropy of the next token, in place.

    Yields {"step", "loss", "lr"} after each step. What a step
    sees depends on (seed, step) alone, so a killed run goes on from its checkpoint. In the end the
    prior holds its averaged weights.

    Args:
        prior: trained in place.
        codes: (N, h, w), by a VQ-VAE in eval mode that is trained no more.
        told: the captions, how often they come after their pictures, and the order of these.
        steps: optimiser steps in all.
        batch_size: pictures in a batch, on each device.
        lr: peak learning rate of AdamW.
        precision: "no", "bf16" or "fp16"; the cross-entropy is in float32 whichever it is.
        checkpoint: file to save to every `SAVE_EVERY` steps, and to resume from, with the same
            settings, if it is there.
    """
    accelerator, tokenizer = accelerator_for(precision), Tokenizer()
    small = [p for p in prior.parameters() if p.ndim < 2]
    large = [p for p in prior.parameters() if p.ndim >= 2]
    optimiser = torch.optim.AdamW(
        [{"params": large, "weight_decay": 0.05}, {"params": small, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
        fused=precision != "no",
    )
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    prior.to(accelerator.device).train()
    ema = EMA(prior, decay=min(0.995, steps / (steps + 10)))
    prepared, optimiser = accelerator.prepare(prior, optimiser)
    settings = Settings(
        steps=steps, batch_size=batch_size, lr=lr, seed=told.seed, data=sample_of(codes)
    )
    state = {"settings": settings, "model": prior, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shard, shards = accelerator.process_index, accelerator.num_processes
    for step in range(start, steps):
        index = batch_indices(step * shards + shard, batch_size, len(codes), told.seed)
        ids, _ = tokenizer.encode([told.caption(i, step) for i in index.tolist()])
        tokens, places = (
            x.to(accelerator.device)
            for x in prior.shared.join(ids, codes[index], words_first=told.comes_first(step))
        )
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        loss = prior.loss_of(prepared(tokens[:, :-1], places[:, :-1]).float(), tokens)
        loss = loss * weight_of((tokens[:, 1:] != 0).sum())
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        optimiser.step()
        ema.update(prior)
        if checkpoint is not None and save_now(step + 1, steps, SAVE_EVERY):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        yield {"step": step + 1, **means({"loss": loss}), "lr": optimiser.param_groups[0]["lr"]}
    ema.copy_to(prior)
    prior.eval()
