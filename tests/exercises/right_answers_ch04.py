"""Right answers of chapter 4, written in as many ways as learners find. All of them must pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.diffusion import Level


def noise_by_rows(x0, noise, t, alpha_bar):
    rows = [
        alpha_bar[i].sqrt() * a + (1 - alpha_bar[i]).sqrt() * b for a, b, i in zip(x0, noise, t)
    ]
    return torch.stack(rows)


def noise_by_einsum(x0, noise, t, alpha_bar):
    kept = alpha_bar.gather(0, t).to(x0.dtype)
    return torch.einsum("b,b...->b...", kept.sqrt(), x0) + torch.einsum(
        "b,b...->b...", (1 - kept).sqrt(), noise
    )


def noise_by_transposing(x0, noise, t, alpha_bar):
    a = alpha_bar[t].to(x0.dtype)
    return (a**0.5 * x0.movedim(0, -1) + (1 - a) ** 0.5 * noise.movedim(0, -1)).movedim(-1, 0)


def v_by_rotation(x, v, alpha, sigma):
    return x * alpha + v * (-sigma)


def v_by_angle(x, v, alpha, sigma):
    angle = torch.atan2(
        torch.as_tensor(sigma, dtype=x.dtype), torch.as_tensor(alpha, dtype=x.dtype)
    )
    angle = angle.to(x.device)
    return torch.cos(angle) * x - torch.sin(angle) * v


def guided_by_lerp(unconditional, conditional, scale):
    return torch.lerp(unconditional, conditional, scale)


def guided_by_weights(unconditional, conditional, scale):
    return (1 - scale) * unconditional + scale * conditional


def guided_from_the_other_end(unconditional, conditional, scale):
    w = scale - 1
    return (1 + w) * conditional - w * unconditional


class Guide(nn.Module):
    def forward(self, unconditional, conditional, scale):
        return unconditional + scale * (conditional - unconditional)


def ddim_by_variances(x0, epsilon, alpha, sigma, next_alpha, next_sigma, eta=0.0, noise=None):
    ab, ab_next = alpha**2, next_alpha**2
    variance = eta**2 * (1 - ab_next) / (1 - ab) * (1 - ab / ab_next)
    x = ab_next**0.5 * x0 + max(1 - ab_next - variance, 0) ** 0.5 * epsilon
    if eta > 0 and noise is not None:
        x = x + variance**0.5 * noise
    return x


def ddim_with_zeros(x0, epsilon, alpha, sigma, next_alpha, next_sigma, eta=0.0, noise=None):
    if noise is None:
        noise = torch.zeros_like(x0)
    fresh = eta * next_sigma / sigma * math.sqrt(1 - alpha**2 / next_alpha**2)
    old = math.sqrt(next_sigma**2 - fresh**2)
    return sum(k * part for k, part in ((next_alpha, x0), (old, epsilon), (fresh, noise)))


def ddim_in_tensors(x0, epsilon, alpha, sigma, next_alpha, next_sigma, eta=0.0, noise=None):
    a, s, n, m = (torch.tensor(float(k), dtype=torch.float64) for k in
                  (alpha, sigma, next_alpha, next_sigma))  # fmt: skip
    fresh = eta * m / s * (1 - (a / n) ** 2).sqrt()
    out = n.item() * x0 + (m**2 - fresh**2).clamp(min=0).sqrt().item() * epsilon
    return out if noise is None else out + fresh.item() * noise


def dpm_in_ratios(x, x0, levels, before=None):
    here, there = levels[-2], levels[-1]
    if there[2] == 0:
        return x0 * there[1]
    h = math.log(there[1] * here[2] / (there[2] * here[1]))
    d = x0
    if before is not None:
        earlier = levels[0]
        r = math.log(here[1] * earlier[2] / (here[2] * earlier[1])) / h
        d = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * before
    return there[2] / here[2] * x - there[1] * math.expm1(-h) * d


def dpm_as_ddim(x, x0, levels, before=None):
    """DDIM with the extrapolated picture and its own noise."""
    here, there = levels[-2:]
    d = x0
    if before is not None and there.sigma > 0:
        lam = [math.log(level.alpha) - math.log(level.sigma) for level in levels]
        d = x0 + 0.5 * (lam[2] - lam[1]) / (lam[1] - lam[0]) * (x0 - before)
    epsilon = (x - here.alpha * d) / here.sigma
    return there.alpha * d + there.sigma * epsilon


def hunt_flow_by_parts(loss):
    torch.manual_seed(3)
    x0, noise, answer = torch.randn(3, 4, 5)
    t = torch.rand(4)
    kept = {}

    def model(x, time):
        kept.update(x=x, time=time)
        kept["out"] = answer.clone().requires_grad_()
        return kept["out"]

    value = loss(model, x0, noise, t)
    for i in range(4):
        torch.testing.assert_close(kept["x"][i], x0[i] + t[i] * (noise[i] - x0[i]))
        assert abs(float(kept["time"][i]) - 1000 * float(t[i])) < 0.01
    torch.testing.assert_close(value.detach(), F.mse_loss(answer, noise - x0))
    value.backward()
    assert kept["out"].grad is not None
    assert kept["out"].grad.abs().sum() > 0


def hunt_flow_by_learning(loss):
    """A constant velocity learns the mean of noise - x0, and of nothing else."""
    dice = torch.Generator().manual_seed(5)
    x0 = 3 + torch.randn(6, 2, generator=dice)
    noise = torch.randn(6, 2, generator=dice)
    t = torch.linspace(0.05, 0.93, 6)
    told = []
    guess = torch.zeros(6, 2, requires_grad=True)

    def model(x, time):
        told.append((x.detach(), time))
        return guess

    value = loss(model, x0, noise, t)
    assert value.requires_grad
    (slope,) = torch.autograd.grad(value, guess, allow_unused=True)
    assert slope is not None
    assert torch.allclose(slope, 2 * (x0 - noise) / 12, atol=1e-5)
    assert torch.allclose(value, (x0 - noise).pow(2).mean(), rtol=1e-4)
    x, time = told[0]
    assert torch.allclose(x, x0 * (1 - t)[:, None] + noise * t[:, None], atol=1e-5)
    assert torch.allclose(time / 1000, t, atol=1e-4)


LINE = [Level(1000.0, 0.1, 0.995), Level(600.0, 0.5, 0.75**0.5), Level(100.0, 0.96, 0.28)]


def hunt_sampler_with_a_linear_denoiser(sampler):
    levels = [*LINE, Level(0.0, 1.0, 0.0)]
    asked = []

    def predict(x, level):
        asked.append(level.t)
        return 3 * x + level.t / 100, x - 1

    x = torch.tensor([[0.5, -2.0]])
    seen = [step.x for step in sampler(predict, x, levels)]
    assert asked == [1000.0, 600.0, 100.0]
    for here, there, state in zip(levels, levels[1:], seen):
        x = there.alpha * (3 * x + here.t / 100) + there.sigma * (x - 1)
        torch.testing.assert_close(state, x, rtol=1e-4, atol=1e-4)
    assert len(seen) == 3


def hunt_sampler_by_calls(sampler):
    levels, calls = [*LINE, Level(0.0, 1.0, 0.0)], []

    def predict(x, level):
        answer = 5 * torch.tanh(x), torch.sign(x) * 0.3
        calls.append((x.clone(), level, answer))
        return answer

    steps = list(sampler(predict, torch.ones(1, 4), levels))
    assert len(calls) == len(steps) == 3
    for i, (step, (state, level, (x0, epsilon))) in enumerate(zip(steps, calls)):
        assert level == levels[i]
        if i:
            assert torch.allclose(state, steps[i - 1].x, atol=1e-5)
        expected = levels[i + 1].alpha * x0 + levels[i + 1].sigma * epsilon
        assert torch.allclose(step.x, expected, atol=1e-4)


RIGHT_CH04: dict[str, list[Callable[..., Any]]] = {
    "ch04.add_noise": [noise_by_rows, noise_by_einsum, noise_by_transposing],
    "ch04.x0_from_v": [v_by_rotation, v_by_angle],
    "ch04.guide": [guided_by_lerp, guided_by_weights, guided_from_the_other_end, Guide()],
    "ch04.ddim_step": [ddim_by_variances, ddim_with_zeros, ddim_in_tensors],
    "ch04.dpm_solver_step": [dpm_in_ratios, dpm_as_ddim],
    "ch04.hunt_flow_loss": [hunt_flow_by_parts, hunt_flow_by_learning],
    "ch04.hunt_sampler": [hunt_sampler_with_a_linear_denoiser, hunt_sampler_by_calls],
}
