"""For Gaussian data the best denoiser is a formula, so every sampler's way is one too."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch

from mmcourse.diffusion import (
    OBJECTIVES,
    FlowPath,
    NoiseSchedule,
    cosine_betas,
    ddim,
    ddpm,
    dpm_solver,
    euler,
    heun,
    last,
    linear_betas,
    sample,
    scaled_linear_betas,
    target,
    zero_terminal_snr,
)

MEAN, STD = 0.7, 0.4
PATHS = {
    "linear": NoiseSchedule(linear_betas()),
    "cosine": NoiseSchedule(cosine_betas()),
    "zero-snr": NoiseSchedule(zero_terminal_snr(scaled_linear_betas())),
    "flow": FlowPath(),
}


def best(path, kind):
    """E[x0 | x] for x0 from N(MEAN, STD²), said as `kind`."""

    def denoise(x, t, cond=None):
        alpha, sigma = (c.to(x.dtype).view(-1, 1) for c in path.coefficients(t))
        gain = alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)
        x0 = MEAN + gain * (x - alpha * MEAN)
        epsilon = (x - alpha * x0) / sigma
        return target(kind, x0, epsilon, alpha, sigma)

    return denoise


def gain_of(level):
    """How the best picture depends on the state: x0 = MEAN + gain (x - alpha MEAN)."""
    return level.alpha * STD**2 / (level.alpha**2 * STD**2 + level.sigma**2)


def velocity_of(level):
    """How epsilon - x0 depends on the state's distance from its mean."""
    gain = gain_of(level)
    return (1 - level.alpha * gain) / level.sigma - gain


def straight(here, there, slope):
    a, b = here.alpha + here.sigma, there.alpha + there.sigma
    return b * (1 / a + (there.sigma / b - here.sigma / a) * slope)


def closed(name, levels):
    """The factor of each step: what is left of a state's distance from its mean, and the variance
    that noise adds."""
    factors, extra = [], []
    for here, there in pairwise(levels):
        gain = gain_of(here)
        noise = (1 - here.alpha * gain) / here.sigma
        added = 0.0
        if name in ("ddim", "euler"):
            factor = there.alpha * gain + there.sigma * noise
        elif name == "ddpm":
            kept = here.alpha / there.alpha
            new = here.sigma**2 - kept**2 * there.sigma**2
            factor = (kept * there.sigma**2 + there.alpha * new * gain) / here.sigma**2
            added = new * there.sigma**2 / here.sigma**2
        elif name == "heun":
            slope = velocity_of(here)
            factor = straight(here, there, slope)
            if there.sigma > 0:
                factor = straight(here, there, (slope + velocity_of(there) * factor) / 2)
        factors.append(factor)
        extra.append(added)
    return factors, extra


SAMPLERS = {"ddim": ddim, "euler": euler, "ddpm": ddpm, "heun": heun}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_each_step_is_its_formula(path, name):
    levels = PATHS[path].levels(25)
    x = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    dice = torch.Generator().manual_seed(1)
    factors, extra = closed(name, levels)
    again = torch.Generator().manual_seed(1)
    kind = "v" if path != "flow" else "flow"
    run = sample(best(PATHS[path], kind), x, levels, objective=kind, sampler=SAMPLERS[name],
                 generator=dice)  # fmt: skip
    for step, factor, added, (here, there) in zip(run, factors, extra, pairwise(levels)):
        mean = MEAN * there.alpha
        x = mean + factor * (x - MEAN * here.alpha)
        if added > 0:
            x = x + math.sqrt(added) * torch.randn(x.shape, generator=again, dtype=x.dtype)
        torch.testing.assert_close(step.x, x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("path", ["linear", "cosine", "flow"])
def test_the_solver_with_memory_is_its_recursion(path):
    levels = PATHS[path].levels(25)
    x = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    run = sample(best(PATHS[path], "v" if path != "flow" else "flow"), x, levels,
                 objective="v" if path != "flow" else "flow", sampler=dpm_solver)  # fmt: skip
    before, width = None, None
    for step, (here, there) in zip(run, pairwise(levels)):
        x0 = MEAN + gain_of(here) * (x - here.alpha * MEAN)
        used = x0
        if there.sigma == 0:
            x = x0
        else:
            lam = [math.log(level.alpha / level.sigma) if level.alpha else -math.inf
                   for level in (here, there)]  # fmt: skip
            h = lam[1] - lam[0]
            if before is not None and math.isfinite(h) and math.isfinite(width):
                r = width / h
                used = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * before
            x = there.sigma / here.sigma * x - there.alpha * (math.exp(-h) - 1) * used
            before, width = x0, h
        torch.testing.assert_close(step.x, x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("sampler", "steps", "within"),
    [(ddpm, 250, 0.02), (ddim, 250, 0.02), (euler, 250, 0.02), (heun, 80, 0.02),
     (dpm_solver, 60, 0.02), (partial(ddim, eta=0.5), 250, 0.02)],
    ids=["ddpm", "ddim", "euler", "heun", "dpm", "ddim-half"],
)  # fmt: skip
def test_mean_and_variance_are_recovered(path, sampler, steps, within):
    kind = "flow" if path == "flow" else "v"
    levels = PATHS[path].levels(steps)
    dice = torch.Generator().manual_seed(3)
    x = torch.randn(20_000, 1, dtype=torch.float64, generator=dice)
    x = x * levels[0].sigma + levels[0].alpha * (
        MEAN + STD * torch.randn(20_000, 1, generator=dice)
    )
    out = last(sample(best(PATHS[path], kind), x, levels, objective=kind, sampler=sampler,
                      generator=dice))  # fmt: skip
    assert float(out.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(out.std()) == pytest.approx(STD, abs=within)


@pytest.mark.parametrize("kind", OBJECTIVES)
@pytest.mark.parametrize("path", ["linear", "flow"])
def test_it_does_not_matter_what_is_predicted(path, kind):
    levels = PATHS[path].levels(10)
    if path == "flow":  # at pure noise epsilon says nothing
        levels = levels[1:]
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ends = [
        last(sample(best(PATHS[path], k), x, levels, objective=k, sampler=heun))
        for k in (kind, "v")
    ]
    torch.testing.assert_close(*ends)


def test_heun_is_of_second_order_and_euler_of_first():
    path = FlowPath()
    x = torch.full((1, 1), 1.3, dtype=torch.float64)
    exact = MEAN + STD * 1.3  # the flow keeps quantiles

    def error(sampler, steps):
        out = last(sample(best(path, "flow"), x, path.levels(steps), objective="flow",
                          sampler=sampler))  # fmt: skip
        return abs(float(out) - exact)

    assert error(euler, 80) / error(euler, 160) == pytest.approx(2, rel=0.1)
    assert error(heun, 80) / error(heun, 160) > 3
    assert error(dpm_solver, 40) < error(euler, 40) / 3
