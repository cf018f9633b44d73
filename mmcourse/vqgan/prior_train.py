"""Train the prior: in order, with places missing, and from one style to another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint
from mmcourse.processes import means, mine, weight_of, world
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld import Tokenizer
from mmcourse.training import EMA, batch_indices, cosine_schedule
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import no_text

Metrics = dict[str, float]
LESSONS = ("raster", "masked", "raster", "masked", "raster", "masked", "raster", "style")
"""What the steps teach, in turn."""


@dataclass(frozen=True)
class Lessons:
    """What the prior is taught from.

    Args:
        codes: (N, h, w, L), by an autoencoder in eval mode that is trained no more.
        caption: (index of the picture, step) to a caption of it.
        restyled: codes (M, h, w, L) of the first M pictures' scenes in another style.
        style: index of a picture below M to the words that ask for that style. Empty lists of
            these: nothing is restyled.
        dropped: share of captions that are left out, for guidance.
    """

    codes: Tensor
    caption: Callable[[int, int], str]
    restyled: Tensor | None = None
    style: Callable[[int], str] = lambda index: ""
    dropped: float = 0.1

    def lesson(self, step: int) -> str:
        """What a step teaches."""
        lesson = LESSONS[step % len(LESSONS)]
        return "masked" if lesson == "style" and self.restyled is None else lesson


def missing_places(n: int, cells: int, dice: torch.Generator) -> Tensor:
    """Which of the places are known (n, cells) bool: cos(π/2 u) of them are not, u uniform, as at
    the passes of MaskGIT; at least one is missing.

    Source: Chang et al., MaskGIT, 2022, section 3.1.
    """
    share = torch.rand(n, 1, generator=dice).mul(math.pi / 2).cos()
    left = (share * cells).ceil().clamp(min=1)  # (n, 1) places that are missing
    rank = torch.rand(n, cells, generator=dice).argsort(dim=1).argsort(dim=1)
    return rank >= left


def train_prior(
    prior: ResidualPrior,
    lessons: Lessons,
    *,
    steps: int,
    batch_size: int = 32,
    lr: float = 1.5e-3,
    precision: str = "no",
    out: tuple[Path | None, int] = (None, 0),
    save_every: int = 100,
) -> Iterator[Metrics]:
    """Minimise the cross-entropy of the codes, in place.

    Yields {"step", "loss", "lr"} after each step, and the loss again under its lesson's name. What
    a step sees depends on (seed, step) alone, so a killed run goes on from its checkpoint. In the
    end the prior holds its averaged weights.

    Args:
        prior: trained in place.
        lessons: codes and captions.
        steps: optimiser steps in all.
        batch_size: pictures in a batch, on each process.
        lr: peak learning rate of AdamW.
        precision: "no", "bf16" or "fp16".
        out: file to save to, and to resume from, with the same settings, if it is there; and the
            seed of order and draws.
        save_every: steps between two checkpoints.
    """
    checkpoint, seed = out
    some = DistributedDataParallelKwargs(find_unused_parameters=True)  # a lesson does not use all
    accelerator = Accelerator(mixed_precision=precision, kwargs_handlers=[some])
    tokenizer = Tokenizer()
    device = accelerator.device
    small = [p for p in prior.parameters() if p.ndim < 2]
    large = [p for p in prior.parameters() if p.ndim >= 2]
    optimiser = torch.optim.AdamW(
        [{"params": large, "weight_decay": 0.05}, {"params": small, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
    )
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    prior.to(device).train()
    ema = EMA(prior, decay=min(0.999, steps / (steps + 10)))
    prepared, optimiser = accelerator.prepare(prior, optimiser)
    settings = Settings(
        steps=steps, batch_size=batch_size, lr=lr, seed=seed, data=sample_of(lessons.codes)
    )
    state = {"settings": settings, "model": prior, "optimiser": optimiser, "ema": ema}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    for step in range(start, steps):
        turn = step * accelerator.num_processes + accelerator.process_index
        dice = torch.Generator().manual_seed(seed * 1_000_003 + step)
        lesson = lessons.lesson(step)
        when = (step, turn)
        ids, codes, source = _batch(lessons, lesson, when, batch_size, (tokenizer, dice, seed))
        known = None
        if lesson != "raster":
            known = mine(missing_places(world() * len(codes), prior.cells, dice))
            known = known.unflatten(1, prior.grid)
        ids, codes = ids.to(device), codes.to(device)
        known = None if known is None else known.to(device)
        source = None if source is None else source.to(device)
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(step)
        loss = prior.loss_of(prepared(ids, codes, known, source), codes.flatten(1, 2), known)
        if known is not None:  # a mean over the places that are missing here
            loss = loss * weight_of((~known).sum())
        optimiser.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        optimiser.step()
        ema.update(prior)
        if checkpoint is not None and ((step + 1) % save_every == 0 or step + 1 == steps):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        lr_now = optimiser.param_groups[0]["lr"]
        told = means({"loss": loss, lesson: loss})
        yield {"step": step + 1, **told, "lr": lr_now}
    ema.copy_to(prior)
    prior.eval()


def _batch(
    lessons: Lessons,
    lesson: str,
    when: tuple[int, int],
    batch_size: int,
    by: tuple[Tokenizer, torch.Generator, int],
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The texts, targets and sources of a step, which is a turn of this process."""
    tokenizer, dice, seed = by
    step, turn = when
    restyle = lesson == "style" and lessons.restyled is not None
    n = len(lessons.restyled) if restyle and lessons.restyled is not None else len(lessons.codes)
    index = batch_indices(turn, min(batch_size, n), n, seed)
    if restyle and lessons.restyled is not None:
        ids, _ = tokenizer.encode([lessons.style(i) for i in index.tolist()])
        return ids, lessons.restyled[index], lessons.codes[index]
    ids, _ = tokenizer.encode([lessons.caption(i, step) for i in index.tolist()])
    gone = mine(torch.rand(world() * len(ids), generator=dice)) < lessons.dropped
    empty = torch.zeros_like(ids)
    empty[:, :2] = no_text(1)
    return torch.where(gone[:, None], empty, ids), lessons.codes[index], None
