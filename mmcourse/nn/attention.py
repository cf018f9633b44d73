"""Multi-head attention: each query takes a weighted mean of the values it finds relevant."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def split(x: Tensor, heads: int) -> Tensor:
    """(B, T, D) to (B, heads, T, D / heads): neighbouring numbers go to one head."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attention_maps(query: Tensor, key: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Where each query looks: softmax(q k^T / sqrt(d)) in each head.

    Source: Vaswani et al., Attention Is All You Need, 2017, equation 1.

    Args:
        query: (B, T, D).
        key: (B, S, D).
        heads: number of heads, each with D / heads neighbouring numbers of every vector.
        mask: (B, S) bool, True where a key may be looked at; each row needs at least one.

    Returns:
        (B, heads, T, S), 0 or more; each row sums to 1.
    """
    q, k = split(query, heads), split(key, heads)  # (B, heads, T or S, D / heads)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # (B, heads, T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None, :], -torch.inf)
    return scores.softmax(-1)


LONGEST_BY_HAND = 512
"""Up to so many keys, bfloat16 on a CPU is faster as two products and a softmax."""


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """softmax(q k^T / sqrt(d)) v, by whichever way is faster: all attention of the course.

    That is PyTorch's fused kernel but in one case: in bfloat16 on a CPU two matrix products with a
    softmax between them take less time, as long as the (T, S) scores stay in the cache.

    Source: Vaswani et al., Attention Is All You Need, 2017, equation 1.

    Args:
        q: (B, heads, T, d).
        k: (B, heads, S, d).
        v: (B, heads, S, e).
        mask: bool, broadcast to (B, heads, T, S), True where a key may be attended to; each row
            needs at least one.
        causal: whether a query sees no key that stands behind its own place.

    Returns:
        (B, heads, T, e).
    """
    if causal and mask is not None:
        mask, causal = mask & _before(q, k), False
    if not (_is_bfloat16_on_a_cpu(q) and k.shape[-2] <= LONGEST_BY_HAND):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    scores = q / math.sqrt(q.shape[-1]) @ k.transpose(-1, -2)  # (B, heads, T, S)
    if causal:
        mask = _before(q, k)
    if mask is not None:
        scores = scores + scores.new_zeros(mask.shape).masked_fill(~mask, -torch.inf)
    return scores.softmax(-1) @ v


def _before(q: Tensor, k: Tensor) -> Tensor:
    """(T, S) bool: the lower triangle."""
    return torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()


def _is_bfloat16_on_a_cpu(x: Tensor) -> bool:
    """Whether a product with `x` is computed in bfloat16, by its type or by autocast."""
    if x.device.type != "cpu":
        return False
    if x.dtype == torch.float32 and torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu") == torch.bfloat16
    return x.dtype == torch.bfloat16


def check_heads(dim: int, heads: int) -> None:
    """Refuse heads that cannot share a width.

    Raises:
        ValueError: saying so.
    """
    if heads < 1 or dim % heads:
        raise ValueError(f"dim must be a multiple of heads, got dim={dim} and heads={heads}")


class Attention(nn.Module):
    """Multi-head attention of `x` over itself or, if given, over a context.

    Source: Vaswani et al., Attention Is All You Need, 2017, section 3.2.

    Args:
        dim: width of the queries and of the output.
        heads: number of heads; must divide `dim`.
        context_dim: width of the context (default: `dim`).
    """

    def __init__(self, dim: int, heads: int, context_dim: int | None = None) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads = heads
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(context_dim or dim, dim)
        self.to_v = nn.Linear(context_dim or dim, dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Attend.

        Args:
            x: (B, T, dim) queries.
            context: (B, S, context_dim) keys and values; `x` itself if None.
            mask: (B, S) bool, True where a key may be attended to.

        Returns:
            (B, T, dim).
        """
        source = x if context is None else context
        projected = (self.to_q(x), self.to_k(source), self.to_v(source))
        q, k, v = (split(t, self.heads) for t in projected)  # (B, heads, T or S, head)
        allowed = None if mask is None else mask[:, None, None, :]  # (B, 1, 1, S)
        out = attend(q, k, v, allowed)  # (B, heads, T, head)
        return self.to_out(out.transpose(1, 2).flatten(2))  # (B, T, dim)

    def maps(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Where each query looks: the weights that `forward` takes its means with, to be drawn.

        Args:
            x: as in `forward`, as are the others.
            context: keys and values.
            mask: True where a key may be attended to.

        Returns:
            (B, heads, T, S), 0 or more; each row sums to 1.
        """
        source = x if context is None else context
        return attention_maps(self.to_q(x), self.to_k(source), self.heads, mask)
