"""The loop that the small networks share: in training mode while it runs, and down a curve."""

import torch
from torch import nn

from mmcourse.story.horizons.descent import descend


def test_it_trains_in_training_mode_and_leaves_the_model_ready_to_use():
    model = nn.Linear(3, 1).eval()
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    x = torch.ones(1, 3)
    modes = []

    def loss_at(step):
        modes.append((step, model.training))
        return (model(x) - 2).square().mean()

    told = list(descend(model, loss_at, steps=60, lr=0.05))
    assert modes == [(step, True) for step in range(60)]
    assert not model.training
    assert [row["step"] for row in told] == list(range(1, 61))
    assert told[-1]["loss"] < 0.01 * told[0]["loss"]
