"""Train an autoencoder with a quantizer: the picture back, and each number near its code."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.processes import accelerator_for, gather, means
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld.dataset import from_bytes
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule
from mmcourse.vqvae.autoencoder import Autoencoder
from mmcourse.vqvae.distortion import psnr
from mmcourse.vqvae.usage import perplexity

Metrics = dict[str, float]
SAVE_EVERY = 100
"""Steps between two checkpoints."""


def shown(data: Tensor) -> Tensor:
    """A part of the data as the model takes it: bytes (B, S, S, 3) become pictures."""
    if data.dtype != torch.uint8:
        return data
    return from_bytes(data).contiguous(memory_format=torch.channels_last)  # faster convolutions


def train(
    model: Autoencoder,
    data: Tensor,
    *,
    steps: int,
    batch_size: int = 32,
    lr: float = 1e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Minimise the model's distance and the quantizer's loss, in place.

    Yields {"step", "loss", "psnr", "perplexity", "lr"} after each step.
    What a step sees depends on (seed, step) alone, so a killed run goes on from its checkpoint.
    In the end the model holds its averaged weights.

    Args:
        model: trained in place. Its codebook is put onto what the encoder says of the first batch.
        data: pictures, uint8 (N, S, S, 3), or sounds, float32 (N, 1, T).
        steps: optimiser steps in all.
        batch_size: examples in a batch, on each device.
        lr: peak learning rate of AdamW.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every `SAVE_EVERY` steps, and to resume from, with the same
            settings, if it is there.
        seed: of the order.

    Raises:
        ValueError: pictures of another shape, or a loss that is not finite.
    """
    channels = getattr(model, "channels", 1)
    if data.dtype == torch.uint8 and (data.ndim != 4 or data.shape[-1] != channels):
        raise ValueError(
            f"uint8 pictures must be (N, H, W, {channels}), got {tuple(data.shape)}; "
            "channels come last: data.movedim(1, -1)"
        )
    accelerator = accelerator_for(precision)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=lr, weight_decay=0.01, betas=(0.9, 0.99), fused=precision != "no"
    )
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 50)))
    if data.dtype == torch.uint8:
        model.to(memory_format=torch.channels_last)
    model.to(accelerator.device).train()
    ema = EMA(model, decay=min(0.999, steps / (steps + 10)))
    prepared, optimiser = accelerator.prepare(model, optimiser)
    settings = Settings(steps=steps, batch_size=batch_size, lr=lr, seed=seed, data=sample_of(data))
    state = {"settings": settings, "model": model, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shard, shards = accelerator.process_index, accelerator.num_processes
    for step in range(start, steps):
        index = batch_indices(step * shards + shard, batch_size, len(data), seed)
        x = shown(data[index].to(accelerator.device))
        if step == 0:
            with torch.no_grad():
                dice = torch.Generator().manual_seed(seed)
                model.quantizer.start_from(gather(model.encoder(x)), dice)
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        drawn, found = prepared(x)
        loss = model.distance(drawn.float(), x) + found.loss
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        optimiser.step()
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, steps, SAVE_EVERY):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        told = means({"loss": loss, "psnr": psnr(drawn.detach().float(), x).mean()})
        chosen = perplexity(gather(found.indices), model.quantizer.num_codes).item()
        yield {
            "step": step + 1,
            **told,
            "perplexity": chosen,
            "lr": optimiser.param_groups[0]["lr"],
        }
    ema.copy_to(model)
    model.eval()
