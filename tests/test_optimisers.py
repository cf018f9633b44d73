"""AdamW and Muon as one: who is trained by which, and that their rates go together."""

import pytest
import torch
from torch import nn

from mmcourse.nn import split_for_muon
from mmcourse.optimisers import Course, optimisers


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(1), nn.LayerNorm(16), nn.Linear(16, 5))


def trained_by(one):
    return [id(p) for group in one.param_groups for p in group["params"]]


def test_every_weight_has_one_optimiser(model):
    both = optimisers(*split_for_muon(model), lr=1e-3, muon=2e-3)
    assert [type(o).__name__ for o in both] == ["AdamW", "Muon"]
    assert sorted(i for o in both for i in trained_by(o)) == sorted(map(id, model.parameters()))
    assert trained_by(both[1]) == [id(model[3].weight)]


def test_without_a_rate_muon_trains_nothing(model):
    (alone,) = optimisers(*split_for_muon(model), lr=1e-3, muon=None)
    assert sorted(trained_by(alone)) == sorted(map(id, model.parameters()))


def test_only_what_has_two_sides_decays(model):
    alone, muon = optimisers(*split_for_muon(model), lr=1e-3, muon=2e-3, decay=(0.3, 0.2))
    for group in alone.param_groups:
        assert {p.ndim >= 2 for p in group["params"]} == {group["weight_decay"] == 0.3}
        assert group["weight_decay"] in (0.3, 0.0)
    assert muon.param_groups[0]["weight_decay"] == 0.2


def test_rates_rise_and_fall_together_and_a_step_moves_all(model):
    both = optimisers(*split_for_muon(model), lr=1e-3, muon=2e-3)
    course = Course(both)
    before = [p.detach().clone() for p in model.parameters()]
    for share in (0.5, 0.25):  # of the peak each time, not of what it was
        course.begin(share)
        rates = [group["lr"] for o in both for group in o.param_groups]
        assert rates == [1e-3 * share, 1e-3 * share, 2e-3 * share]
        assert all(p.grad is None or not p.grad.any() for p in model.parameters())
        model(torch.randn(2, 3, 2, 2)).square().sum().backward()
        course.step()
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters()))
