"""Bug hunt: a test that tells a right LoRA layer from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mmcourse.exercises.ch06 import weak_tests_of_layers as weak
from mmcourse.exercises.ch06 import wrong_layers as wrong
from mmcourse.exercises.definition import Hunt, Mutant, Suspect
from mmcourse.lora import layer as lora_layers

STUB = '''
@exercise("ch06.hunt_lora_layer")
def test_lora_layer(make):
    """Assert what is true of a right LoRA layer, and false of a broken one.

    layer = make(linear, rank, alpha) builds the torch module on trial around an nn.Linear.
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


EXERCISE = Hunt(
    id="ch06.hunt_lora_layer",
    title="Bug hunt: a LoRA layer",
    level="bug hunt",
    difficulty=4,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=lora_layers.lora_layer,
    right=(lora_layers.lora_layer, wrong.ByHand, wrong.InColumns),
    suspects=(
        Suspect(
            "both factors start at zero",
            wrong.BothZero,
            (
                "Missed: something that the first output does not show.",
                "Ask for B's gradient at the start.",
                "With A and B at 0 no gradient reaches either, and the layer never learns.",
            ),
        ),
        Suspect(
            "both factors start at random",
            wrong.BothRandom,
            (
                "Missed: something about the very first output.",
                "Compare layer(x) with linear(x) before anything was learned.",
                "The broken one starts with a random B, and spoils the model before the first "
                "step.",
            ),
        ),
        Suspect(
            "alpha is forgotten",
            wrong.NoAlpha,
            (
                "Missed: something about how much the update counts.",
                "Write numbers into A and B and compare with the formula.",
                "The broken one multiplies the update by 1.",
            ),
        ),
        Suspect(
            "the rank is forgotten",
            wrong.NoRank,
            (
                "Missed: something about how the update's strength depends on the rank.",
                "Compare with the formula at a rank other than 1.",
                "The broken one multiplies the update by alpha, not by alpha / rank.",
            ),
        ),
        Suspect(
            "the base learns as well",
            wrong.BaseLearns,
            (
                "Missed: something about who learns.",
                "List the parameters that require a gradient, by shape.",
                "The broken one leaves the wrapped layer trainable.",
            ),
        ),
        Suspect(
            "the bias learns as well",
            wrong.BiasLearns,
            (
                "Missed: something small that learns and should not.",
                "Are there exactly two parameters that require a gradient?",
                "The broken one leaves the bias trainable.",
            ),
        ),
        Suspect(
            "the bias is lost",
            wrong.NoBias,
            (
                "Missed: something that the wrapped layer had.",
                "Give the linear layer a bias.",
                "The broken one computes without the bias.",
            ),
        ),
        Suspect(
            "A never learns",
            wrong.DetachedA,
            (
                "Missed: something about a gradient, once B is no longer 0.",
                "Write numbers into B and ask for both gradients.",
                "In the broken one A is detached.",
            ),
        ),
        Suspect(
            "merged twice, it counts twice",
            wrong.MergedTwice,
            (
                "Missed: something that happens on a second call.",
                "Merge, merge again, and compare.",
                "The broken one adds the update at each call of merge().",
            ),
        ),
        Suspect(
            "unmerged twice, it is taken off twice",
            wrong.UnmergedTwice,
            (
                "Missed: something about going back too often.",
                "Unmerge, unmerge again, and compare.",
                "The broken one subtracts the update at each call of unmerge().",
            ),
        ),
        Suspect(
            "merged, and still added",
            wrong.AddedAndMerged,
            (
                "Missed: something about what a merged layer computes.",
                "Write numbers into A and B, merge once, and compare.",
                "The broken one adds the update though it is in the weight.",
            ),
        ),
        Suspect(
            "what is merged is not what was added",
            wrong.MergesUnscaled,
            (
                "Missed: something about what is put into the weight.",
                "Merge with an alpha that is not the rank, and compare.",
                "The broken one merges B A without alpha / rank.",
            ),
        ),
        Suspect(
            "eval() merges behind everybody's back",
            wrong.MergesInEval,
            (
                "Missed: something about modes.",
                "Call eval(), then merge(), and compare.",
                "The broken one merges in eval() and again in merge().",
            ),
        ),
    ),
    mutants=(
        Mutant(
            "looks at the shape only",
            weak.shape_only,
            "Every broken one returns the right shape. Say which values it must hold.",
        ),
        Mutant(
            "looks at the start only",
            weak.start_only,
            "At the start B is 0, and scale, merging and A's gradient can't be seen. Write numbers "
            "into A and B.",
        ),
        Mutant(
            "returns its verdict instead of asserting it",
            weak.returns,
            "A test that returns False has passed. Write `assert` in front of the comparison.",
        ),
        Mutant(
            "merges once, and looks at nothing else",
            weak.merges_once,
            "Merged and unmerged once, it was compared with itself. Compare with the formula, call "
            "each of them twice, and ask who learns.",
        ),
        Mutant(
            "compares with the book's own layer",
            weak.leans,
            "In here that is the layer on trial as well, so it was compared with itself. Work out "
            "what must come out.",
        ),
        Mutant(
            "asks merged and unmerged to be equal to the last bit",
            weak.exact,
            "A merged layer sums in another order. Use `torch.allclose` with a tolerance.",
            satisfied_by=wrong.Demanding,
        ),
    ),
    hints=(
        "Four parts: the output at the start; which parameters require a gradient; the formula and "
        "gradients with numbers in A and B; merging.",
        "`A, B = (p for p in layer.parameters() if p.requires_grad)`; then set their `.data`.",
        "A loop over ('eval', 'merge', 'merge', 'train', 'unmerge', 'unmerge', 'merge') with "
        "`getattr(layer, turn)()` compares after each turn.",
    ),
)
