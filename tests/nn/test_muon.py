"""Muon gets the hidden matrices, AdamW the rest."""

import pytest
import torch
from torch import nn

from mmcourse.nn import split_for_muon


class Tied(nn.Module):
    """Words, a convolution, a hidden layer, a frozen one, a head, and an output that is tied."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 4)
        self.norm = nn.LayerNorm(4)
        self.conv = nn.Conv2d(1, 4, 3)
        self.hidden = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 4))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.head = nn.Linear(4, 2)
        self.out = nn.Linear(4, 9, bias=False)
        self.out.weight = self.words.weight


def names(model, parameters):
    by_id = {id(p): name for name, p in model.named_parameters()}
    return [by_id[id(p)] for p in parameters]


def test_each_trained_parameter_has_one_optimiser():
    model = Tied()
    matrices, rest = split_for_muon(model, but=["head"])
    assert names(model, matrices) == ["hidden.0.weight", "hidden.1.weight"]
    assert sorted(names(model, matrices) + names(model, rest)) == sorted(
        name for name, p in model.named_parameters() if p.requires_grad
    )
    assert names(model, split_for_muon(model)[0])[-1] == "head.weight"


def test_a_step_of_muon_on_them_is_nearly_orthogonal():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 3))
    matrices, _ = split_for_muon(model, but=["2"])
    before = matrices[0].detach().clone()
    optimiser = torch.optim.Muon(matrices, lr=0.1, weight_decay=0.0)
    model(torch.randn(32, 8)).square().mean().backward()
    optimiser.step()
    step = torch.linalg.svdvals((before - matrices[0].detach()) / 0.1)
    assert step[:3].min() > 0.5  # the gradient's rank is 3
    assert step.max() < 1.5


def test_a_name_that_no_module_has_is_refused():
    with pytest.raises(ValueError, match="no module is called 'haed'"):
        split_for_muon(Tied(), but=["haed"])
