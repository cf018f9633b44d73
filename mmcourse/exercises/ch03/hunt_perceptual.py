"""Bug hunt: a test that tells a right perceptual loss from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.exercises.ch03 import weak_tests_of_perceptual as weak
from mmcourse.exercises.ch03 import wrong_perceptual_losses as wrong
from mmcourse.exercises.definition import Hunt, Mutant, Suspect
from mmcourse.vqgan import perceptual

Make = Callable[..., Any]

STUB = '''
@exercise("ch03.hunt_perceptual")
def test_perceptual(make):
    """Assert what is true of a right perceptual loss, and false of a broken one.

    make(network, weights=None): builds the loss on trial, a module. The network is a module that
    takes pictures (B, 3, H, W) and returns a tuple of maps (B, C_i, H_i, W_i); weights, if given,
    is a list of tensors (C_i,), one for each map.
    loss = it(drawn, x): a scalar. In each map, the channels at each place are brought to length 1
    (L2); the squared differences of drawn and x are summed over channels, each times its weight,
    and averaged over places and pictures. The maps are added up.
    Its gradient goes to drawn and to nothing else. The network is frozen and asleep: nothing
    that is done to the loss, `.train()` included, wakes its dropout or moves its parameters, and
    neither `parameters()` nor `state_dict()` of the loss holds anything of it.
    Pass on every right one, and fail with an AssertionError on each broken one. Inside this test
    the book's `PerceptualLoss` is replaced by the one on trial.
    """
    raise NotImplementedError
'''


class _Sees(nn.Module):
    """Two maps of other scales, and dropout on the way to the second."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop = nn.Conv2d(3, 4, 3, padding=1), nn.Dropout(0.5)
        self.second = nn.Conv2d(4, 6, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        a = self.first(x)
        return a, 3 * self.second(self.drop(a))


def _formula(network: nn.Module, a: Tensor, b: Tensor, weights: list[Tensor] | None) -> Tensor:
    total = torch.zeros(())
    for i, (p, q) in enumerate(zip(network(a), network(b))):
        p, q = p / p.norm(dim=1, keepdim=True), q / q.norm(dim=1, keepdim=True)
        w = torch.ones(p.shape[1]) if weights is None else weights[i]
        total = total + torch.einsum("bchw,c->bhw", (p - q) ** 2, w).mean()
    return total


def reference_test(make: Make) -> None:
    """The value with and without weights, asleep and called to train; who gets a gradient; what is
    saved."""
    dice = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2, 3, 6, 8, generator=dice) for _ in range(2))
    for weights in (None, [torch.rand(4, generator=dice), torch.rand(6, generator=dice)]):
        network = _Sees()
        loss = make(network, weights).train()
        for module in network.modules():
            assert not module.training
        with torch.no_grad():
            expected = _formula(network, a, b, weights)
        drawn, x = a.clone().requires_grad_(), b.clone().requires_grad_()
        value = loss(drawn, x)
        assert torch.allclose(value, expected, rtol=1e-4, atol=1e-5)
        wanted = a.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(_formula(network, wanted, b, weights), wanted)
        assert value.requires_grad
        value.backward()
        assert drawn.grad is not None
        assert torch.allclose(drawn.grad, gradient, rtol=1e-3, atol=1e-5)
        assert x.grad is None or not x.grad.any()
        for p in network.parameters():
            assert p.grad is None or not p.grad.any()
            assert not p.requires_grad
        assert not list(loss.parameters())
        assert not loss.state_dict()


EXERCISE = Hunt(
    id="ch03.hunt_perceptual",
    title="Bug hunt: perceptual losses",
    level="bug hunt",
    difficulty=4,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=perceptual.PerceptualLoss,
    right=(perceptual.PerceptualLoss, wrong.Looks, wrong.Frozen),
    suspects=(
        Suspect(
            "train() wakes the network",
            wrong.Wakes,
            (
                "Missed: something that shows only once the loss is told to train.",
                "Put dropout into your network, call .train() on the loss, and ask twice.",
                "After loss.train() every module of the network must still be in eval mode. The "
                "broken one turns dropout on.",
            ),
        ),
        Suspect(
            "the network is saved and trained with the rest",
            wrong.InTheTree,
            (
                "Missed: something about what an optimiser or a checkpoint would find.",
                "What do parameters(), state_dict() and train() of the loss reach?",
                "The network is a child of the broken one, so all three reach it.",
            ),
        ),
        Suspect(
            "the network is saved",
            wrong.Saved,
            (
                "Missed: something about the checkpoint.",
                "What does state_dict() of the loss hold?",
                "It must hold nothing of the network. In the broken one each checkpoint carries "
                "it, and old ones no longer load when it is changed.",
            ),
        ),
        Suspect(
            "the network is not frozen",
            wrong.NotFrozen,
            (
                "Missed: something about the network's own parameters.",
                "What do they find in .grad after backward()?",
                "They must neither require gradients nor get any. The broken one computes them at "
                "each step.",
            ),
        ),
        Suspect(
            "the gradient goes to the true picture too",
            wrong.BothPulled,
            (
                "Missed: something about where the gradient goes.",
                "Let x require gradients as well.",
                "x.grad must be None or 0. In the broken one x has a graph of its own.",
            ),
        ),
        Suspect(
            "no gradient at all",
            wrong.NoGradient,
            (
                "Missed: something that no value shows.",
                "What does the drawn picture get?",
                "The gradient to drawn must be that of the formula. The broken one looks at both "
                "pictures under no_grad.",
            ),
        ),
        Suspect(
            "not brought to length 1",
            wrong.NotNormalised,
            (
                "Missed: something about how loud a map is.",
                "What if all features are ten times as large?",
                "Scaling a map must change nothing. The broken one compares features as they come.",
            ),
        ),
        Suspect(
            "normalised over places",
            wrong.OverPlaces,
            (
                "Missed: something about which numbers are brought to length 1 together.",
                "Work the value out place by place.",
                "At each place the vector of its channels has length 1. In the broken one each "
                "channel's whole map has.",
            ),
        ),
        Suspect(
            "the last map alone",
            wrong.LastMapOnly,
            (
                "Missed: something that a network of one map doesn't show.",
                "Does each map count?",
                "The loss is the sum over all maps. The broken one compares the last one only.",
            ),
        ),
        Suspect(
            "a sum over places",
            wrong.SumOfPlaces,
            (
                "Missed: something about the size of the picture.",
                "Is the loss of a picture twice as wide twice as large?",
                "Places are averaged. The broken one adds them up.",
            ),
        ),
        Suspect(
            "weights unused",
            wrong.Unweighted,
            (
                "Missed: something about the second argument of make.",
                "Try it with weights that aren't all 1.",
                "With weights each channel's square counts that much. The broken one forgets them.",
            ),
        ),
    ),
    mutants=(
        Mutant(
            "two equal pictures",
            weak.itself,
            "Equal pictures are at distance 0 by any formula. Use two that differ, and work the "
            "value out.",
        ),
        Mutant(
            "returns its verdict instead of asserting it",
            weak.returns,
            "A test that returns False has passed. Write `assert` in front of the comparison.",
        ),
        Mutant(
            "compares with the book's own loss",
            weak.leans,
            "In here that is the one on trial as well, so it was compared with itself. Work the "
            "value out from the network's maps.",
        ),
        Mutant(
            "the value alone",
            weak.value_alone,
            "The value may be right while nothing learns, or while the wrong ones do. Look at the "
            "gradients of drawn, x and the network, at train(), parameters() and state_dict(), "
            "and try weights.",
        ),
        Mutant(
            "any gradient will do",
            weak.gradient_alone,
            "That drawn gets a gradient says little. What should it be, and who must get none?",
        ),
        Mutant(
            "features as they come",
            weak.raw_features,
            "It works out the squared difference of the maps as they are. The channels at each "
            "place are brought to length 1 first, or the loudest map decides alone.",
        ),
    ),
    hints=(
        "Write a network of two tiny convolutions that returns both maps, with dropout in between. "
        "Put it to eval mode to work out what must come out.",
        "Four parts: the value (with and without weights), the gradients (drawn, x, the network's "
        "parameters), `.train()`, and `parameters()` with `state_dict()`.",
        "`loss = make(network).train()`: afterwards no module of the network may be in training "
        "mode.",
    ),
)
