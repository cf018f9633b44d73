"""Schedules: what is left of picture and noise, in which digits, and what is refused."""

from itertools import pairwise

import pytest
import torch

from mmcourse.diffusion import (
    CLEAN,
    FlowPath,
    NoiseSchedule,
    add_noise,
    build_path,
    cosine_betas,
    linear_betas,
    logit_normal,
    scaled_linear_betas,
    zero_terminal_snr,
)


def test_what_is_left_at_the_end_is_as_the_literature_says():
    assert float(NoiseSchedule(scaled_linear_betas()).alpha[-1]) == pytest.approx(0.068, abs=5e-4)
    assert float(NoiseSchedule(linear_betas()).alpha[-1]) == pytest.approx(0.00635, abs=5e-5)
    path = NoiseSchedule(zero_terminal_snr(scaled_linear_betas()))
    assert float(path.alpha[-1]) == 0
    torch.testing.assert_close(path.alpha[0], NoiseSchedule(scaled_linear_betas()).alpha[0])


def test_the_product_is_taken_in_float64_and_sigma_before_rounding():
    betas = linear_betas()
    path = NoiseSchedule(betas)
    exact = (1 - (1 - betas).cumprod(0)).sqrt()
    torch.testing.assert_close(path.sigma.double(), exact, rtol=1e-7, atol=0)
    lost = (1 - (1 - betas).cumprod(0).float()).sqrt().double()
    assert ((lost - exact).abs() / exact).max() > 1e-5  # what rounding first would cost


def test_buffers_follow_the_module_and_are_saved():
    path = NoiseSchedule(cosine_betas(50))
    assert set(path.state_dict()) == {"alpha", "sigma"}
    assert path.to("meta").coefficients(torch.zeros(1, device="meta"))[0].device.type == "meta"


@pytest.mark.parametrize("steps", [1000, 250])
def test_times_run_to_a_thousand_however_many_steps_there_are(steps):
    path = NoiseSchedule(cosine_betas(steps))
    t = path.draw(4000, torch.Generator().manual_seed(0))
    assert t.dtype == torch.float32
    assert 0 <= t.min() < 10
    assert 990 <= t.max() < 1000
    index = torch.arange(steps)
    alpha, sigma = path.coefficients(index * 1000.0 / steps)
    assert torch.equal(alpha, path.alpha)
    assert torch.equal(sigma, path.sigma)


@pytest.mark.parametrize("name", ["linear", "scaled-linear", "cosine", "zero-snr", "flow"])
def test_levels_go_from_noise_to_the_picture(name):
    levels = build_path(name).levels(7)
    assert len(levels) == 8
    assert levels[-1] == CLEAN
    assert all(a.sigma > b.sigma and a.alpha < b.alpha for a, b in pairwise(levels))
    assert levels[0].t >= 999
    for _, alpha, sigma in levels:
        total = alpha + sigma if name == "flow" else alpha**2 + sigma**2
        assert total == pytest.approx(1, abs=1e-6)


def test_strength_takes_the_last_part_of_the_way():
    for path in (FlowPath(), NoiseSchedule(linear_betas())):
        whole = path.levels(20)
        assert path.levels(20, 0.5) == whole[10:]
        assert path.levels(20, 0.001) == whole[-2:]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: NoiseSchedule(linear_betas()).levels(1001),
            "steps is 1001, .* 1 to 1000",
        ),
        (lambda: NoiseSchedule(linear_betas()).levels(0), "steps is 0"),
        (lambda: FlowPath().levels(0), "steps is 0"),
        (lambda: FlowPath().levels(4, 0.0), "strength is 0"),
        (lambda: FlowPath().levels(4, 1.2), "strength is 1.2"),
        (lambda: FlowPath(shift=0), "more than 0"),
        (lambda: NoiseSchedule(torch.tensor([0.1, 1.5])), "betas"),
        (lambda: FlowPath(std=float("nan")), "more than 0"),
        (lambda: FlowPath(mean=float("inf")), "mean is a number"),
        (lambda: FlowPath().levels(2.0), "steps is 2.0"),
        (lambda: FlowPath().coefficients(torch.tensor([-1.0])), "got -1 to -1"),
        (lambda: NoiseSchedule(linear_betas()).coefficients(torch.tensor([-1.0])), "got -1 to -1"),
        (
            lambda: NoiseSchedule(linear_betas()).coefficients(torch.tensor([torch.nan])),
            "got nan to nan",
        ),
        (lambda: build_path("cosin"), "'cosin'"),
    ],
)
def test_what_cannot_be_is_refused(call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_noise_is_added_by_the_roots_of_the_product():
    alpha_bar = torch.tensor([0.81, 0.36, 0.0])
    x0, noise = torch.ones(3, 1, 2, 2), torch.full((3, 1, 2, 2), 2.0)
    out = add_noise(x0, noise, torch.tensor([0, 1, 2]), alpha_bar)
    expected = torch.tensor([0.9 + 2 * 0.19**0.5, 0.6 + 2 * 0.8, 2.0])
    torch.testing.assert_close(out[:, 0, 0, 0], expected)


def test_both_ways_of_adding_noise_agree():
    path = NoiseSchedule(cosine_betas())
    x0, noise = torch.randn(2, 5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0, 10, 400, 800, 999])
    ours = path.add_noise(x0, noise, t.float())
    torch.testing.assert_close(ours, add_noise(x0, noise, t, path.alpha_bar), rtol=1e-3, atol=1e-3)


def test_logit_normal_times_have_their_median_and_quartiles():
    t = logit_normal(40_000, mean=-0.5, std=0.8, generator=torch.Generator().manual_seed(0))
    wanted = torch.sigmoid(-0.5 + 0.8 * torch.tensor([-0.6745, 0.0, 0.6745]))
    torch.testing.assert_close(
        t.quantile(torch.tensor([0.25, 0.5, 0.75])), wanted, atol=0.01, rtol=0
    )
    shown = FlowPath(mean=-0.5, std=0.8).draw(40_000, torch.Generator().manual_seed(0))
    assert torch.equal(shown, 1000 * t)


def test_flow_is_the_straight_line_from_data_to_noise():
    x0, noise = torch.zeros(3, 1), torch.ones(3, 1)
    t = torch.tensor([0.0, 250.0, 1000.0])
    assert FlowPath().add_noise(x0, noise, t).flatten().tolist() == [0.0, 0.25, 1.0]


def test_a_schedule_keeps_its_digits_in_half_precision():
    path = NoiseSchedule(linear_betas())
    levels = path.levels(1000)
    assert path.bfloat16().levels(1000) == levels
