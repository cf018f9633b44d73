"""Train one of the four: stage by stage, on examples that are made as they are needed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import DistributedDataParallelKwargs
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.joint.losses import clip_loss
from mmcourse.lora.loss import IGNORED, answer_loss
from mmcourse.lora.models.collate import Example, collate, collate_pairs
from mmcourse.optimisers import Course, optimisers
from mmcourse.processes import accelerator_for, gather, means, mine, weight_of, world
from mmcourse.resuming import Settings
from mmcourse.training import batch_indices

Metrics = dict[str, float]
Maker = Callable[[int], Example]


@dataclass(frozen=True)
class Whole:
    """A task whose batches are made whole: a step's number to this process's batch."""

    batch: Callable[[int], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Stage:
    """A part of a run.

    Args:
        steps: optimiser steps.
        tasks: what is practised, in turns.
        learn: pattern of the parameters that learn; "" for all.
    """

    steps: int
    tasks: tuple[str, ...]
    learn: str = ""

    def learns(self, name: str) -> bool:
        """Whether a parameter learns in this stage."""
        return re.match(self.learn, name) is not None


@dataclass(frozen=True)
class Plan:
    """Numbers of a run.

    Args:
        stages: one after another.
        examples: how many of each task there are, before they come round.
        batch_size: of each process.
        lr: the rate between rise and fall.
        muon: the rate of the matrices inside transformer blocks by Muon; None: they are trained by
            AdamW like the rest.
        warmup: steps of a linear rise.
        fall: share of the steps, at the end, in which the rate falls to 0.
        save_every: steps between two checkpoints, at most.
    """

    stages: tuple[Stage, ...]
    examples: int
    batch_size: int = 32
    lr: float = 1e-3
    muon: float | None = None
    warmup: int = 100
    fall: float = 1 / 3
    save_every: int = 250

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> Stage:
        """The stage that a step belongs to."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise ValueError(f"the run ends {step} steps before that")

    def rate(self, step: int) -> float:
        """The learning rate's multiplier at a step, from 0 to 1."""
        rise = (step + 1) / (min(self.warmup, self.steps // 2) + 1)
        left = (self.steps - step) / max(1.0, self.fall * self.steps)
        return min(1.0, rise, left)


class Learning(nn.Module):
    """A model and its loss in one call, so that one wrapper (DDP, autocast) sees all of it.

    Of several processes the mean of their losses is that of one with the whole batch.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The loss of a batch: of answers, or, without labels, of pairs."""
        if "labels" not in batch:
            out = self.model(**batch)
            texts, pictures = gather(out.text_embeds.float()), gather(out.image_embeds.float())
            return clip_loss(texts, pictures, self.model.logit_scale.exp())
        talks = self.model
        if "pixel_values" not in batch and hasattr(talks, "qformer"):
            talks = talks.language_model  # BLIP-2 as a whole can't do without a picture
        asked = (batch["labels"][:, 1:] != IGNORED).sum()
        return answer_loss(talks, batch) * weight_of(asked)


def batch_of(processor: Any, examples: Sequence[Example], pairs: bool) -> dict[str, Tensor]:
    """A batch for CLIP (`pairs`) or for a model that answers."""
    return collate_pairs(processor, examples) if pairs else collate(processor, examples)


def train(
    model: Any,
    processor: Any,
    plan: Plan,
    tasks: Mapping[str, Maker | Whole],
    *,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Minimise the loss of answers, or of pairs, in place.

    Yields {"step", "loss", "gradient", "lr"} after each step. A step's examples depend on
    (seed, step) alone, so a killed run goes on from its checkpoint and ends with the same weights.

    Args:
        model: one of the four, or one with a loss of its own; what has adapters keeps its base
            frozen.
        processor: its own.
        plan: see there.
        tasks: by name, an index to an example, or whole batches.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every `plan.save_every` steps, and to resume from if it is
            there.
        seed: of the order.

    Raises:
        ValueError: a stage in which nothing learns, a task that is not there, or a loss that is
            not finite.
    """
    lost = {task for stage in plan.stages for task in stage.tasks} - set(tasks)
    if lost:
        raise ValueError(f"no task {sorted(lost)[0]!r}; there are {', '.join(tasks)}")
    learning = model if isinstance(model, Learning) else Learning(model)
    pairs = not hasattr(learning.model, "generate")

    def batches(stage: Stage, step: int) -> Mapping[str, Tensor]:
        make = tasks[stage.tasks[step % len(stage.tasks)]]
        if isinstance(make, Whole):
            return make.batch(step)
        index = batch_indices(step, plan.batch_size * world(), plan.examples, seed)
        return batch_of(processor, [make(i) for i in mine(index).tolist()], pairs)

    yield from practise(
        learning, plan, batches, precision=precision, checkpoint=checkpoint, seed=seed
    )


def optimisers_for(learning: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """AdamW; and Muon for the matrices inside the blocks, if the plan wants it.

    Muon's updates are scaled to the size that AdamW's have.
    """
    own = [p for p in learning.parameters() if p.requires_grad]
    matrices: list[nn.Parameter] = []
    if plan.muon is not None:
        blocks = {
            id(layer.weight)
            for path, layer in learning.named_modules()
            if (".layers." in path or ".blocks." in path) and isinstance(layer, nn.Linear)
        }
        matrices = [p for p in own if id(p) in blocks]
        own = [p for p in own if id(p) not in blocks]
    return optimisers(matrices, own, plan.lr, plan.muon, betas=(0.9, 0.98), decay=(0.05, 0.01))


def practise(
    learning: Any,
    plan: Plan,
    batches: Callable[[Stage, int], Mapping[str, Tensor]],
    *,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Take the steps of a plan; what `train` yields, after each.

    Args:
        learning: from a batch to its loss, with the model in it as `model`. What else it has of
            parameters learns at every stage.
        plan: see there.
        batches: (stage, step) to this process's batch: a pure function.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every `plan.save_every` steps, and to resume from, with the
            same settings, if it is there.
        seed: of the batches.

    Raises:
        ValueError: a stage in which nothing learns, a loss that is not finite, or a checkpoint of
            other settings.
    """
    model = learning.model
    free = {name for name, p in model.named_parameters() if p.requires_grad}
    for stage in plan.stages:
        if not any(stage.learns(name) for name in free):
            raise ValueError(f"no parameter matches {stage.learn!r}: nothing would be learned")
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = accelerator_for(precision, unused)
    learning.to(accelerator.device).train()
    prepared, *both = accelerator.prepare(learning, *optimisers_for(learning, plan))
    course = Course(both)
    settings = Settings.of(plan, seed=seed)
    state: dict[str, Any] = {"settings": settings, "model": learning}
    state |= {f"optimiser_{i}": o for i, o in enumerate(both)}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    for step in range(start, plan.steps):
        stage = plan.stage(step)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in free and stage.learns(name))
        batch = batches(stage, step)
        loss = prepared({k: v.to(accelerator.device) for k, v in batch.items()})
        told = means({"loss": loss})["loss"]
        if not math.isfinite(told):
            raise ValueError(f"the loss is {told} at step {step + 1}: lower the rate")
        course.begin(plan.rate(step))
        accelerator.backward(loss)
        gradient = accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        course.step()
        if hasattr(model, "logit_scale"):  # an inverse temperature of 1 to 100
            model.logit_scale.data.clamp_(0, math.log(100))
        done = step + 1
        if checkpoint is not None and save_now(done, plan.steps, plan.save_every):
            save_checkpoint(checkpoint, step=done, accelerator=accelerator, **state)
        yield {
            "step": done,
            "loss": told,
            "gradient": float(gradient),
            "lr": plan.lr * plan.rate(step),
        }
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in free)
    model.eval()
