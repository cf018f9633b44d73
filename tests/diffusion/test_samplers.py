"""Samplers as generators: what is seen on the way, what is random, and what is refused."""

from functools import partial
from itertools import pairwise

import pytest
import torch

from mmcourse.diffusion import (
    SAMPLERS,
    FlowPath,
    Level,
    NoiseSchedule,
    ddim,
    ddim_step,
    ddpm,
    ddpm_step,
    euler,
    last,
    linear_betas,
    sample,
    scaled_linear_betas,
    zero_terminal_snr,
)
from mmcourse.diffusion.schedule import CLEAN

PATH = NoiseSchedule(linear_betas())


def net(x, t, cond=None):
    return 0.5 * torch.tanh(x + t.view(-1, *[1] * (x.ndim - 1)) / 1000)


def noise(*shape):
    return torch.randn(shape or (2, 3, 4, 4), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 3, 5, 4, 4), (3, 2)])
def test_any_shape_is_walked_level_by_level(name, shape):
    levels = PATH.levels(6)
    seen = list(sample(net, noise(*shape), levels, objective="v", sampler=SAMPLERS[name]))
    assert [step.level for step in seen] == levels[1:]
    assert all(step.x.shape == step.x0.shape == shape for step in seen)
    torch.testing.assert_close(seen[-1].x, seen[-1].x0)  # the last guess is the picture


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_gives_the_same_picture(name):
    def draw(seed):
        return last(
            sample(
                net,
                noise(),
                PATH.levels(5),
                objective="x0",
                sampler=SAMPLERS[name],
                generator=torch.Generator().manual_seed(seed),
            )
        )

    assert torch.equal(draw(1), draw(1))
    assert torch.equal(draw(1), draw(2)) == (name != "ddpm")


def test_the_model_is_told_float_times_from_a_thousand_down():
    told = []

    def model(x, t, cond=None):
        told.append((t.dtype, t.tolist()))
        return torch.zeros_like(x)

    list(sample(model, noise(), PATH.levels(4), objective="v"))
    list(sample(model, noise(), FlowPath().levels(2), objective="flow", sampler=euler))
    times = [t for _, t in told]
    assert times == [[float(k)] * 2 for k in (999, 749, 499, 249, 1000, 500)]
    assert {dtype for dtype, _ in told} == {torch.float32}


def test_euler_is_ddim_and_ddpm_is_ddim_with_eta_one():
    levels = PATH.levels(8)
    for path, kind in ((levels, "v"), (FlowPath(shift=0.4).levels(8), "flow")):
        a, b = (last(sample(net, noise(), path, objective=kind, sampler=s)) for s in (ddim, euler))
        torch.testing.assert_close(a, b)
        ends = [
            last(sample(net, noise(), path, objective=kind, sampler=s,
                        generator=torch.Generator().manual_seed(1)))
            for s in (ddpm, partial(ddim, eta=1.0))
        ]  # fmt: skip
        torch.testing.assert_close(*ends)


def test_a_posterior_draw_is_that_of_two_gaussians():
    """Bayes by hand: a prior around alpha_s x0, and a measurement of it through the noise."""
    here, there = Level(500.0, 0.5, 0.75**0.5), Level(300.0, 0.8, 0.6)
    x, x0 = torch.tensor([0.3], dtype=torch.float64), torch.tensor([1.1], dtype=torch.float64)
    kept = here.alpha / there.alpha
    added = here.sigma**2 - kept**2 * there.sigma**2
    precision = 1 / there.sigma**2 + kept**2 / added
    mean = (there.alpha * x0 / there.sigma**2 + kept * x / added) / precision
    torch.testing.assert_close(ddpm_step(x, x0, here, there), mean)
    drawn = ddpm_step(x, x0, here, there, torch.ones_like(x))
    torch.testing.assert_close(drawn - mean, torch.ones_like(x) / precision**0.5)


def test_a_ddim_step_keeps_the_right_amount_of_noise():
    x0, eps = noise(2, 40_000)
    step = ddim_step(x0, eps, 0.5, 0.75**0.5, 0.8, 0.6, 0.7, noise(3, 40_000)[2])
    assert float((step - 0.8 * x0).std()) == pytest.approx(0.6, abs=0.01)


def test_pure_noise_without_any_picture_is_a_place_to_start_from():
    path = NoiseSchedule(zero_terminal_snr(scaled_linear_betas()))
    for sampler in SAMPLERS.values():
        x = last(sample(net, noise(), path.levels(10), objective="v", sampler=sampler))
        assert x.isfinite().all()
    with pytest.raises(ValueError, match="alpha is 0"):
        last(sample(net, noise(), path.levels(10), objective="epsilon"))


def test_what_is_kept_after_each_step_is_what_the_next_step_starts_from():
    seen, levels = [], []

    def model(x, t, cond=None):
        seen.append(x.clone())
        return net(x, t)

    def keep(x, level):
        levels.append(level)
        return x * 0 + level.sigma

    steps = list(sample(model, noise(), PATH.levels(4), objective="v", keep=keep))
    assert levels == PATH.levels(4)[1:]
    for before, state in pairwise([None, *seen]):
        if before is not None:
            assert state.unique().numel() == 1
    assert torch.equal(steps[-1].x, torch.zeros_like(steps[-1].x))
    assert [float(s.x[0, 0, 0, 0]) for s in steps] == pytest.approx([v.sigma for v in levels])


def test_one_bad_number_stops_the_walk_with_its_time():
    def broken(x, t, cond=None):
        return net(x, t) / (t.view(-1, 1, 1, 1) > 500)

    with pytest.raises(ValueError, match=r"NaN or infinity at t = 499"):
        last(sample(broken, noise(), PATH.levels(4), objective="v"))
    with pytest.raises(ValueError, match="start from"):
        last(sample(net, noise() / 0, PATH.levels(4), objective="v"))
    with pytest.raises(ValueError, match="two levels"):
        last(sample(net, noise(), [CLEAN], objective="v"))
    with pytest.raises(ValueError, match="eta is 2"):
        last(sample(net, noise(), PATH.levels(4), objective="v", sampler=partial(ddim, eta=2)))


def test_no_gradient_is_kept():
    weight = torch.ones(1, requires_grad=True)
    steps = sample(lambda x, t, cond=None: weight * x, noise(), PATH.levels(3), objective="v")
    assert not last(steps).requires_grad
