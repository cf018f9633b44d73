"""The table of conversions, all ways, and the weights of the loss."""

from itertools import product

import pytest
import torch

from mmcourse.diffusion import OBJECTIVES, convert, min_snr_weight, parts, target

LEVELS = [
    (0.95, (1 - 0.95**2) ** 0.5),
    (0.3, (1 - 0.3**2) ** 0.5),
    (0.7, 0.3),
    (0.1, 0.9),
    (1.0, 7.0),
]


def pair():
    return torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("alpha", "sigma"), LEVELS)
@pytest.mark.parametrize(("source", "to"), list(product(OBJECTIVES, OBJECTIVES)))
def test_every_prediction_holds_every_other(source, to, alpha, sigma):
    x0, epsilon = pair()
    x = alpha * x0 + sigma * epsilon
    said = target(source, x0, epsilon, alpha, sigma)
    wanted = target(to, x0, epsilon, alpha, sigma)
    torch.testing.assert_close(convert(said, x, alpha, sigma, source=source, to=to), wanted)


def test_the_four_targets_are_those_of_the_papers():
    x0, epsilon = torch.tensor([2.0]), torch.tensor([5.0])
    found = {kind: float(target(kind, x0, epsilon, 0.6, 0.8)) for kind in OBJECTIVES}
    wanted = {"epsilon": 5.0, "x0": 2.0, "v": 0.6 * 5 - 0.8 * 2, "flow": 3.0}
    assert found == pytest.approx(wanted)


def test_levels_may_differ_by_row():
    x0, epsilon = pair()
    alpha = torch.tensor([0.9, 0.5, 0.2, 0.6], dtype=torch.float64).view(-1, 1)
    sigma = (1 - alpha**2).sqrt()
    x = alpha * x0 + sigma * epsilon
    for kind in OBJECTIVES:
        found = parts(kind, x, target(kind, x0, epsilon, alpha, sigma), alpha, sigma)
        torch.testing.assert_close(found, (x0, epsilon))


def test_what_says_nothing_of_the_other_part_is_refused():
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"alpha is 0.*predict v"):
        parts("epsilon", x, x, 0.0, 1.0)
    with pytest.raises(ValueError, match="sigma is 0"):
        parts("x0", x, x, 1.0, 0.0)
    for call in (
        lambda: parts("noise", x, x, 0.6, 0.8),
        lambda: target("noise", x, x, 0.6, 0.8),
        lambda: min_snr_weight("noise", x[0], x[0] + 1),
    ):
        with pytest.raises(ValueError, match=r"'noise'.*epsilon, x0, v, flow"):
            call()
    with pytest.raises(ValueError, match="gamma is 0"):
        min_snr_weight("v", x[0], x[0] + 1, 0)


@pytest.mark.parametrize(("alpha", "sigma"), [*LEVELS, (0.999, (1 - 0.999**2) ** 0.5)])
def test_weighted_losses_agree_whatever_is_predicted(alpha, sigma):
    """The error of a picture counts the same in all four terms."""
    x0, epsilon = pair()
    x = alpha * x0 + sigma * epsilon
    guess = x0 + 0.1 * pair()[1].flip(0)
    noise = (x - alpha * guess) / sigma
    level = torch.tensor([alpha]), torch.tensor([sigma])
    losses = []
    for kind in OBJECTIVES:
        error = target(kind, guess, noise, alpha, sigma) - target(kind, x0, epsilon, alpha, sigma)
        losses.append(float(min_snr_weight(kind, *level) * error.square().mean()))
    assert losses == pytest.approx([losses[1]] * 4, rel=1e-4)
    snr = (alpha / sigma) ** 2
    assert losses[1] == pytest.approx(min(snr, 5) * float((guess - x0).square().mean()), rel=1e-4)


def test_at_pure_noise_no_weight_is_infinite():
    level = torch.tensor([0.0]), torch.tensor([1.0])
    assert [float(min_snr_weight(kind, *level)) for kind in OBJECTIVES] == [1, 0, 0, 0]
