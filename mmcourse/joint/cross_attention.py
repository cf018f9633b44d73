"""Cross-modal attention: words ask, places in the picture answer."""

from __future__ import annotations

from torch import Tensor, nn

from mmcourse.nn import Attention


class CrossModalAttention(nn.Module):
    """Multi-head attention of one modality over another, added to what came in.

    Queries come from the words, keys and values from the cells of the picture: "red" can look at
    the fox. Both are normalised first.

    Source: Li et al., Align before Fuse, 2021, section 3.1, in pre-norm order.

    Args:
        dim: width of the queries and of the output.
        heads: number of heads; must divide `dim`.
        context_dim: width of what is looked at (default: `dim`).
    """

    def __init__(self, dim: int, heads: int = 4, context_dim: int | None = None) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(dim)
        self.norm_context = nn.LayerNorm(context_dim or dim)
        self.attention = Attention(dim, heads, context_dim)

    def forward(self, query: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Look.

        Args:
            query: (B, T, dim), who looks.
            context: (B, S, context_dim), what is looked at.
            mask: (B, S) bool, True where there is something to look at.

        Returns:
            (B, T, dim).
        """
        return query + self.attention(self.norm_query(query), self.norm_context(context), mask)

    def maps(self, query: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, heads, T, S): where each query looks in each head; each row sums to 1."""
        return self.attention.maps(self.norm_query(query), self.norm_context(context), mask)
