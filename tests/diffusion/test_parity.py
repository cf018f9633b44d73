"""Trajectories equal those of diffusers' schedulers, step by step, given the same denoiser."""

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from mmcourse.diffusion import (
    FlowPath,
    NoiseSchedule,
    cosine_betas,
    ddim,
    ddpm,
    dpm_solver,
    euler,
    heun,
    linear_betas,
    sample,
    scaled_linear_betas,
    zero_terminal_snr,
)

BETAS = {
    "linear": (linear_betas(), {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}),
    "scaled": (
        scaled_linear_betas(),
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    ),
    "cosine": (cosine_betas(), {"beta_schedule": "squaredcos_cap_v2"}),
}
KINDS = {"epsilon": "epsilon", "x0": "sample", "v": "v_prediction"}


def net(x: Tensor, t: Tensor, cond: object = None) -> Tensor:
    """A denoiser that is as good as any for comparing: bounded, nonlinear, different in time."""
    return 0.8 * torch.sin(1.3 * x + 0.004 * t.view(-1, 1, 1, 1)) + 0.1 * x.roll(1, -1)


def start(*shape: int) -> Tensor:
    return torch.randn(shape or (2, 3, 4, 4), generator=torch.Generator().manual_seed(0))


def theirs(scheduler, x: Tensor, **options) -> list[Tensor]:
    states = []
    for t in scheduler.timesteps:
        predicted = net(x, torch.full((len(x),), float(t)))
        x = scheduler.step(predicted, t, x, **options).prev_sample
        states.append(x)
    return states


def same(ours: list, peer: list[Tensor], within: float = 1e-4) -> None:
    assert len(ours) == len(peer)
    for step, state in zip(ours, peer):
        torch.testing.assert_close(step.x, state, rtol=within, atol=within)


@pytest.mark.parametrize("betas", BETAS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [10, 20])
def test_ddim(betas, kind, steps):
    own, options = BETAS[betas]
    scheduler = diffusers.DDIMScheduler(
        **options, timestep_spacing="trailing", clip_sample=False, prediction_type=KINDS[kind]
    )
    scheduler.set_timesteps(steps)
    levels = NoiseSchedule(own).levels(steps)
    assert [level.t for level in levels[:-1]] == scheduler.timesteps.tolist()
    ours = list(sample(net, start(), levels, objective=kind, sampler=ddim))
    peer = theirs(scheduler, start())
    if (
        betas == "cosine" and kind == "epsilon"
    ):  # alpha is 5e-5 there, and its error is divided by it
        scale = max(float(x.abs().max()) for x in peer)
        assert max(float((a.x - b).abs().max()) for a, b in zip(ours, peer)) < 0.02 * scale
    else:
        same(ours, peer)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_ddim_with_noise(eta):
    own, options = BETAS["scaled"]
    scheduler = diffusers.DDIMScheduler(
        **options, timestep_spacing="trailing", clip_sample=False, prediction_type="v_prediction"
    )
    scheduler.set_timesteps(20)
    peer = theirs(scheduler, start(), eta=eta, generator=torch.Generator().manual_seed(5))

    def noisy(predict, x, levels, generator):
        return ddim(predict, x, levels, generator, eta=eta)

    ours = list(
        sample(
            net,
            start(),
            NoiseSchedule(own).levels(20),
            objective="v",
            sampler=noisy,
            generator=torch.Generator().manual_seed(5),
        )
    )
    same(ours, peer)


@pytest.mark.parametrize(("kind", "steps"), [*((kind, 8) for kind in KINDS), ("v", 1000)])
def test_ddpm(kind, steps):
    own, options = BETAS["linear"]
    scheduler = diffusers.DDPMScheduler(
        **options, timestep_spacing="trailing", clip_sample=False, prediction_type=KINDS[kind]
    )
    scheduler.set_timesteps(steps)
    x = start(1, 1, 2, 2) if steps == 1000 else start()
    peer = theirs(scheduler, x, generator=torch.Generator().manual_seed(7))
    ours = list(
        sample(
            net,
            x,
            NoiseSchedule(own).levels(steps),
            objective=kind,
            sampler=ddpm,
            generator=torch.Generator().manual_seed(7),
        )
    )
    same(ours, peer, 2e-3 if steps == 1000 else 2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [5, 10, 20])
def test_dpm_solver(kind, steps):
    own, options = BETAS["scaled"]
    scheduler = diffusers.DPMSolverMultistepScheduler(
        **options,
        timestep_spacing="trailing",
        algorithm_type="dpmsolver++",
        solver_order=2,
        prediction_type=KINDS[kind],
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(steps)
    ours = list(
        sample(net, start(), NoiseSchedule(own).levels(steps), objective=kind, sampler=dpm_solver)
    )
    same(ours, theirs(scheduler, start()))


@pytest.mark.parametrize("shift", [1.0, 0.3, 3.0])
@pytest.mark.parametrize("steps", [1, 4, 12])
def test_flow_euler(shift, steps):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps))
    levels = FlowPath(shift=shift).levels(steps)
    assert [level.sigma for level in levels] == pytest.approx(scheduler.sigmas.tolist(), abs=1e-6)
    ours = list(sample(net, start(), levels, objective="flow", sampler=euler))
    same(ours, theirs(scheduler, start()))


def test_flow_heun():
    """Theirs counts each look as a step, so every second of its states is one of ours."""
    steps = 6
    scheduler = diffusers.FlowMatchHeunDiscreteScheduler()
    scheduler.set_timesteps(steps)
    sigmas = torch.tensor([1 - i / steps for i in range(steps)] + [0.0])
    doubled = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])
    scheduler.sigmas, scheduler.timesteps = doubled, doubled[:-1] * 1000
    peer = theirs(scheduler, start())
    ours = list(sample(net, start(), FlowPath().levels(steps), objective="flow", sampler=heun))
    same(ours, [*peer[1::2], peer[-1]])


@pytest.mark.parametrize("betas", BETAS)
def test_schedules(betas):
    own, options = BETAS[betas]
    scheduler = diffusers.DDPMScheduler(**options)
    torch.testing.assert_close(
        NoiseSchedule(own).alpha_bar, scheduler.alphas_cumprod, rtol=2e-4, atol=1e-7
    )


def test_zero_terminal_snr():
    own, options = BETAS["scaled"]
    scheduler = diffusers.DDIMScheduler(**options, rescale_betas_zero_snr=True)
    ours = NoiseSchedule(zero_terminal_snr(own))
    torch.testing.assert_close(ours.alpha_bar, scheduler.alphas_cumprod, rtol=1e-4, atol=1e-6)
    assert ours.alpha[-1] == 0
    assert ours.sigma[-1] == 1
