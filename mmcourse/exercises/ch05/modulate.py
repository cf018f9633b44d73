"""Core: adaLN, a norm whose weights the condition computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.dit import block
from mmcourse.exercises.kit import Broken, Task, close, holds, raw, tensor

STUB = '''
@exercise("ch05.modulate")
def modulate(x, shift, scale):
    """Normalise each token, then stretch and move it as the condition says.

    x: (B, T, D).
    shift, scale: (B, 1, D), of the condition of each row.
    Returns (B, T, D): LayerNorm(x) (1 + scale) + shift. The norm is over the last axis, without
    weights of its own, its variance divided by D, with 1e-6 added to it. Gradients flow back.
    """
    raise NotImplementedError
'''


def by_hand(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Mean and variance written out."""
    centred = x - x.sum(-1, keepdim=True) / x.shape[-1]
    variance = (centred**2).sum(-1, keepdim=True) / x.shape[-1]
    return centred / torch.sqrt(variance + 1e-6) * (1 + scale) + shift


def _row(*values: float) -> Tensor:
    return torch.tensor([[values]], dtype=torch.float64)


ZERO = _row(0.0, 0.0)


@holds("the token (3, 7) with nothing asked for: (-1, 1)")
def plain(answer: Any) -> None:
    close(answer(_row(3.0, 7.0), ZERO, ZERO), _row(-1.0, 1.0))


@holds("stretched by 0.5 and moved by 10: (8.5, 11.5)")
def asked_for(answer: Any) -> None:
    close(answer(_row(3.0, 7.0), ZERO + 10, ZERO + 0.5), _row(8.5, 11.5))


@holds("a scale of -1 leaves the shift alone, whatever the token was")
def silenced(answer: Any) -> None:
    shift = raw(2, 1, 4, seed=1)
    close(answer(raw(2, 3, 4, seed=2), shift, 0 * shift - 1), shift.expand(2, 3, 4))


@holds("a token a thousand times as large, moved by a million, is the same token")
def invariant(answer: Any) -> None:
    x, zero = raw(2, 3, 8, seed=6), torch.zeros(2, 1, 8, dtype=torch.float64)
    a, b = (tensor(answer(y, zero, zero), (2, 3, 8)) for y in (x, 1000 * x + 1e6))
    close(b, a, "Without shift and scale it is a norm, and does not see sizes.")


@holds("a token of equal numbers stays finite")
def constant(answer: Any) -> None:
    found = tensor(answer(torch.full((1, 2, 4), 3.0), torch.ones(1, 1, 4), torch.ones(1, 1, 4)))
    if not found.isfinite().all():
        raise Broken("Nothing varies in the token, and the result is not finite.", found, "1")
    close(found, torch.ones(1, 2, 4))


def _probes() -> list[tuple[Any, ...]]:
    """Tokens of one picture, of several, far from 0, and some that hardly vary."""
    forms = ((1, 1, 2), 0, 1.0), ((3, 3, 3), 10, 3.0), ((2, 3, 4), 1, 1e-3), ((2, 3, 4), 0, 1.0)
    found = [
        (at + size * raw(b, t, d, seed=7), raw(b, 1, d, seed=8), raw(b, 1, d, seed=9))
        for (b, t, d), at, size in forms
    ]
    one_sticks_out = raw(1, 2, 96, seed=10) + 60 * torch.eye(96, dtype=torch.float64)[0]
    return [(one_sticks_out, raw(1, 1, 96, seed=11), 20 * raw(1, 1, 96, seed=12)), *found]


def _far_from_0() -> list[tuple[Any, ...]]:
    zero = torch.zeros(2, 1, 8)
    return [((300 + raw(2, 3, 8, seed=13)).float(), zero, zero)]


def _normed(x: Tensor, axes: Any = -1, unbiased: bool = False, eps: float = 1e-6) -> Tensor:
    variance = x.var(axes, keepdim=True, unbiased=unbiased)
    return (x - x.mean(axes, keepdim=True)) / (variance + eps).sqrt()


MISTAKES = """
1 + forgotten: _normed(x) * scale + shift
    scale is how much more than 1: with a scale of 0, which every layer starts from, the token would
    be wiped out.
shift and scale exchanged: _normed(x) * (1 + shift) + scale
    The first vector moves and the second stretches. Published weights have them in this order.
moved before it is stretched: (_normed(x) + shift) * (1 + scale)
    The shift was stretched too. It is added last.
no norm: x * (1 + scale) + shift
    The token was not normalised, so its size decides how much the condition can do.
modulated, then normalised: _normed(x * (1 + scale) + shift)
    The norm comes first: after it, it takes away again what the condition asked for.
normed over the tokens: _normed(x, 1) * (1 + scale) + shift
    The mean was taken over the tokens (dim 1). Each token is normalised by itself, over its D
    numbers.
normed over the whole picture: _normed(x, (1, 2)) * (1 + scale) + shift
    One mean for all tokens of a picture: each token is normalised by itself.
no mean taken away: x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * (1 + scale) + shift
    That is RMSNorm: the mean stays in. LayerNorm takes it away first.
another eps: _normed(x, eps=1e-5) * (1 + scale) + shift
    eps is 1e-6 here; the default of F.layer_norm is 1e-5.
the variance divided by D - 1: _normed(x, unbiased=True) * (1 + scale) + shift
    torch's var and std divide by D - 1 unless they are told unbiased=False.
"""

EXERCISE = Task(
    title="adaLN",
    level="core",
    difficulty=1,
    minutes=10,
    stub=STUB,
    reference=block.modulate,
    formula=by_hand,
    cases=_probes,
    ends=_far_from_0,
    mistakes=MISTAKES,
    hints=(
        "`F.layer_norm` without weights is the norm; what are its arguments?",
        "`F.layer_norm(x, x.shape[-1:], eps=1e-6)`, then two operations.",
        "`F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift`.",
    ),
)
