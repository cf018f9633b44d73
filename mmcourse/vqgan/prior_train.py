"""Train the prior: to read, then in order, with places missing, and from one style to another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.nn import split_for_muon
from mmcourse.optimisers import Course, optimisers
from mmcourse.processes import accelerator_for, means, mine, weight_of, world
from mmcourse.resuming import Settings, sample_of
from mmcourse.storyworld import Tokenizer
from mmcourse.training import EMA, batch_indices, check_finite, cosine_schedule
from mmcourse.vqgan.eye import Eye
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import no_text

Metrics = dict[str, float]
LESSONS = ("raster", "masked", "raster", "masked", "raster", "masked", "raster", "style")
"""What the steps teach, in turn, when reading is over."""
AT_ENDS = ("see", "head")
"""Parts of a prior that no Muon trains: what comes in, what goes out."""


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
        seen: (N, cells, D), what a features network sees at each place of the first pictures, if
            places are to be asked.
        eye: asks about it.
        reading: steps at the start in which no code is shown: what there is at a place, words
            alone can tell.
    """

    codes: Tensor
    caption: Callable[[int, int], str]
    restyled: Tensor | None = None
    style: Callable[[int], str] = lambda index: ""
    dropped: float = 0.1
    seen: Tensor | None = None
    eye: Eye | None = None
    reading: int = 0

    def lesson(self, step: int) -> str:
        """What a step teaches."""
        if step < self.reading:
            return "reading"
        lesson = LESSONS[step % len(LESSONS)]
        return "masked" if lesson == "style" and self.restyled is None else lesson


class Asked(nn.Module):
    """A prior as it is trained: beside its codes each place is asked what there is to be seen.

    One layer answers, and is thrown away in the end. Codes alone teach it slowly: which of many
    alike codes stands at a place says little of who is there.

    Args:
        prior: what is trained.
        answers: numbers that answer all questions, 0 for none.
    """

    def __init__(self, prior: ResidualPrior, answers: int = 0) -> None:
        super().__init__()
        self.prior = prior
        self.guesses = nn.Linear(prior.norm.normalized_shape[0], answers) if answers else None

    def forward(
        self, ids: Tensor, codes: Tensor, known: Tensor | None, source: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Logits of the codes, and the answers (B, cells, A), float32, if there are questions."""
        logits, states = self.prior.look(ids, codes, known, source)
        return logits, None if self.guesses is None else self.guesses(states).float()


def optimisers_for(
    trained: nn.Module, lr: float, muon: float | None
) -> list[torch.optim.Optimizer]:
    """AdamW, or Muon for the matrices of the blocks and AdamW for all else."""
    ends = [n for n, _ in trained.named_modules() if n.split(".")[-1] in (*AT_ENDS, "guesses")]
    matrices, rest = split_for_muon(trained, but=ends)
    return optimisers(matrices, rest, lr, muon, betas=(0.9, 0.98), decay=(0.05, 0.05))


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
    lr: tuple[float, float | None] = (1.5e-3, None),
    precision: str = "no",
    out: tuple[Path | None, int] = (None, 0),
    save_every: int = 100,
) -> Iterator[Metrics]:
    """Minimise the cross-entropy of the codes, in place.

    Yields {"step", "loss", "lr"} after each step, the loss of the codes, again under its lesson's
    name, and "missed", what `Eye.missed` is of the answers, where there are questions. What a step
    sees depends on (seed, step) alone, so a killed run goes on from its checkpoint. In the end the
    prior holds its averaged weights.

    Args:
        prior: trained in place.
        lessons: codes and captions.
        steps: optimiser steps in all.
        batch_size: pictures in a batch, on each process.
        lr: peak learning rate of AdamW; and that of the blocks' matrices by Muon, or None to train
            them by AdamW too.
        precision: "no", "bf16" or "fp16".
        out: file to save to, and to resume from, with the same settings, if it is there; and the
            seed of order and draws.
        save_every: steps between two checkpoints, at most.

    Raises:
        ValueError: a loss that is not finite, or a checkpoint of other settings.
    """
    checkpoint, seed = out
    some = DistributedDataParallelKwargs(find_unused_parameters=True)  # a lesson does not use all
    accelerator = accelerator_for(precision, some)
    tokenizer = Tokenizer()
    device = accelerator.device
    eye = lessons.eye if lessons.seen is not None else None
    torch.manual_seed(seed)
    trained = Asked(prior.to(device).train(), len(eye) if eye is not None else 0).to(device)
    rate = partial(cosine_schedule, total=steps, warmup=min(steps - 1, max(1, steps // 20)))
    ema = EMA(prior, decay=min(0.999, steps / (steps + 10)))
    prepared, *both = accelerator.prepare(trained, *optimisers_for(trained, *lr))
    course = Course(both)
    told_once = {"steps": steps, "batch_size": batch_size, "seed": seed, "lr": lr[0]}
    settings = Settings(
        **told_once, muon=lr[1], reading=lessons.reading, data=sample_of(lessons.codes)
    )
    state: dict[str, Any] = {"settings": settings, "trained": trained, "ema": ema}
    state |= {f"optimiser_{i}": o for i, o in enumerate(both)}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    for step in range(start, steps):
        turn = step * accelerator.num_processes + accelerator.process_index
        dice = torch.Generator().manual_seed(seed * 1_000_003 + step)
        lesson = lessons.lesson(step)
        when = (step, turn)
        ids, codes, source, index = _batch(
            lessons, lesson, when, batch_size, (tokenizer, dice, seed)
        )
        known = None
        if lesson == "reading":
            known = torch.zeros(codes.shape[:3], dtype=torch.bool)
        elif lesson != "raster":
            known = mine(missing_places(world() * len(codes), prior.cells, dice))
            known = known.unflatten(1, prior.grid)
        ids, codes = ids.to(device), codes.to(device)
        known = None if known is None else known.to(device)
        source = None if source is None else source.to(device)
        logits, guesses = prepared(ids, codes, known, source)
        loss = prior.loss_of(logits, codes.flatten(1, 2), known)
        if known is not None:  # a mean over the places that are missing here
            loss = loss * weight_of((~known).sum())
        told = {"loss": loss, lesson: loss}
        if guesses is not None and eye is not None and lessons.seen is not None:
            if source is None:  # else the picture is another
                wordless = (ids[:, 2:] == 0).all(1)
                seen = lessons.seen[index].float().to(device)
                told["missed"], more = eye.asked(guesses, seen, wordless, lesson == "reading")
                loss = loss + more
            else:
                loss = loss + 0 * guesses.sum()
        check_finite(loss, step + 1)
        course.begin(rate(step))
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        course.step()
        ema.update(prior)
        if checkpoint is not None and save_now(step + 1, steps, save_every):
            save_checkpoint(checkpoint, step=step + 1, accelerator=accelerator, **state)
        yield {"step": step + 1, **means(told), "lr": lr[0] * rate(step)}
    ema.copy_to(prior)
    prior.eval()


def _batch(
    lessons: Lessons,
    lesson: str,
    when: tuple[int, int],
    batch_size: int,
    by: tuple[Tokenizer, torch.Generator, int],
) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """The texts, targets, sources and rows of a step, which is a turn of this process."""
    tokenizer, dice, seed = by
    step, turn = when
    restyle = lesson == "style" and lessons.restyled is not None
    n = len(lessons.restyled) if restyle and lessons.restyled is not None else len(lessons.codes)
    index = batch_indices(turn, min(batch_size, n), n, seed)
    if restyle and lessons.restyled is not None:
        ids, _ = tokenizer.encode([lessons.style(i) for i in index.tolist()])
        return ids, lessons.restyled[index], lessons.codes[index], index
    ids, _ = tokenizer.encode([lessons.caption(i, step) for i in index.tolist()])
    gone = mine(torch.rand(world() * len(ids), generator=dice)) < lessons.dropped
    empty = torch.zeros_like(ids)
    empty[:, :2] = no_text(1)
    return torch.where(gone[:, None], empty, ids), lessons.codes[index], None, index
