"""Train the identity encoder: it is asked outright who it sees."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.dit.identity import Answers, IdentityEncoder
from mmcourse.dit.portraits import Portraits
from mmcourse.processes import accelerator_for, means
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld import from_bytes
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule

WORDS = 0.1
"""Weight of species and colour: captions tell both, and a trait is a shade of them."""
MOVED, ZOOMED = 0.08, 0.1
"""How far a portrait is moved, in parts of its side, and made larger or smaller: nobody is always
cut out alike."""
SAVE_EVERY = 500


class Asked(nn.Module):
    """The encoder as it is trained: from portraits straight to its answers."""

    def __init__(self, model: IdentityEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Answers:
        """(B, 3, 64, 64) in [-1, 1] to what `IdentityEncoder.answer` says."""
        return self.model.answer(self.model(pixels))


def moved(pixels: Tensor, dice: torch.Generator) -> Tensor:
    """Portraits (B, 3, H, W), each moved and zoomed a little, its edges drawn out."""
    n = len(pixels)
    zoom = 1 + ZOOMED * (2 * torch.rand(n, 1, generator=dice) - 1)
    shift = 2 * MOVED * (2 * torch.rand(n, 2, generator=dice) - 1)  # a side is 2 wide
    turn = torch.zeros(n, 2, 3)
    turn[:, 0, 0] = turn[:, 1, 1] = zoom[:, 0]
    turn[:, :, 2] = shift
    grid = F.affine_grid(turn, list(pixels.shape), align_corners=False).to(pixels.device)
    return F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def train(
    model: IdentityEncoder,
    data: Portraits,
    *,
    steps: int,
    batch_size: int = 64,
    lr: float = 1e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[dict[str, float]]:
    """Train in place; yields {"step", "loss", "traits", "lr"}: "traits" is the squared error over
    the variance, 1 for who knows nothing.

    What a step sees depends on (seed, step) alone, so a killed run goes on from its checkpoint. In
    the end the model holds its averaged weights.

    Args:
        model: trained in place.
        data: portraits with what is true of them.
        steps: optimiser steps in all.
        batch_size: portraits in a batch.
        lr: peak learning rate of AdamW.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every 500 steps, and to resume from, with the same settings, if
            it is there.
        seed: of the order and of how portraits are moved.

    Raises:
        ValueError: a loss that is not finite.
    """
    accelerator = accelerator_for(precision)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    model.take_as_usual(data.traits)
    model.to(memory_format=torch.channels_last)
    model.to(accelerator.device).train()
    ema = EMA(model, decay=min(0.998, steps / (steps + 10)))
    asked = accelerator.prepare(Asked(model))
    optimiser = accelerator.prepare(optimiser)
    settings = Settings(
        steps=steps, batch_size=batch_size, lr=lr, seed=seed, data=sample_of(data.pixels)
    )
    state = {"settings": settings, "model": model, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shard, shards = accelerator.process_index, accelerator.num_processes
    for step in range(start, steps):
        turn = step * shards + shard
        index = batch_indices(turn, min(batch_size, len(data)), len(data), seed)
        dice = torch.Generator().manual_seed(seed * 1_000_003 + turn)
        shown = moved(from_bytes(data.pixels[index]).to(accelerator.device), dice)
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        said = asked(shown.contiguous(memory_format=torch.channels_last))
        wanted = (data.traits[index].to(shown) - model.usual) / model.spread
        traits = (said.traits.float() - wanted).square().mean()
        words = sum(
            F.cross_entropy(logits.float(), right[index].to(shown.device))
            for logits, right in ((said.species, data.species), (said.colours, data.colours))
        )
        loss = traits + WORDS * words
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, steps, SAVE_EVERY):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        told = means({"loss": loss, "traits": traits})
        yield {"step": step + 1, **told, "lr": optimiser.param_groups[0]["lr"]}
    ema.copy_to(model)
    model.eval()
