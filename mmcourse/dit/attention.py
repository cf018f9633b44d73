"""The two attentions of a diffusion transformer: among patches, and from patches to words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.nn import attend, attention_maps


def check_heads(dim: int, heads: int) -> None:
    """Refuse heads that cannot share a width.

    Raises:
        ValueError: saying so.
    """
    if heads < 1 or dim % heads:
        raise ValueError(f"dim must be a multiple of heads, got dim={dim} and heads={heads}")


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
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


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


class WordAttention(nn.Module):
    """Cross-attention: patches ask, words answer. With QK-norm, without places: a word may be meant
    for any patch.

    Source: Chen et al., PixArt-alpha, 2024, section 2.3.

    Args:
        dim: width of the patches.
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
