"""The pre-norm transformer block."""

from __future__ import annotations

from torch import Tensor, nn

from mmcourse.nn.attention import Attention


class TransformerBlock(nn.Module):
    """Self-attention, then a two-layer network, each added to what came in.

    Normalising before each part rather than after it (Xiong et al., On Layer Normalization in the
    Transformer Architecture, 2020) lets it train without a long warm-up.
    """

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, mlp_ratio * dim), nn.GELU(), nn.Linear(mlp_ratio * dim, dim)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, dim) to (B, T, dim); mask (B, T) bool, True = attend."""
        x = x + self.attention(self.norm1(x), mask=mask)
        return x + self.mlp(self.norm2(x))
