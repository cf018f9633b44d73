"""The plane: every formula against an independent one, and what guidance really samples."""

import pytest
import torch

from mmcourse.diffusion import FlowPath, NoiseSchedule, cosine_betas, ddpm, heun, last, sample
from mmcourse.diffusion.schedule import CLEAN, Level
from mmcourse.diffusion.toy import (
    Clouds,
    crossed,
    grid,
    guided,
    guided_score,
    guided_std,
    histogram,
    noisy,
    sharpened,
    sharpened_score,
    sharpened_std,
    walk,
)

MIDDLE = Level(500.0, 0.6, 0.8)
FINE = Level(100.0, 0.95, (1 - 0.95**2) ** 0.5)


def places(n=50, seed=0):
    dice = torch.Generator().manual_seed(seed)
    return 1.2 * torch.randn(n, 2, dtype=torch.float64, generator=dice)


def test_the_density_is_a_density():
    x = grid(5.0, 201)
    cell = (10 / 200) ** 2
    for level in (CLEAN, MIDDLE):
        assert float(crossed().log_density(x, level).exp().sum() * cell) == pytest.approx(
            1, abs=1e-3
        )


@pytest.mark.parametrize("level", [MIDDLE, FINE])
def test_the_score_is_the_gradient_of_the_log_density(level):
    x = places().requires_grad_()
    (slope,) = torch.autograd.grad(crossed().log_density(x, level).sum(), x)
    torch.testing.assert_close(crossed().score(x.detach(), level), slope)


@pytest.mark.parametrize("level", [MIDDLE, FINE])
def test_the_best_denoiser_is_tweedies_formula(level):
    x = places()
    by_score = (x + level.sigma**2 * crossed().score(x, level)) / level.alpha
    torch.testing.assert_close(crossed().denoise(x, level), by_score)


def test_the_best_denoiser_is_the_mean_over_the_data():
    """By summing over a grid, which knows nothing of clouds."""
    data, x = grid(2.5, 101), places(8)
    away = (x[:, None] - MIDDLE.alpha * data).square().sum(-1)
    weight = (crossed().log_density(data) - away / (2 * MIDDLE.sigma**2)).softmax(-1)
    torch.testing.assert_close(crossed().denoise(x, MIDDLE), weight @ data, rtol=1e-3, atol=1e-3)


def test_the_posterior_of_a_place_has_the_denoisers_mean_and_narrows():
    x = places(1)[0]
    for level in (MIDDLE, FINE):
        posterior = crossed().posterior(x, level)
        mean = posterior.weights @ posterior.means
        torch.testing.assert_close(mean, crossed().denoise(x[None], level)[0])
        data = grid(2.5, 101)
        away = (x - level.alpha * data).square().sum(-1) / (2 * level.sigma**2)
        expected = (crossed().log_density(data) - away).softmax(-1)
        found = posterior.log_density(data).softmax(-1)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-3)
    assert crossed().posterior(x, FINE).std < crossed().posterior(x, MIDDLE).std < 0.2


def test_the_class_posterior_is_bayes_rule():
    x, clouds = places(), crossed()
    for label, prior in ((0, 0.5), (1, 0.5)):
        joint = prior * clouds.of_class(label).log_density(x, MIDDLE).exp()
        expected = joint / clouds.log_density(x, MIDDLE).exp()
        torch.testing.assert_close(clouds.class_posterior(x, MIDDLE, label), expected)


def test_guidance_follows_the_score_of_the_sharpened_noisy_density():
    clouds = crossed()
    x = places().requires_grad_()
    free, told = clouds.log_density(x, MIDDLE), clouds.class_posterior(x, MIDDLE, 1).log()
    (slope,) = torch.autograd.grad((free + 3.0 * told).sum(), x)
    torch.testing.assert_close(guided_score(clouds, x.detach(), MIDDLE, 1, 3.0), slope)


def test_sharpening_and_noise_do_not_commute():
    """With scale 1 both scores are the class's own; above it they part, most where noise is."""
    clouds, data, x = crossed(), grid(2.5, 81), places(20)
    for scale, level, apart in ((1.0, MIDDLE, False), (4.0, MIDDLE, True), (4.0, FINE, True)):
        a = guided_score(clouds, x, level, 1, scale)
        b = sharpened_score(clouds, x, level, 1, scale, data)
        far = float((a - b).norm(dim=-1).max())
        assert (far > 0.3) == apart, (scale, far)


def drawn(scale, n=4000):
    path = FlowPath()
    x = torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model = guided(crossed(), path, "flow", 1, scale)
    return last(sample(model, x, path.levels(40), objective="flow", sampler=heun))


def density(scale, n=20):
    """The sharpened density in the cells of `histogram`."""
    fine = grid(2.0, 161)
    weight = sharpened(crossed(), fine, 1, scale).softmax(-1)
    inside = ((fine + 2) * (n / 4)).long().clamp(0, n - 1)
    cells = torch.zeros(n * n, dtype=torch.float64)
    return cells.index_add(0, inside[:, 1] * n + inside[:, 0], weight).view(n, n)


def test_guided_trajectories_do_not_sample_the_sharpened_density():
    apart = {s: float((histogram(drawn(s)) - density(s)).abs().sum() / 2) for s in (1.0, 4.0)}
    assert apart[1.0] < 0.15
    assert apart[4.0] > 0.4


@pytest.mark.parametrize(("std", "scale"), [(0.5, 1.0), (0.5, 3.0), (0.8, 4.0)])
def test_one_cloud_within_another_has_a_closed_form(std, scale):
    """Data N(0, 1), a class N(m, std²): guidance draws std^scale, narrower than the sharpened."""
    path = FlowPath()
    one = torch.ones(1, dtype=torch.float64)
    every = Clouds(torch.zeros(1, 2, dtype=torch.float64), 1.0, one, torch.tensor([0]))
    mine = Clouds(torch.tensor([[0.3, 0.0]], dtype=torch.float64), std, one, torch.tensor([1]))
    free, told = every.denoiser(path, "flow"), mine.denoiser(path, "flow")

    def model(x, t, cond=None):
        return free(x, t) + scale * (told(x, t) - free(x, t))

    x = torch.randn(2000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    end = last(sample(model, x, path.levels(120), objective="flow", sampler=heun))
    ratio = float(end.std(0).mean() / x.std(0).mean())
    assert ratio == pytest.approx(guided_std(std, scale), rel=0.02)
    if scale > 1:
        assert sharpened_std(std, scale) > 1.2 * guided_std(std, scale)
    else:
        assert sharpened_std(std, scale) == pytest.approx(guided_std(std, scale))


def test_the_sharpened_width_is_that_of_the_product_of_densities():
    line = torch.linspace(-3, 3, 2001, dtype=torch.float64)
    weight = (-3.0 * line.square() / (2 * 0.25) + 2.0 * line.square() / 2).softmax(0)
    assert float((weight * line.square()).sum().sqrt()) == pytest.approx(sharpened_std(0.5, 3.0))
    with pytest.raises(ValueError, match="has no end"):
        sharpened_std(2.0, 3.0)


def test_a_random_walk_finds_the_data():
    path = NoiseSchedule(cosine_betas())
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(3000, 2, dtype=torch.float64, generator=dice)
    model = crossed().denoiser(path, "v")
    states = walk(model, x, path.levels(100), "v", ddpm, dice)
    assert states.shape == (101, 3000, 2)
    assert torch.equal(states[0], x)
    true = crossed().draw(3000, dice)
    apart = float((histogram(states[-1]) - histogram(true)).abs().sum() / 2)
    assert apart < 0.15
    assert float(histogram(true).sum()) == pytest.approx(1)


def test_places_for_drawing():
    x = grid(1.0, 3)
    assert x[0].tolist() == [-1.0, -1.0]
    assert x[2].tolist() == [1.0, -1.0]
    cells = histogram(torch.tensor([[-2.0, -2.0], [1.9, -2.0], [9.0, 9.0]]), 2.0, 4)
    assert [float(cells[0, 0]), float(cells[0, 3]), float(cells[3, 3])] == pytest.approx(
        [1 / 3] * 3
    )
    far = noisy(crossed().draw(20_000, torch.Generator().manual_seed(0)), MIDDLE,
                torch.Generator().manual_seed(1))  # fmt: skip
    spread = crossed().draw(20_000).var(0) * MIDDLE.alpha**2 + MIDDLE.sigma**2
    torch.testing.assert_close(far.var(0), spread, rtol=0.05, atol=0)


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"class 7; there are \[0, 1\]"):
        crossed().of_class(7)
    with pytest.raises(ValueError, match="one place"):
        crossed().posterior(places(3), MIDDLE)
