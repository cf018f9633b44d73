"""One step from a level to the next: the formulas of the samplers, without a network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mmcourse.diffusion.schedule import Level

Dice = torch.Generator | Sequence[torch.Generator] | None
"""What fresh noise is drawn by: one generator, or one for each row."""


def fresh_noise(x: Tensor, generator: Dice) -> Tensor:
    """Noise in the shape of x, (B, ...), drawn where the generator lives; of a generator for each
    row, a row's noise depends on its own alone.

    Never `randn_like`: it draws other numbers for another memory layout.

    Raises:
        ValueError: generators that are not as many as the rows.
    """
    if isinstance(generator, Sequence):
        if len(generator) != len(x):
            raise ValueError(
                f"got {len(generator)} generators for {len(x)} rows: give one, or one for each row"
            )
        return torch.stack([fresh_noise(row, own) for row, own in zip(x, generator)])
    device = x.device if generator is None else generator.device
    return torch.randn(x.shape, generator=generator, device=device, dtype=x.dtype).to(x.device)


def ddpm_step(
    x: Tensor, x0: Tensor, here: Level, there: Level, noise: Tensor | None = None
) -> Tensor:
    """One draw from the posterior q(x_s | x_t, x0), s before t; without noise, its mean.

    Source: Ho et al., 2020, equations 6 and 7, for any two levels (Kingma et al., Variational
    Diffusion Models, 2021, equation 25).

    Args:
        x: (B, ...) at `here`.
        x0: the picture as predicted.
        here: the level of x.
        there: the level to go to, with less noise.
        noise: a standard normal draw.
    """
    kept = here.alpha / there.alpha  # of the signal, on the way from there to here
    added = here.sigma**2 - kept**2 * there.sigma**2  # noise that this way adds
    mean = (kept * there.sigma**2 * x + there.alpha * added * x0) / here.sigma**2
    if noise is None:
        return mean
    return mean + math.sqrt(max(added, 0.0)) * there.sigma / here.sigma * noise


def ddim_step(
    x0: Tensor,
    epsilon: Tensor,
    alpha: float,
    sigma: float,
    next_alpha: float,
    next_sigma: float,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    """Rebuild the state at the next level from the two parts of this one.

    With eta = 0 the old noise is used again, and nothing is random. With eta = 1 as much of it is
    replaced as DDPM would replace.

    Source: Song et al., Denoising Diffusion Implicit Models, 2021, equations 12 and 16.

    Args:
        x0: (B, ...), the picture as predicted.
        epsilon: (B, ...), the noise as predicted.
        alpha: of this level.
        sigma: of this level.
        next_alpha: of the level to go to, where there is less noise.
        next_sigma: likewise.
        eta: 0 to 1.
        noise: a standard normal draw, needed if eta is not 0.
    """
    added = sigma**2 - (alpha / next_alpha) ** 2 * next_sigma**2  # 1 - alpha²/next_alpha² on VP
    fresh = eta * next_sigma / sigma * math.sqrt(max(added, 0.0))
    old = math.sqrt(max(next_sigma**2 - fresh**2, 0.0))
    x = next_alpha * x0 + old * epsilon
    return x if noise is None else x + fresh * noise


def straight_step(x: Tensor, velocity: Tensor, here: Level, there: Level) -> Tensor:
    """x (B, ...) from one level to another along epsilon - x0, on the path made straight."""
    a, b = here.alpha + here.sigma, there.alpha + there.sigma
    return b * (x / a + (there.sigma / b - here.sigma / a) * velocity)


def dpm_solver_step(
    x: Tensor, x0: Tensor, levels: Sequence[Level], before: Tensor | None = None
) -> Tensor:
    """DPM-Solver++(2M): DDIM's step with a picture that is extrapolated from the last two.

    Source: Lu et al., DPM-Solver++, 2022, algorithm 2, in the logarithm of alpha / sigma.

    Args:
        x: (B, ...) at the last but one of the levels.
        x0: the picture that was predicted there.
        levels: (here, there), or with `before` (one step ago, here, there).
        before: the picture that was predicted a step ago.
    """
    here, there = levels[-2], levels[-1]
    if there.sigma == 0:
        return there.alpha * x0
    step = log_snr(there) - log_snr(here)
    if before is not None and math.isfinite(step):
        last = log_snr(here) - log_snr(levels[-3])
        x0 = x0 + step / (2 * last) * (x0 - before)
    return there.sigma / here.sigma * x - there.alpha * math.expm1(-step) * x0


def log_snr(level: Level) -> float:
    """The logarithm of alpha / sigma; minus infinity at pure noise."""
    return math.log(level.alpha / level.sigma) if level.alpha > 0 else -math.inf
