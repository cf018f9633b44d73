"""The frame of the chapter's two trainings: two optimisers, averaged weights, exact resumption."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.diffusion.train import Metrics
from mmcourse.diffusion.train import Plan as Denoised
from mmcourse.dit.model import DiT
from mmcourse.nn import split_for_muon
from mmcourse.optimisers import Course, optimisers
from mmcourse.processes import means, my_rows
from mmcourse.resuming import Settings, sample_of
from mmcourse.training import EMA, batch_indices, check_finite

ENDS = (
    *("to_tokens", "to_reference", "to_numbers", "time", "pooled", "modulation"),
    "last_modulation",
)
"""Parts of a `DiT` that no Muon trains: what comes in, what goes out, what conditions blocks."""
BESIDE = ("projector", "guesses", "hero")
"""Parts of a training that no Muon trains either."""


@dataclass(frozen=True)
class Plan(Denoised):
    """Numbers of a run; those of `diffusion.train.Plan`, and

    Args:
        lr: of everything that is no matrix.
        aligned: share of the steps, at the start, in which patches are asked what they see.
        shown: share of the steps in which a portrait of the hero is shown.
    """

    muon: float | None = 2e-3
    aligned: float = 0.5
    shown: float = 0.6


@dataclass(frozen=True)
class Turn:
    """What a step works with.

    Args:
        step: its number, from 0.
        index: (n,) int64, the rows of the data that all processes together are shown.
        mine: which of them are this process's.
        dice: of this step alone, the same on all processes.
    """

    step: int
    index: Tensor
    mine: slice
    dice: torch.Generator


LossOf = Callable[[nn.Module, Turn], tuple[Tensor, dict[str, Tensor]]]
"""(prepared module, turn) to the loss and further numbers to log."""


def optimisers_for(trained: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, if the plan wants it, AdamW for all else.

    Muon's updates are scaled to the size that AdamW's have.

    Args:
        trained: holds a `DiT` as `model`, and perhaps parts `BESIDE` it.
        plan: its rates.
    """
    beside = [name for name in BESIDE if getattr(trained, name, None) is not None]
    ends = [f"model.{name}" for name in ENDS] + beside
    matrices, rest = split_for_muon(trained, but=ends)
    return optimisers(matrices, rest, plan.lr, plan.muon)


def optimise(
    trained: nn.Module,
    model: DiT,
    data: Tensor,
    plan: Plan,
    loss_of: LossOf,
    accelerator: Accelerator,
    *,
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Take the steps of a plan; yields {"step", "loss", "gradient", "lr", ...} after each.

    What a step works with depends on (seed, step) alone, and several processes see together what
    one would with the whole batch. In the end the model holds its averaged weights.

    Args:
        trained: what is optimised, on its device, the model in it.
        model: what is averaged, and is the result.
        data: (N, ...), of which steps draw rows.
        plan: see there.
        loss_of: the loss of a step.
        accelerator: its precision and its processes.
        checkpoint: file to save to every `plan.save_every` steps, and to resume from, with the
            same settings, if it is there.
        seed: of everything that is drawn.

    Raises:
        ValueError: a loss that is not finite, or a checkpoint of other settings.
    """
    processes = accelerator.num_processes
    ema = EMA(model, decay=min(plan.decay, plan.steps / (plan.steps + 10)))
    prepared, *both = accelerator.prepare(trained, *optimisers_for(trained, plan))
    course = Course(both)
    settings = Settings.of(plan, seed=seed, data=sample_of(data))
    state: dict[str, Any] = {"settings": settings, "trained": trained, "ema": ema}
    state |= {f"optimiser_{i}": o for i, o in enumerate(both)}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    for step in range(start, plan.steps):
        parts = range(step * processes, (step + 1) * processes)
        index = torch.cat([batch_indices(k, plan.batch_size, len(data), seed) for k in parts])
        dice = torch.Generator().manual_seed(seed * 1_000_003 + step)
        loss, told = loss_of(prepared, Turn(step, index, my_rows(len(index)), dice))
        check_finite(loss, step + 1)
        course.begin(plan.rate(step))
        accelerator.backward(loss)
        gradient = accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        course.step()
        ema.update(model)
        done = step + 1
        if checkpoint is not None and save_now(done, plan.steps, plan.save_every):
            save_checkpoint(checkpoint, step=done, accelerator=accelerator, **state)
        numbers = means({"loss": loss, **told})
        yield {
            "step": done,
            **numbers,
            "gradient": float(gradient),
            "lr": plan.lr * plan.rate(step),
        }
    ema.copy_to(model)
    model.eval()
