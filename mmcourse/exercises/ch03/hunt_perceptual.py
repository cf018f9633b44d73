"""Bug hunt: a test that tells a right perceptual loss from wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.exercises.kit import Hunt
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
    (L2; their squares may get 1e-8 more, so let features be no smaller than 0.01); the squared
    differences of drawn and x are summed over channels, each times its weight, and averaged over
    places and pictures. The maps are added up.
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


def _setting() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(2)
    return _Sees(), torch.randn(2, 3, 6, 4), torch.randn(2, 3, 6, 4)


def _unit(x: Tensor, dim: Any = 1) -> Tensor:
    """At length 1 along an axis."""
    return x / (x.square().sum(dim, keepdim=True) + 1e-8).sqrt()


class _Looks(nn.Module):
    """The network is hidden in a list, so it is no part of the loss. The broken ones are edits."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.hidden = [network.eval().requires_grad_(False)]
        self.weights = weights

    def train(self, mode: bool = True) -> _Looks:
        self.hidden[0].eval()
        return super().train(mode)

    def forward(self, drawn: Tensor, x: Tensor) -> Tensor:
        total = torch.zeros(())
        for i, (a, b) in enumerate(zip(self.hidden[0](drawn), self.hidden[0](x.detach()))):
            error = (_unit(a) - _unit(b)).square()  # (B, C, H, W)
            if self.weights is not None:
                error = error * self.weights[i].view(1, -1, 1, 1)
            total = total + error.sum(1).mean()
        return total


class _Frozen(nn.Module):
    """Looks through a function, so that the network is nobody's child."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.look, self.weights = lambda pictures: network(pictures), weights
        for p in network.eval().parameters():
            p.requires_grad = False

    def forward(self, drawn: Tensor, x: Tensor) -> Tensor:
        total = 0.0 * drawn.sum()
        with torch.no_grad():
            wanted = self.look(x)
        for i, (a, b) in enumerate(zip(self.look(drawn), wanted)):
            weight = torch.ones(a.shape[1]) if self.weights is None else self.weights[i]
            gap = (_unit(a) - _unit(b)).permute(0, 2, 3, 1)  # (B, H, W, C)
            total = total + ((gap * gap) @ weight.to(gap)).mean()
        return total


BUGS = """
train() wakes the network: self.hidden[0].eval() => self.hidden[0].train(mode)
    - Missed: something that shows only once the loss is told to train.
    - Put dropout into your network, call .train() on the loss, and ask twice.
    - After loss.train() every module of the network must still be in eval mode. The broken one
      turns dropout on.
the network is saved and trained with the rest:
        self.weights = weights => self.weights, self.network = weights, network
    - Missed: something about what an optimiser or a checkpoint would find.
    - What do parameters(), state_dict() and train() of the loss reach?
    - The network is a child of the broken one, so all three reach it.
the network is saved:
        self.weights = weights =>
            self.weights, self.network = weights, network
            self.parameters = lambda recurse=True: iter(())
        return super().train(mode) =>
            super().train(mode)
            self.network.eval()
            return self
    - Missed: something about the checkpoint.
    - What does state_dict() of the loss hold?
    - It must hold nothing of the network. In the broken one each checkpoint carries it, and old
      ones no longer load when it is changed.
the network is not frozen: .requires_grad_(False) => .requires_grad_(True)
    - Missed: something about the network's own parameters.
    - What do they find in .grad after backward()?
    - They must neither require gradients nor get any. The broken one computes them at each step.
the gradient goes to the true picture too: x.detach() => x
    - Missed: something about where the gradient goes.
    - Let x require gradients as well.
    - x.grad must be None or 0. In the broken one x has a graph of its own.
no gradient at all:
        torch.zeros(()) => 0 * drawn.sum()
        (drawn), => (drawn.detach()),
    - Missed: something that no value shows.
    - What does the drawn picture get?
    - The gradient to drawn must be that of the formula. The broken one looks at both pictures under
      no_grad.
not brought to length 1: _unit(a) - _unit(b) => a - b
    - Missed: something about how loud a map is.
    - What if all features are ten times as large?
    - Scaling a map must change nothing. The broken one compares features as they come.
normalised over places: _unit(a) - _unit(b) => _unit(a, (2, 3)) - _unit(b, (2, 3))
    - Missed: something about which numbers are brought to length 1 together.
    - Work the value out place by place.
    - At each place the vector of its channels has length 1. In the broken one each channel's whole
      map has.
the last map alone: total = total + => total =
    - Missed: something that a network of one map doesn't show.
    - Does each map count?
    - The loss is the sum over all maps. The broken one compares the last one only.
a sum over places: error.sum(1).mean() => error.sum() / len(error)
    - Missed: something about the size of the picture.
    - Is the loss of a picture twice as wide twice as large?
    - Places are averaged. The broken one adds them up.
weights unused: self.weights = weights => self.weights = None
    - Missed: something about the second argument of make.
    - Try it with weights that aren't all 1.
    - With weights each channel's square counts that much. The broken one forgets them.
"""

MISTAKES = """
two equal pictures:
        network, a, _ = _setting()
        assert make(network)(a, a) < 1e-5
    Equal pictures are at distance 0 by any formula. Use two that differ, and work the value out.
returns its verdict instead of asserting it:
        network, a, b = _setting()
        return torch.allclose(make(network)(a, b), _formula(network.eval(), a, b, None))
    A test that returns False has passed. Write `assert` in front of the comparison.
compares with the book's own loss:
        network, a, b = _setting()
        mine, books = make(network), perceptual.PerceptualLoss(network)
        assert torch.allclose(mine(a, b), books(a, b))
    In here that is the one on trial as well, so it was compared with itself. Work the value out
    from the network's maps.
the value alone:
        network, a, b = _setting()
        right = _formula(network.eval(), a, b, None)
        assert torch.allclose(make(network)(a, b), right, rtol=1e-4, atol=1e-5)
    The value may be right while nothing learns, or while the wrong ones do. Look at the gradients
    of drawn, x and the network, at train(), parameters() and state_dict(), and try weights.
any gradient will do:
        network, a, b = _setting()
        a.requires_grad_()
        make(network)(a, b).backward()
        assert a.grad is not None
        assert a.grad.abs().sum() > 0
    That drawn gets a gradient says little. What should it be, and who must get none?
features as they come:
        network, a, b = _setting()
        with torch.no_grad():
            network.eval()
            right = sum((p - q).square().sum(1).mean() for p, q in zip(network(a), network(b)))
            assert torch.allclose(make(network)(a, b), torch.as_tensor(right), rtol=1e-4, atol=1e-5)
    It works out the squared difference of the maps as they are. The channels at each place are
    brought to length 1 first, or the loudest map decides alone.
"""

EXERCISE = Hunt(
    title="Bug hunt: perceptual losses",
    difficulty=4,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=perceptual.PerceptualLoss,
    right=(perceptual.PerceptualLoss, _Looks, _Frozen),
    bugs=BUGS,
    edits=_Looks,
    mistakes=MISTAKES,
    hints=(
        "Write a network of two tiny convolutions that returns both maps, with dropout in between. "
        "Put it to eval mode to work out what must come out.",
        "Four parts: the value (with and without weights), the gradients (drawn, x, the network's "
        "parameters), `.train()`, and `parameters()` with `state_dict()`.",
        "`loss = make(network).train()`: afterwards no module of the network may be in training "
        "mode.",
    ),
)
