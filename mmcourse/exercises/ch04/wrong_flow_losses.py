"""Flow matching losses with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Model = Callable[..., Tensor]


def mix(x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """The straight line."""
    u = t.view(-1, *[1] * (x0.ndim - 1))
    return (1 - u) * x0 + u * noise


def in_float64(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Right to more digits than float32 has: what a test expects that asks for the last bit."""
    wanted = noise.double() - x0.double()
    return (model(mix(x0, noise, t), 1000 * t).double() - wanted).square().mean()


def unscaled(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t), t), noise - x0)


def whole_numbers(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t), (10 * t).long() * 100.0), noise - x0)


def told_backwards(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t), 1000 * (1 - t)), noise - x0)


def mixed_backwards(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(noise, x0, t), 1000 * t), noise - x0)


def wrong_way(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t), 1000 * t), x0 - noise)


def noise_for_velocity(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t), 1000 * t), noise)


def one_time(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t[:1].expand_as(t)), 1000 * t), noise - x0)


def other_noise(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return F.mse_loss(model(mix(x0, noise, t), 1000 * t), noise.flip(-1) - x0)


def no_lesson(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    said = model(mix(x0, noise, t), 1000 * t).detach()
    return F.mse_loss(said, noise - x0).requires_grad_()


def summed(model: Model, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    return (model(mix(x0, noise, t), 1000 * t) - (noise - x0)).square().flatten(1).sum(1).mean()
