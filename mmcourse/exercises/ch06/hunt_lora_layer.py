"""Bug hunt: a test that tells a right LoRA layer from wrong ones."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.exercises.kit import Hunt
from mmcourse.lora import layer as lora_layers

STUB = '''
@exercise("ch06.hunt_lora_layer")
def test_lora_layer(make):
    """Assert what is true of a right LoRA layer, and false of a broken one.

    layer = make(linear, rank, alpha) builds the torch module on trial around an nn.Linear, with a
    rank of at most in and out.
    Two of its parameters, and no others, have requires_grad: A (rank, in) and B (out, rank), in
    that order in layer.parameters(). Take in, out and rank all different to tell them apart, and
    write into them what you like (p.data = ...).
    layer(x) is linear(x) + alpha / rank * x A^T B^T. At the start B is 0, A is not, so it is
    linear(x), and a gradient reaches B; once B is not 0, gradients reach both.
    layer.merge() and layer.unmerge() put the update into the weight and take it out; layer(x) stays
    the same up to rounding, however often either is called and in whatever order.
    layer.train() and layer.eval() change nothing that is computed, before or after merging.
    Pass on every right one, and fail with an AssertionError on each broken one. The book's
    `lora_layer` is replaced by the one on trial in here.
    """
    raise NotImplementedError
'''

Make = Callable[..., Any]


def reference_test(make: Make) -> None:
    """The start, who learns, the formula, and merging in every order."""
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, generator=dice)
    linear = nn.Linear(5, 4)
    plain = linear(x).detach()
    layer = make(linear, 2, 6.0)
    learned = [p for p in layer.parameters() if p.requires_grad]
    assert [tuple(p.shape) for p in learned] == [(2, 5), (4, 2)]
    A, B = learned
    assert torch.allclose(layer(x), plain, atol=1e-5)
    slope = torch.autograd.grad(layer(x).square().sum(), B, allow_unused=True)[0]
    assert slope is not None
    assert slope.abs().max() > 1e-6

    A.data, B.data = (torch.randn(p.shape, generator=dice) for p in (A, B))
    wanted = plain + 3.0 * x @ A.data.T @ B.data.T
    assert torch.allclose(layer(x), wanted, atol=1e-3)
    for slope in torch.autograd.grad(layer(x).square().sum(), (A, B), allow_unused=True):
        assert slope is not None
        assert slope.abs().max() > 1e-6
    for turn in ("eval", "merge", "merge", "train", "eval", "unmerge", "unmerge", "train", "merge"):
        getattr(layer, turn)()
        assert torch.allclose(layer(x), wanted, atol=1e-3), turn


class _ByHand(nn.Module):
    """A frozen copy, A, B, and whether the update is in it. The broken ones are edits of it."""

    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        self.frozen = copy.deepcopy(linear).requires_grad_(False)
        bound = linear.in_features**-0.5
        self.A = nn.Parameter(torch.empty(rank, linear.in_features).uniform_(-bound, bound))
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank))
        self.scale, self.inside = alpha / rank, False

    def forward(self, x: Tensor) -> Tensor:
        out = self.frozen(x)
        return out if self.inside else out + self.scale * x @ self.A.T @ self.B.T

    def update(self) -> Tensor:
        return self.scale * (self.B @ self.A).detach()

    def merge(self) -> None:
        if not self.inside:
            self.frozen.weight.data += self.update()
            self.inside = True

    def unmerge(self) -> None:
        if self.inside:
            self.frozen.weight.data -= self.update()
            self.inside = False


class _InColumns(_ByHand):
    """Right: the update is computed as a weight of its own, and merging remembers the old one."""

    def forward(self, x: Tensor) -> Tensor:
        if self.inside:
            return self.frozen(x)
        weight = self.frozen.weight + self.scale * torch.einsum("or,ri->oi", self.B, self.A)
        return F.linear(x, weight, self.frozen.bias)

    def merge(self) -> None:
        if not self.inside:
            self.old = self.frozen.weight.data.clone()
        super().merge()

    def unmerge(self) -> None:
        if self.inside:
            self.frozen.weight.data, self.inside = self.old, False


def fresh(make: Make, width: int = 5) -> tuple[nn.Linear, Any, Tensor]:
    torch.manual_seed(7)
    linear = nn.Linear(width, 4)
    return linear, make(linear, 2, 6.0), torch.randn(3, width)


BUGS = """
both factors start at zero: uniform_(-bound, bound) => zero_()
    - Missed: something that the first output does not show.
    - Ask for B's gradient at the start.
    - With A and B at 0 no gradient reaches either, and the layer never learns.
both factors start at random: torch.zeros(linear => 0.3 * torch.randn(linear
    - Missed: something about the very first output.
    - Compare layer(x) with linear(x) before anything was learned.
    - The broken one starts with a random B, and spoils the model before the first step.
alpha is forgotten: alpha / rank => 1.0
    - Missed: something about how much the update counts.
    - Write numbers into A and B and compare with the formula.
    - The broken one multiplies the update by 1.
the rank is forgotten: alpha / rank => alpha
    - Missed: something about how the update's strength depends on the rank.
    - Compare with the formula at a rank other than 1.
    - The broken one multiplies the update by alpha, not by alpha / rank.
the base learns as well: .requires_grad_(False) =>
    - Missed: something about who learns.
    - List the parameters that require a gradient, by shape.
    - The broken one leaves the wrapped layer trainable.
the bias learns as well: .requires_grad_(False) => ; self.frozen.weight.requires_grad_(False)
    - Missed: something small that learns and should not.
    - Are there exactly two parameters that require a gradient?
    - The broken one leaves the bias trainable.
the bias is lost: bound = linear => self.frozen.bias = None; bound = linear
    - Missed: something that the wrapped layer had.
    - Give the linear layer a bias.
    - The broken one computes without the bias.
A never learns: self.A.T => self.A.T.detach()
    - Missed: something about a gradient, once B is no longer 0.
    - Write numbers into B and ask for both gradients.
    - In the broken one A is detached.
merged twice, it counts twice: if not self.inside => if True
    - Missed: something that happens on a second call.
    - Merge, merge again, and compare.
    - The broken one adds the update at each call of merge().
unmerged twice, it is taken off twice: if self.inside: => if True:
    - Missed: something about going back too often.
    - Unmerge, unmerge again, and compare.
    - The broken one subtracts the update at each call of unmerge().
merged, and still added: out if self.inside else out => out
    - Missed: something about what a merged layer computes.
    - Write numbers into A and B, merge once, and compare.
    - The broken one adds the update though it is in the weight.
what is merged is not what was added: self.scale * (self.B @ self.A) => (self.B @ self.A)
    - Missed: something about what is put into the weight.
    - Merge with an alpha that is not the rank, and compare.
    - The broken one merges B A without alpha / rank.
eval() merges behind everybody's back:
        def update(self) -> Tensor: =>
            def train(self, mode=True):
                if mode == self.inside:
                    (self.unmerge if mode else self.merge)()
                return super().train(mode)
            def update(self) -> Tensor:
        if not self.inside => if True
    - Missed: something about modes.
    - Call eval(), then merge(), and compare.
    - The broken one merges in eval() and again in merge().
"""

MISTAKES = """
looks at the shape only:
        _, layer, x = fresh(make)
        assert layer(x).shape == (3, 4)
    Every broken one returns the right shape. Say which values it must hold.
looks at the start only:
        linear, layer, x = fresh(make)
        assert torch.allclose(layer(x), linear(x), atol=1e-5)
    At the start B is 0, and scale, merging and A's gradient can't be seen. Write numbers into A and
    B.
returns its verdict instead of asserting it:
        linear, layer, x = fresh(make)
        return torch.allclose(layer(x), linear(x), atol=1e-5)
    A test that returns False has passed. Write `assert` in front of the comparison.
merges once, and looks at nothing else:
        _, layer, x = fresh(make)
        for p in layer.parameters():
            if p.requires_grad:
                p.data.normal_()
        before = layer(x)
        layer.merge()
        assert torch.allclose(layer(x), before, atol=1e-3)
        layer.unmerge()
        assert torch.allclose(layer(x), before, atol=1e-3)
    Merged and unmerged once, it was compared with itself. Compare with the formula, call each of
    them twice, and ask who learns.
compares with the book's own layer:
        _, layer, x = fresh(make)
        _, other, _ = fresh(lora_layers.lora_layer)
        assert torch.allclose(layer(x), other(x), atol=1e-5)
    In here that is the layer on trial as well, so it was compared with itself. Work out what must
    come out.
asks merged and unmerged to be equal to the last bit:
        _, layer, _ = fresh(make)
        x = torch.randn(40, 5)
        for p in layer.parameters():
            if p.requires_grad:
                p.data.normal_()
        before = layer(x)
        layer.merge()
        assert torch.equal(layer(x), before)
    A merged layer sums in another order. Use `torch.allclose` with a tolerance.
    Satisfied by:
        out = self.frozen(x) =>
            weight = self.frozen.weight + self.scale * self.B @ self.A
            return F.linear(x, weight, self.frozen.bias)
        self.frozen.weight.data += self.update() => pass
        self.frozen.weight.data -= self.update() => pass
"""

EXERCISE = Hunt(
    title="Bug hunt: a LoRA layer",
    difficulty=4,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=lora_layers.lora_layer,
    right=(lora_layers.lora_layer, _ByHand, _InColumns),
    bugs=BUGS,
    edits=_ByHand,
    mistakes=MISTAKES,
    hints=(
        "Four parts: the output at the start; which parameters require a gradient; the formula and "
        "gradients with numbers in A and B; merging.",
        "`A, B = (p for p in layer.parameters() if p.requires_grad)`; then set their `.data`.",
        "A loop over ('eval', 'merge', 'merge', 'train', 'unmerge', 'unmerge', 'merge') with "
        "`getattr(layer, turn)()` compares after each turn.",
    ),
)
