"""Train the joint model: the loop, and the contrastive objective of the two towers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from multiprocessing import get_all_start_methods
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.devices import usable_cpus
from mmcourse.joint.losses import clip_loss, masked_clip_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import Batch, Pairs
from mmcourse.joint.towers import by_length
from mmcourse.processes import accelerator_for, gather, means, my_rows
from mmcourse.resuming import Settings, sample_of
from mmcourse.training import EMA, check_finite, cosine_schedule

Metrics = dict[str, float]
Objective = Callable[[JointModel, Pairs], nn.Module]
"""(model, pairs) to a module with the model in it that maps a `Batch` to the loss and a dict of
numbers to log."""


def in_float32(device: torch.device) -> AbstractContextManager:
    """Where a precision of three digits is too little: logits of up to 100 go into a softmax."""
    return torch.autocast(device.type, enabled=False)


def picked(text: Tensor, image: Tensor, of: Tensor) -> Tensor:
    """Share of the texts (N, D) that are closest to their own picture, of[i], of the B (B, D)."""
    return ((text @ image.T).argmax(1) == of).float().mean()


def by_parts(model: JointModel, batch: Batch) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The rows of some of this process's texts, one vector for each, and one for each word. Short
    texts are read among short ones, which takes less time."""
    mine = my_rows(len(batch.ids))
    ids, mask = batch.ids[mine], batch.mask[mine]
    for rows, length in by_length(mask):
        yield rows, *model.text_tower(ids[rows, :length], mask[rows, :length])


def read(model: JointModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """What the text tower makes of this process's texts, (N, dim), and of each word, (N, T, dim);
    what stands in the padding means nothing."""
    order, pooled, words = zip(*by_parts(model, batch), strict=True)
    longest = batch.ids.shape[1]
    padded = [F.pad(part, (0, 0, 0, longest - part.shape[1])) for part in words]
    back = torch.cat(order).argsort()
    return torch.cat(pooled)[back], torch.cat(padded)[back]


def read_whole(model: JointModel, batch: Batch) -> Tensor:
    """(N, dim): what the text tower makes of this process's texts, the words left out."""
    order, pooled, _ = zip(*by_parts(model, batch), strict=True)
    return torch.cat(pooled)[torch.cat(order).argsort()]


def contrast(text: Tensor, image: Tensor, scale: Tensor, ignored: Tensor | None = None) -> Tensor:
    """`clip_loss`, or `masked_clip_loss` where some pairs are to be ignored."""
    if ignored is None:
        return clip_loss(text, image, scale)
    return masked_clip_loss(text, image, scale, ignored)


def helpers(device: torch.device) -> int:
    """How many processes prepare texts for this device: those that it leaves idle. A CPU leaves
    none, and where processes cannot be forked the loop prepares its texts itself."""
    if device.type != "cuda" or "fork" not in get_all_start_methods():
        return 0
    return min(12, usable_cpus() - 1)


class Contrast(nn.Module):
    """The towers' objective. Texts choose among the pictures of all processes, and what is pooled
    is standardised over all of them.

    Args:
        model: whose towers are trained.
        pairs: what they are trained on.
        loss_function: (N text vectors, the N vectors of their pictures, scale) to a scalar; if the
            pairs know which texts are true of which pictures, the mask of what is to be ignored
            comes fourth (default: `clip_loss`, or `masked_clip_loss`).
    """

    def __init__(
        self, model: JointModel, pairs: Pairs, loss_function: Callable[..., Tensor] = contrast
    ) -> None:
        super().__init__()
        self.model, self.loss_function = model, loss_function

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and the share of texts that pick their own picture."""
        text = self.model.project_text(gather(read_whole(self.model, batch)))
        image = self.model.project_image(gather(self.model.image_tower(batch.pixels)[0]))
        scale = self.model.logit_scale.exp()
        options = [] if batch.ignored is None else [batch.ignored]
        with in_float32(text.device):
            text, image = text.float(), image.float()
            loss = self.loss_function(text, image[batch.of], scale, *options)
            return loss, {"accuracy": picked(text, image, batch.of), "scale": scale}


def train(
    model: JointModel,
    pairs: Pairs,
    *,
    steps: int,
    batch_size: int = 256,
    lr: float = 1e-3,
    precision: str = "no",
    checkpoint: Path | None = None,
    objective: Objective = Contrast,
) -> Iterator[Metrics]:
    """Train in place; yields {"step", "loss", "lr"} and what the objective logs ("accuracy",
    "scale") after each optimiser step.

    The data of a step depend on (`pairs.seed`, step) alone, so a run that is killed and started
    again with the same `checkpoint` file goes on where it was. At the end the model holds its
    averaged (EMA) weights. On several devices the batch that a text chooses from is that of all of
    them, so the step is the one that a single device with the whole batch would take.

    Args:
        model: trained in place.
        pairs: what to train on.
        steps: optimiser steps in all.
        batch_size: pairs in a batch, on each device.
        lr: peak learning rate of AdamW; 5 % of the steps warm up, then it falls along a cosine.
        precision: accelerate's name of it: "no" (float32), "bf16" or "fp16".
        checkpoint: file to save to every 50 steps, and to resume from, with the same
            settings, if it is there.
        objective: what is minimised: `Contrast`, `partial(Contrast, loss_function=...)`, or
            `ThreeLosses`, which trains the fused encoder too.
    """
    several = DistributedDataParallelKwargs(find_unused_parameters=True)  # contrast fuses nothing
    patient = InitProcessGroupKwargs(timeout=timedelta(hours=2))  # while one measures a stage
    accelerator = accelerator_for(precision, several, patient)
    no_decay = [p for p in model.parameters() if p.ndim < 2]
    decay = [p for p in model.parameters() if p.ndim >= 2]
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
        fused=precision != "no",
    )
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    model.to(memory_format=torch.channels_last)  # faster convolutions
    model.to(accelerator.device).train()
    ema = EMA(model, decay=0.995)
    prepared, optimiser = accelerator.prepare(objective(model, pairs), optimiser)
    settings = Settings(
        steps=steps, batch_size=batch_size, lr=lr, seed=pairs.seed, data=sample_of(pairs.pictures)
    )
    state = {"settings": settings, "model": model, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    shards = accelerator.num_processes
    turns = [(step, pairs.batch(step, batch_size, shards)) for step in range(start, steps)]
    told = pairs.told_ahead(turns, helpers(accelerator.device))
    for step, index in turns:
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        loss, numbers = prepared(pairs.show(index, step, accelerator.device, next(told)))
        check_finite(loss, step + 1)
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        optimiser.step()
        logged = means({"loss": loss, **numbers})
        model.clamp_scale()
        ema.update(model)
        if checkpoint is not None and save_now(step + 1, steps, 50):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        yield {"step": step + 1, **logged, "lr": optimiser.param_groups[0]["lr"]}
    ema.copy_to(model)
    model.eval()
