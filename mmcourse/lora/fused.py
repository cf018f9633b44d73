"""W x + b + scale B A x in one piece, forward and back.

Written plainly, the update costs more than its few multiplications: one pass over the output to
scale it, one to add it, and in the backward pass two gradients of x to add up. Here the thin
products are accumulated into the large ones by the matrix multiplication itself (`addmm_` with
`alpha`), so no tensor of the layer's size is touched twice, and none is allocated for the update.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


class _LowRankLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, A: Tensor, B: Tensor, scale: float
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (N, in)
        inner = rows @ A.T  # (N, r)
        out = F.linear(rows, weight, bias)  # (N, out)
        out.addmm_(inner, B.T, alpha=scale)
        ctx.save_for_backward(x, weight, A, B, inner)
        ctx.scale = scale
        return out.view(*x.shape[:-1], out.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, A, B, inner = ctx.saved_tensors
        g = gradient.reshape(-1, gradient.shape[-1])  # (N, out)
        through = g @ B  # (N, r)
        dx = dA = dB = None
        if ctx.needs_input_grad[3]:
            dA = (through.T @ x.reshape(-1, x.shape[-1])).mul_(ctx.scale)
        if ctx.needs_input_grad[4]:
            dB = (inner.T @ g).mul_(ctx.scale).T
        if ctx.needs_input_grad[0]:
            dx = (g @ weight).addmm_(through, A, alpha=ctx.scale).view(x.shape)
        return dx, None, None, dA, dB, None


def low_rank_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, A: Tensor, B: Tensor, scale: float
) -> Tensor:
    """x W^T + b + scale x A^T B^T, with gradients to x, A and B; the weight is frozen.

    Args:
        x: (..., in).
        weight: (out, in).
        bias: (out,) or None.
        A: (r, in).
        B: (out, r).
        scale: alpha / r.
    """
    return _LowRankLinear.apply(x, weight, bias, A, B, scale)
