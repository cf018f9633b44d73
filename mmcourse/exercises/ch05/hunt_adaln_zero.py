"""Bug hunt: a test that tells a right adaLN-Zero block from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.dit import conditionings
from mmcourse.dit.block import modulate
from mmcourse.dit.conditionings import AdaLNBlock
from mmcourse.exercises.kit import Hunt

STUB = '''
@exercise("ch05.hunt_adaln_zero")
def test_block(block):
    """Assert what is true of a right adaLN-Zero block, and false of a broken one.

    block(dim, heads) makes a module; called as module(x, c) with tokens x (B, T, dim) and a
    condition c (B, dim) it returns (B, T, dim). It holds, for you to use and to change:
    module.attention and module.mlp, its two parts, each called with tokens; and
    module.modulation, a Linear from silu(c) to six vectors (B, 6 dim) in this order: shift, scale
    and gate of the attention, then of the mlp.
    A right one computes h = x + gate attention(norm(x) (1 + scale) + shift), and returns
    h + gate' mlp(norm(h) (1 + scale') + shift'); norm is LayerNorm without weights, eps 1e-6. As it
    is made all six vectors are 0, so it returns x, and yet its gates have gradients.
    Pass on every right one, and fail with an AssertionError on each broken one; a crash does not
    count. In here `mmcourse.dit.AdaLNZeroBlock` is the one on trial too, so don't compare with it.
    """
    raise NotImplementedError
'''

Make = Callable[..., Any]


def reference_test(block: Make) -> None:
    """The identity at the start, gates that learn, and the formula with six different vectors."""
    dice = torch.Generator().manual_seed(0)
    x, c = 2 + 3 * torch.randn(2, 3, 8, generator=dice), torch.randn(2, 8, generator=dice)
    module = block(8, 2)
    assert torch.equal(module(x, c), x)
    (module(x, c) * torch.randn(2, 3, 8, generator=dice)).sum().backward()
    slope = module.modulation.weight.grad
    assert slope is not None
    gates = slope.unflatten(0, (6, 8))
    assert bool(gates[2].any())
    assert bool(gates[5].any())
    with torch.no_grad():
        module.modulation.weight.copy_(torch.randn(48, 8, generator=dice))
        module.modulation.bias.copy_(torch.randn(48, generator=dice))
        a, b, g, d, e, k = module.modulation(F.silu(c))[:, None].chunk(6, -1)
        h = x + g * module.attention(F.layer_norm(x, (8,), eps=1e-6) * (1 + b) + a)
        wanted = h + k * module.mlp(F.layer_norm(h, (8,), eps=1e-6) * (1 + e) + d)
        assert torch.allclose(module(x, c), wanted, rtol=1e-4, atol=1e-4)


def batch() -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(2)
    return torch.randn(2, 3, 8, generator=dice), torch.randn(2, 8, generator=dice)


class _Block(AdaLNBlock):
    """The one that the broken ones are edits of."""

    vectors = 6

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__(dim, heads, mlp_ratio)
        for parameter in self.modulation.parameters():
            nn.init.zeros_(parameter)

    def told(self, condition: Tensor) -> Tensor:
        return self.modulation(F.silu(condition))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        a, b, c, d, e, f = self.told(condition)[:, None].chunk(6, -1)
        norm = modulate
        heard = c * self.attention(norm(x, a, b))
        x = x + heard
        return x + f * self.mlp(norm(x, d, e))


class _Unrolled(_Block):
    """With the norm written out and the six vectors as one tensor."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        six = self.told(condition).reshape(len(x), 6, 1, -1)
        for part, at in ((self.attention, 0), (self.mlp, 3)):
            shift, scale, gate = six[:, at], six[:, at + 1], six[:, at + 2]
            n = (x - x.mean(-1, keepdim=True)) * (
                x.var(-1, keepdim=True, unbiased=False) + 1e-6
            ).rsqrt()
            x = x + part(n + n * scale + shift) * gate
        return x


BUGS = """
initialised once more, after the zeros:
        nn.init.zeros_(parameter) => nn.init.normal_(parameter, std=0.2)
    - Missed: something about the block as it is made.
    - What does a new block return for tokens x?
    - A new block is the identity. In the broken one an initialisation of all Linear layers came
      after the zeros.
1 + forgotten: norm = modulate => norm = lambda x, shift, scale: modulate(x, shift, scale - 1)
    - Missed: something about the scale.
    - Set the modulation's weight and bias to random numbers, and compute by hand.
    - norm(x) (1 + scale) + shift. The broken one multiplies by the scale alone.
no SiLU before the six vectors: F.silu(condition) => condition
    - Missed: something about how the condition is heard.
    - Does c itself go into the modulation? Try a c with negative numbers, and weights.
    - The six vectors are modulation(silu(c)). The broken one leaves the SiLU out.
no norm: norm = modulate => norm = lambda x, shift, scale: x * (1 + scale) + shift
    - Missed: something that tokens of mean 0 and deviation 1 hardly show.
    - Give tokens with another mean and spread.
    - The token is normalised before it is modulated. The broken one leaves that out.
gates exchanged: a, b, c, d, e, f => a, b, f, d, e, c
    - Missed: something about which of the six vectors is which.
    - Give all six other values, and compute the result by hand.
    - The third vector gates the attention, the sixth the mlp. The broken one exchanges them.
shift and scale exchanged: a, b, c, d, e, f => b, a, c, e, d, f
    - Missed: something about the order of two vectors.
    - Are shift and scale of other values in your test?
    - shift comes before scale. The broken one has them the other way round.
both parts side by side:
        x = x + heard => x, before = x + heard, x
        self.mlp(norm(x, => self.mlp(norm(before,
    - Missed: something about what the mlp sees.
    - Open both gates: does the mlp see what the attention added?
    - The mlp works on h, not on x. The broken one gives x to both.
the first row's condition for all: F.silu(condition) => F.silu(condition[:1].expand_as(condition))
    - Missed: something that one row can't show.
    - Give two rows with different conditions, and weights that are not 0.
    - Row i is modulated by c[i]. The broken one uses c[0] for all.
gates that can't learn:
        heard = c * => heard = c.detach() *
        x + f * => x + f.detach() *
    - Missed: something that no value shows.
    - Call backward on a new block's output: which gradients does the modulation get?
    - At the start the gates, and only they, have gradients. In the broken one they are detached, so
      that it stays the identity for ever.
nothing is added to what came in: x + heard => torch.where(c == 0, x, heard)
    - Missed: something about open gates.
    - Open the attention's gate. Is x still in the result?
    - The gated part is added to x. In the broken one it takes x's place.
"""

MISTAKES = """
looks at the shape, or at a block that is silent:
        x, c = batch()
        assert block(8, 2)(x, c).shape == x.shape
    Every broken one returns the right shape, and where the gates are 0, as for a condition of
    zeros, the right numbers. Say what must come out of a random condition.
returns its verdict instead of asserting it:
        x, c = batch()
        return torch.equal(block(8, 2)(x, c), x)
    A test that returns False has passed. Write `assert` in front of the comparison.
the start only:
        x, c = batch()
        assert torch.equal(block(8, 2)(x, c), x)
    With all gates at 0 nearly every block is the identity. Fill the modulation's weight and bias
    with random numbers, and compute what must come out.
compares with the book's own block:
        x, c = batch()
        torch.manual_seed(0)
        mine = block(8, 2)
        torch.manual_seed(0)
        theirs = conditionings.AdaLNZeroBlock(8, 2)
        for made in (mine, theirs):
            torch.nn.init.constant_(made.modulation.weight, 0.3)
        assert torch.allclose(mine(x, c), theirs(x, c))
    In here that is the one on trial as well, so it was compared with itself. Compute by hand, from
    module.attention and module.mlp.
six equal vectors:
        x, c = batch()
        made = block(8, 2)
        torch.nn.init.constant_(made.modulation.bias, 0.5)
        h = x + 0.5 * made.attention(1.5 * F.layer_norm(x, (8,), eps=1e-6) + 0.5)
        wanted = h + 0.5 * made.mlp(1.5 * F.layer_norm(h, (8,), eps=1e-6) + 0.5)
        assert torch.allclose(made(x, c), wanted, atol=1e-5)
        assert torch.equal(block(8, 2)(x, c), x)
    Where shift, scale and gate are the same number none can be taken for another. Give each its
    own, by random weights and biases.
asks for float64:
        x, c = batch()
        found = block(8, 2)(x, c)
        assert found.dtype == torch.float64
    float32 goes in and comes out. A type is not what makes the block right.
    Satisfied by: x + f * => x.double() + f *
"""

EXERCISE = Hunt(
    title="Bug hunt: adaLN-Zero",
    difficulty=4,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=conditionings.AdaLNZeroBlock,
    right=(conditionings.AdaLNZeroBlock, _Block, _Unrolled),
    bugs=BUGS,
    edits=_Block,
    mistakes=MISTAKES,
    hints=(
        "Three parts: a new block returns x; its gates get gradients; the formula, once "
        "module.modulation is filled with random numbers.",
        "`module.modulation(F.silu(c))[:, None].chunk(6, -1)` are the six vectors, (B, 1, dim).",
        "Compute h and the result from module.attention, module.mlp and `F.layer_norm(x, (dim,), "
        "eps=1e-6)`, with tokens of another mean and spread than 0 and 1.",
    ),
)
