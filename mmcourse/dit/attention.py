"""Attention among patches that know where they stand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.nn import attend
from mmcourse.nn.attention import check_heads


def waves(angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Angles (T, D / 2) as cosines and signed sines (T, D), for `turn`."""
    cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
    return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`nn.rotate` in the type of x: places of patches are small numbers, and bfloat16 is enough.

    Args:
        x: (..., T, D).
        cos: (T, D), of `waves`.
        sin: likewise.
    """
    if torch.is_grad_enabled() and x.requires_grad:
        return _Turned.apply(x, cos, sin)
    return _turned(x, cos, sin)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


class _Turned(torch.autograd.Function):
    """The gradient of a turn is the turn back: autograd's own takes two more passes over memory."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turned(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return turn(grad, cos, -sin), None, None


class PatchAttention(nn.Module):
    """Self-attention of patches that know where they stand, and whose scores cannot run away.

    Queries and keys are brought to one length (QK-norm), so that no product grows with the weights,
    then turned by their places (RoPE), so that it tells how far apart two patches are. Values are
    mixed with those of the first block (value residual): deep blocks still see what came in.

    Sources: Dehghani et al., Scaling Vision Transformers to 22 Billion Parameters, 2023, section 2;
    Su et al., RoFormer, 2021; Zhou et al., Value Residual Learning, 2025, equation 4.

    Args:
        dim: width.
        heads: must divide it.
        mixed: whether to mix in the first block's values; the first block itself does not.
    """

    def __init__(self, dim: int, heads: int, mixed: bool = True) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads = heads
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.to_out = nn.Linear(dim, dim)
        self.q_norm, self.k_norm = (nn.LayerNorm(dim // heads, bias=False) for _ in range(2))
        self.mix = nn.Parameter(torch.tensor([0.5, 0.5])) if mixed else None

    def forward(
        self,
        x: Tensor,
        places: tuple[Tensor, Tensor],
        first: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            x: (B, T, dim).
            places: where the tokens stand, as `waves` (T, head).
            first: (B, heads, T, head), values of the first block.
            mask: (B, 1, 1, T) bool, True where a token may be attended to.

        Returns:
            (B, T, dim), and this block's own values (B, heads, T, head).
        """
        q, k, v = self._parts(x)  # (B, heads, T, head)
        q, k = turn(self.q_norm(q), *places), turn(self.k_norm(k), *places)
        mixed = v
        if first is not None and self.mix is not None:
            share = self.mix.to(v.dtype)
            mixed = share[0] * v + share[1] * first
        out = attend(q, k, mixed, mask)  # (B, heads, T, head)
        return self.to_out(out.transpose(1, 2).flatten(2)), v

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys, values, (B, heads, T, head) each."""
        qkv = self.to_qkv(x).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, head)
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)
