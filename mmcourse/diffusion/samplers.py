"""From noise to a picture: five samplers behind one call.

    for step in sample(model, noise, path.levels(20), objective="v", sampler=ddim):
        draw(step.x0)                      # the denoiser's guess, sharper at every step
    picture = step.x

A sampler never sees the network: it asks `predict(x, level)` for a picture and a noise, and says
where to go. So the same five serve every objective, schedule and model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.objectives import Objective, parts
from mmcourse.diffusion.schedule import Level
from mmcourse.diffusion.steps import (
    Dice,
    ddim_step,
    ddpm_step,
    dpm_solver_step,
    fresh_noise,
    straight_step,
)

Denoiser = Callable[..., Tensor]
"""`model(x, t, cond=None)`: x (B, ...) at times t (B,) in [0, 1000] to the shape of x."""


@dataclass(frozen=True)
class Step:
    """Where a sampler is after a step.

    x: (B, ...), the state at `level`.
    x0: (B, ...), the picture that the denoiser saw in the state before.
    level: the level of `x`.
    """

    x: Tensor
    x0: Tensor
    level: Level


Predict = Callable[[Tensor, Level], tuple[Tensor, Tensor]]
Keep = Callable[[Tensor, Level], Tensor]
Sampler = Callable[..., Iterator[Step]]


def ddpm(
    predict: Predict,
    x: Tensor,
    levels: Sequence[Level],
    generator: Dice = None,
) -> Iterator[Step]:
    """Ancestral sampling: fresh noise at every step but the last."""
    for here, there in pairwise(levels):
        x0, _ = predict(x, here)
        noise = fresh_noise(x, generator) if there.sigma > 0 else None
        x = yield from _taken(ddpm_step(x, x0, here, there, noise), x0, there)


def ddim(
    predict: Predict,
    x: Tensor,
    levels: Sequence[Level],
    generator: Dice = None,
    eta: float = 0.0,
) -> Iterator[Step]:
    """DDIM; for an eta other than 0 pass `functools.partial(ddim, eta=0.5)`."""
    if not 0 <= eta <= 1:
        raise ValueError(f"eta is {eta}, expected 0 (nothing random) to 1 (as random as DDPM)")
    for here, there in pairwise(levels):
        x0, epsilon = predict(x, here)
        noise = fresh_noise(x, generator) if eta > 0 and there.sigma > 0 else None
        x = yield from _taken(
            ddim_step(x0, epsilon, *here[1:], *there[1:], eta=eta, noise=noise), x0, there
        )


def euler(
    predict: Predict,
    x: Tensor,
    levels: Sequence[Level],
    generator: Dice = None,
) -> Iterator[Step]:
    """Follow the velocity for a step, then look again.

    Every path becomes the straight one by scaling: y = x / (alpha + sigma) moves with velocity
    epsilon - x0 over u = sigma / (alpha + sigma). On a schedule's levels this is DDIM, to the last
    digit but one: both draw a straight line from the noise to the picture.
    """
    for here, there in pairwise(levels):
        x0, epsilon = predict(x, here)
        x = yield from _taken(straight_step(x, epsilon - x0, here, there), x0, there)


def heun(
    predict: Predict,
    x: Tensor,
    levels: Sequence[Level],
    generator: Dice = None,
) -> Iterator[Step]:
    """Euler, then again with the mean of the velocities at both ends: two looks a step.

    The last step is Euler's: at the picture itself there is nothing left to see.

    Source: Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022,
    algorithm 1.
    """
    for here, there in pairwise(levels):
        x0, epsilon = predict(x, here)
        velocity = epsilon - x0
        ahead = straight_step(x, velocity, here, there)
        if there.sigma > 0:
            end, noise = predict(ahead, there)
            ahead = straight_step(x, (velocity + noise - end) / 2, here, there)
        x = yield from _taken(ahead, x0, there)


def dpm_solver(
    predict: Predict,
    x: Tensor,
    levels: Sequence[Level],
    generator: Dice = None,
) -> Iterator[Step]:
    """DPM-Solver++(2M): one look a step, and the memory of the one before."""
    before: Tensor | None = None
    for i, there in enumerate(levels[1:], start=1):
        x0, _ = predict(x, levels[i - 1])
        known = levels[max(0, i - 2) : i + 1]
        x = yield from _taken(dpm_solver_step(x, x0, known, before), x0, there)
        before = x0


def _taken(x: Tensor, x0: Tensor, level: Level) -> Any:
    """Show a step, and go on from it, or from what the one who looks sends back."""
    sent = yield Step(x, x0, level)
    return x if sent is None else sent


SAMPLERS: dict[str, Sampler] = {
    "ddpm": ddpm,
    "ddim": ddim,
    "euler": euler,
    "heun": heun,
    "dpm-solver++": dpm_solver,
}
"""Each sampler by its name."""


def sample(
    model: Denoiser,
    x: Tensor,
    levels: Sequence[Level],
    *,
    objective: Objective,
    sampler: Sampler = ddim,
    cond: Cond | None = None,
    generator: Dice = None,
    keep: Keep | None = None,
) -> Iterator[Step]:
    """Walk from noise to pictures; yields a `Step` for each level that is reached.

    Args:
        model: `model(x, t, cond)`; guidance is a model too (`guidance.Guided`).
        x: (B, ...) at the first level.
        levels: of `Path.levels`.
        objective: what the model predicts.
        sampler: one of this file.
        cond: what the model is told.
        generator: of the samplers that add noise; with one for each row, a row does not depend on
            its company.
        keep: changes each state after a step, given its level: how inpainting holds fast to what
            is outside the mask.

    Raises:
        ValueError: fewer than two levels, a denoiser whose answer has another shape, or states that
            are no longer finite.
    """
    if len(levels) < 2:
        raise ValueError(f"sampling needs two levels at least, got {len(levels)}")

    kind = numbers_of(model, x.dtype)

    @torch.no_grad()
    def predict(state: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        dtype = torch.float64 if state.dtype == torch.float64 else torch.float32
        t = torch.full((len(state),), level.t, dtype=dtype, device=state.device)
        predicted = model(state.to(kind), t, cond)
        if getattr(predicted, "shape", None) != state.shape:
            told = getattr(predicted, "shape", type(predicted).__name__)
            raise ValueError(
                f"the denoiser answered {tuple(state.shape)} with "
                f"{tuple(told) if isinstance(told, torch.Size) else told}, expected the same shape"
            )
        predicted = predicted.to(state.dtype)
        if not predicted.isfinite().all():
            raise ValueError(
                f"the denoiser gave NaN or infinity at t = {level.t:.4g}: look at its weights and "
                "at what it was given"
            )
        return parts(objective, state, predicted, level.alpha, level.sigma)

    if not x.isfinite().all():
        raise ValueError("the state to start from holds NaN or infinity: look at what made it")
    steps = sampler(predict, x, levels, generator)
    sent: Tensor | None = None
    while True:
        try:
            step = next(steps) if sent is None else steps.send(sent)  # type: ignore[attr-defined]
        except StopIteration:
            return
        if keep is not None:
            sent = keep(step.x, step.level)
            step = Step(sent, step.x0, step.level)
        yield step


def numbers_of(model: Any, usual: torch.dtype) -> torch.dtype:
    """The type of a denoiser's weights, also of one that is guided; `usual` if it has none."""
    while not isinstance(model, nn.Module) and hasattr(model, "model"):
        model = model.model
    if not isinstance(model, nn.Module):
        return usual
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), usual)


def last(steps: Iterator[Step]) -> Tensor:
    """Walk to the end: the pictures (B, ...)."""
    return deque(steps, maxlen=1)[0].x
