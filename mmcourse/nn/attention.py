"""Multi-head attention: each query takes a weighted mean of the values it finds relevant."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


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
        if dim % heads:
            raise ValueError(f"dim must be a multiple of heads, got dim={dim} and heads={heads}")
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
        context = x if context is None else context
        q, k, v = (
            self._split(project(source))  # (B, heads, T or S, head)
            for project, source in ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        )
        allowed = None if mask is None else mask[:, None, None, :]  # (B, 1, 1, S)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)  # (B, heads, T, head)
        return self.to_out(out.transpose(1, 2).flatten(2))  # (B, T, dim)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
