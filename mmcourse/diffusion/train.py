"""Train a denoiser: add noise to what is known, ask for it back, with words or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.diffusion.guidance import draw_dropped
from mmcourse.diffusion.objectives import min_snr_weight, target
from mmcourse.diffusion.schedule import TIME, like
from mmcourse.diffusion.text import TextReader, Words
from mmcourse.nn import split_for_muon
from mmcourse.optimisers import Course, optimisers
from mmcourse.processes import accelerator_for, means, mine, world
from mmcourse.refusals import check_floats
from mmcourse.resuming import Settings, sample_of
from mmcourse.training import EMA, batch_indices
from mmcourse.vqgan.eye import Eye, over_places

Metrics = dict[str, float]
LEFT = 0.1
"""In the steps of reading, times are brought so much nearer to the noise."""


@dataclass(frozen=True)
class Plan:
    """Numbers of a run.

    Args:
        steps: optimiser steps in all.
        batch_size: rows of a batch, on each process.
        lr: the rate between warm-up and fall.
        warmup: steps of a linear rise.
        fall: share of the steps, at the end, in which the rate falls linearly to 0.
        decay: of the averaged weights.
        dropped: chance of a row to lose its words.
        gamma: cap of the min-SNR weight; None weighs all levels alike.
        muon: the rate of the matrices by Muon, or None to train them like the rest.
        reading: steps at the very start with next to nothing but noise, in which all that places
            can be asked is what the words say.
        save_every: steps between two checkpoints, at most.
    """

    steps: int
    batch_size: int = 64
    lr: float = 1e-3
    warmup: int = 100
    fall: float = 1 / 3
    decay: float = 0.999
    dropped: float = 0.1
    gamma: float | None = None
    muon: float | None = None
    reading: int = 0
    save_every: int = 250

    def rate(self, step: int) -> float:
        """The learning rate's multiplier at a step, from 0 to 1."""
        rise = (step + 1) / (min(self.warmup, self.steps // 2) + 1)
        left = (self.steps - step) / max(1.0, self.fall * self.steps)
        return min(1.0, rise, left)


@dataclass(frozen=True)
class Told:
    """What is said of each row of the data.

    Args:
        caption: (index of the row, step) to a caption of it.
        reader: of captions.
    """

    caption: Callable[[int, int], str]
    reader: TextReader


@dataclass(frozen=True)
class Asked:
    """What a denoiser's places are asked, beside the picture: who is there.

    Where there is next to nothing but noise, only the words can tell. The error of denoising alone
    says little of it: a wrong animal costs hardly more than the right one.

    Args:
        seen: (N, P, D), what a features network sees in the clean pictures; as many places as the
            model's `look` has.
        eye: asks about it, and weighs the places of the error.
    """

    seen: Tensor
    eye: Eye

    def focus(self, index: Tensor, like: Tensor) -> Tensor:
        """How much each place of latents like these (B, C, H, W) counts, (B, 1, H, W)."""
        weights = self.eye.focus(self.seen[index].float().to(like.device))
        patch = round((like.shape[2] * like.shape[3] / weights.shape[1]) ** 0.5)
        return over_places(weights, patch, like.shape[2], like.shape[3])


class Denoising(nn.Module):
    """A denoiser as it is trained: words are read and noise is removed in one call, so that one
    wrapper (DDP, autocast) sees every weight.

    Args:
        model: the denoiser.
        answers: numbers that answer all questions about a place, 0 for none; one layer gives them,
            and is thrown away in the end.
    """

    def __init__(self, model: nn.Module, answers: int = 0) -> None:
        super().__init__()
        self.model = model
        self.guesses = nn.Linear(model.holds, answers) if answers else None  # type: ignore[arg-type]

    def forward(
        self, x: Tensor, t: Tensor, words: Words | None = None, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Rows x (B, ...) at times t (B,) to what the model predicts, and to answers (B, P, A) if
        there are questions, both in float32."""
        told = () if words is None else (self.model.read(words, dropped),)  # type: ignore[operator]
        if self.guesses is None:
            return self.model(x, t, *told).float(), None
        predicted, held = self.model.look(x, t, *told)  # type: ignore[operator]
        return predicted.float(), self.guesses(held).float()


def optimisers_for(trained: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, if the plan wants it, but not for the layer that answers; AdamW for
    all else."""
    ends = ["guesses"] if getattr(trained, "guesses", None) is not None else []
    matrices, rest = split_for_muon(trained, but=ends)
    return optimisers(matrices, rest, plan.lr, plan.muon)


def near_noise(t: Tensor) -> Tensor:
    """Times in [0, 1000] as the steps of reading have them: next to nothing but noise."""
    return TIME - LEFT * (TIME - t)


def noise_of(x0: Tensor, seed: int) -> tuple[torch.Generator, Tensor]:
    """A generator for this step alone, and noise in the shape of x0, drawn on the CPU: of several
    processes each draws for all of them, and keeps its rows."""
    dice = torch.Generator().manual_seed(seed)
    return dice, mine(torch.randn(world() * len(x0), *x0.shape[1:], generator=dice)).to(x0.device)


def denoising_error(
    model: nn.Module, predicted: Tensor, x0: Tensor, noise: Tensor, t: Tensor
) -> Tensor:
    """The squared error of each number, in the shape of x0, against what the model should have
    said."""
    alpha, sigma = (like(c, x0) for c in model.path.coefficients(t))  # type: ignore[union-attr, operator]
    wanted = target(model.objective, x0, noise, alpha, sigma)  # type: ignore[arg-type]
    return (predicted - wanted).square()


def train(
    model: nn.Module,
    data: Tensor,
    plan: Plan,
    *,
    told: Told | None = None,
    asked: Asked | None = None,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Minimise the error of what the model predicts of noisy data, in place.

    Yields {"step", "loss", "error", "gradient", "lr"} after each step: the weighted loss, the plain
    mean squared error, and the length of the gradient before it is clipped at 1; and "missed", what
    `Eye.missed` is of the answers, where there are questions. What a step sees
    (rows, times, noise, whose words are dropped) depends on (seed, step) alone, so a killed run
    goes on from its checkpoint and ends with the same weights. In the end the model holds its
    averaged weights.

    Source: Ho et al., Denoising Diffusion Probabilistic Models, 2020, algorithm 1; the weights by
    Hang et al., 2023.

    Args:
        model: a denoiser with `path` and `objective`; with words, also `read`.
        data: (N, C, H, W), pictures in [-1, 1] or latents, in any floating type.
        plan: see there.
        told: the words, for a model that reads.
        asked: questions, for a model that has `look`.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every `plan.save_every` steps, and to resume from, with the
            same settings, if it is there.
        seed: of the order, the times and the noise.

    Raises:
        ValueError: data that are no floats or not finite, a loss that is not, or a checkpoint of
            other settings.
    """
    check_floats(data)
    accelerator = accelerator_for(precision)
    device = accelerator.device
    model.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    trained = Denoising(model, len(asked.eye) if asked is not None else 0).to(device)
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
        turn = step * accelerator.num_processes + accelerator.process_index
        index = batch_indices(turn, plan.batch_size, len(data), seed)
        x0 = data[index].to(device, torch.float32)
        dice, noise = noise_of(x0, seed * 1_000_003 + step)
        t = mine(model.path.draw(world() * len(x0), dice)).to(device)  # type: ignore[union-attr, operator]
        reading = step < plan.reading
        t = near_noise(t) if reading else t
        x = model.path.add_noise(x0, noise, t).contiguous(memory_format=torch.channels_last)  # type: ignore[union-attr, operator]
        words = dropped = None
        if told is not None:
            words = told.reader([told.caption(i, step) for i in index.tolist()])
            dropped = mine(draw_dropped(world() * len(x0), plan.dropped, dice)).to(device)
        predicted, guesses = prepared(x, t, words, dropped)
        errors = denoising_error(model, predicted, x0, noise, t)  # (B, C, H, W)
        error = errors.mean()
        if asked is not None:
            errors = errors * asked.focus(index, x0)
        loss = (errors.flatten(1).mean(1) * weights(model, t, plan.gamma)).mean()
        numbers = {"error": error}
        if asked is not None and guesses is not None:
            seen = asked.seen[index].float().to(device)
            numbers["missed"], more = asked.eye.asked(guesses, seen, dropped, reading)
            loss = loss + more
        if not loss.isfinite():
            raise ValueError(f"the loss is {loss.item()} at step {step + 1}: lower the rate")
        course.begin(plan.rate(step))
        accelerator.backward(loss)
        gradient = accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        course.step()
        ema.update(model)
        done = step + 1
        if checkpoint is not None and save_now(done, plan.steps, plan.save_every):
            save_checkpoint(checkpoint, step=done, accelerator=accelerator, **state)
        yield {
            "step": done,
            **means({"loss": loss, **numbers}),
            "gradient": float(gradient),
            "lr": plan.lr * plan.rate(step),
        }
    ema.copy_to(model)
    model.eval()


def weights(model: nn.Module, t: Tensor, gamma: float | None) -> Tensor:
    """How much the error at each time (B,) counts."""
    if gamma is None:
        return torch.ones_like(t)
    alpha, sigma = model.path.coefficients(t)  # type: ignore[union-attr, operator]
    return min_snr_weight(model.objective, alpha, sigma, gamma)  # type: ignore[arg-type]


@torch.no_grad()
def held_out_error(
    model: nn.Module,
    data: Tensor,
    words: Words | None = None,
    times: tuple[float, ...] = (100.0, 300.0, 500.0, 700.0, 900.0),
    seed: int = 0,
) -> dict[float, float]:
    """The mean squared error of what the model predicts at fixed times, the same noise each time.

    Args:
        model: in eval mode.
        data: (N, C, H, W).
        words: of each row, for a model that reads.
        times: in [0, 1000].
        seed: of the noise.

    Raises:
        ValueError: data that are no floats or not finite, or no rows.
    """
    check_floats(data)
    device = next(model.parameters()).device
    x0 = data.to(device, torch.float32)
    noise = noise_of(x0, seed)[1]
    found = {}
    for time in times:
        t = torch.full((len(x0),), time, device=device)
        x = model.path.add_noise(x0, noise, t)  # type: ignore[union-attr, operator]
        predicted, _ = Denoising(model)(x, t, words)
        found[time] = float(denoising_error(model, predicted, x0, noise, t).mean())
    return found
