"""A taste from choices: against autograd, a known reader, and the baselines."""

import math

import pytest
import torch

from mmcourse.story.horizons import taste
from mmcourse.storyworld import sample_scene


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def some(n, d, seed=0):
    return torch.randn(n, d, generator=dice(seed)), torch.randn(n, d, generator=dice(seed + 1))


@pytest.mark.parametrize("strength", [0.1, 1.0, 30.0])
def test_no_slope_is_left_where_the_fit_ends(strength):
    chosen, rejected = some(10, 40)
    before = torch.randn(40, generator=dice(9))
    w = taste.fit_taste(chosen, rejected, strength, before).requires_grad_()
    surprise = 10 * taste.loss(w, chosen, rejected)
    total = surprise + strength / 2 * (w - before.double()).square().sum()
    (slope,) = torch.autograd.grad(total, w)
    assert slope.abs().max() < 1e-7


def test_one_feature_has_a_closed_form():
    """Chosen 3 times of 4, held by hardly anything: the logarithm of the odds."""
    chosen, rejected = torch.tensor([[1.0], [1.0], [1.0], [0.0]]), torch.tensor([[0.0]] * 3 + [[1]])
    w = taste.fit_taste(chosen, rejected, 1e-6)
    assert w.item() == pytest.approx(math.log(3), abs=1e-4)


def test_many_choices_find_the_reader():
    pictures = torch.randn(300, 5, generator=dice(3))
    reader = torch.tensor([1.0, -2.0, 0.5, 0.0, 1.5])
    pairs = torch.randint(300, (4000, 2), generator=dice(4))
    made = taste.choices(pictures @ reader, pairs, dice(5))
    w = taste.fit_taste(pictures[made[:, 0]], pictures[made[:, 1]], 0.1)
    assert (w - reader).abs().max() < 0.25


def test_without_choices_the_belief_stays_and_a_firm_one_hardly_moves():
    none, before = torch.zeros(0, 3), torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(taste.fit_taste(none, none, 1.0, before), before.double())
    chosen, rejected = some(10, 3)
    assert (taste.fit_taste(chosen, rejected, 1e6, before) - before).abs().max() < 1e-4


def test_choices_follow_the_odds():
    worth, pairs = torch.tensor([0.0, math.log(3)]), torch.tensor([[0, 1]] * 4000)
    made = taste.choices(worth, pairs, dice())
    assert (made[:, 0] == 1).double().mean() == pytest.approx(0.75, abs=0.02)
    assert torch.equal(made.sort(1).values, pairs)


def test_the_most_telling_pair_is_the_one_not_asked_yet():
    asked = torch.tensor([[1.0, 0.0]] * 20)
    pairs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert taste.most_telling(pairs, asked, torch.zeros(2).double(), 1.0) == 1


def test_agreement_counts_pairs_and_halves_ties():
    worth, pairs = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[0, 1], [1, 2]])
    assert taste.agreement(worth, worth, pairs) == 1
    assert taste.agreement(-worth, worth, pairs) == 0
    assert taste.agreement(torch.zeros(3), worth, pairs) == 0.5


def test_attributes_are_one_of_each_kind():
    row = taste.attributes(sample_scene("test", 0))
    parts = row.split([len(values) for values in taste.LIKED.values()])
    assert [part.sum().item() for part in parts] == [1] * len(taste.LIKED)


def test_a_reader_without_an_own_opinion_is_everybody():
    common = torch.randn(sum(map(len, taste.LIKED.values())), generator=dice())
    assert torch.equal(taste.simulated_reader(common, 1.0, 0.0, dice(1)), common)
    assert not torch.equal(taste.simulated_reader(common, 1.0, 1.0, dice(1)), common)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="must both be"):
        taste.fit_taste(torch.zeros(2, 3), torch.zeros(3, 3))
    with pytest.raises(ValueError, match="at least one picture"):
        taste.near_the_mean(torch.zeros(0, 3), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="above 0"):
        taste.fit_taste(torch.zeros(2, 3), torch.zeros(2, 3), 0.0)
