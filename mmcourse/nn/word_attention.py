"""Attention from places to words, whose scores cannot run away."""

from __future__ import annotations

from torch import Tensor, nn

from mmcourse.nn.attention import attend, attention_maps, check_heads


class WordAttention(nn.Module):
    """Cross-attention: places ask, words answer. With QK-norm, without places: a word may be meant
    for any place.

    Source: Chen et al., PixArt-alpha, 2024, section 2.3.

    Args:
        dim: width of the places.
        heads: must divide it.
        words: width of the words.
    """

    def __init__(self, dim: int, heads: int, words: int) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads = heads
        self.to_q = nn.Linear(dim, dim)
        self.to_kv = nn.Linear(words, 2 * dim)
        self.to_out = nn.Linear(dim, dim)
        self.q_norm, self.k_norm = (nn.LayerNorm(dim // heads, bias=False) for _ in range(2))

    def forward(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, dim) over words (B, S, D) with their mask (B, 1, 1, S) to (B, T, dim)."""
        q, k, v = self._parts(x, words)
        out = attend(self.q_norm(q), self.k_norm(k), v, mask)
        return self.to_out(out.transpose(1, 2).flatten(2))

    def maps(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Which words each patch looks at, (B, heads, T, S), each row summing to 1; mask (B, S)."""
        q, k, _ = self._parts(x, words)
        q, k = (t.transpose(1, 2).flatten(2) for t in (self.q_norm(q), self.k_norm(k)))
        return attention_maps(q, k, self.heads, mask)

    def _parts(self, x: Tensor, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q = self.to_q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, head)
        kv = self.to_kv(words).unflatten(-1, (2, self.heads, -1))  # (B, S, 2, heads, head)
        k, v = kv.permute(2, 0, 3, 1, 4).unbind(0)
        return q, k, v
