"""The fused encoder: it reads a caption while it looks at the picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.joint.cross_attention import CrossModalAttention
from mmcourse.nn import TransformerBlock


class FusedBlock(nn.Module):
    """Words look at the picture, then at each other, then each thinks for itself.

    Args:
        dim: width.
        heads: number of attention heads, in either attention.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.look = CrossModalAttention(dim, heads)
        self.read = TransformerBlock(dim, heads)

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """words (B, T, dim), mask (B, T) bool, cells (B, S, dim) to words (B, T, dim)."""
        return self.read(self.look(words, cells), mask)


class FusedEncoder(nn.Module):
    """Blocks over the towers' tokens, with two heads: does the text fit, and which word was here?

    A caption is true of a picture if each of its words is. So the matching head gives every word a
    *doubt*, and the caption's logit is minus the log-sum-exp of the doubts, a soft maximum: one
    wrong word is enough, and one can see which.

    Args:
        vocab_size: number of word ids.
        dim: width of the towers' tokens.
        depth: number of fused blocks.
        heads: number of attention heads.
    """

    def __init__(self, vocab_size: int, dim: int = 128, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FusedBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.doubt = nn.Linear(dim, 1)
        self.word = nn.Linear(dim, vocab_size)
        nn.init.constant_(self.doubt.bias, -4.0)  # about even odds for forty words at first

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """Fuse.

        Args:
            words: (B, T, dim), the text tower's tokens.
            mask: (B, T) bool, True where there is a word.
            cells: (B, S, dim), the image tower's tokens of the pictures that are asked about.

        Returns:
            (B, T, dim), each word with what it has seen.
        """
        for block in self.blocks:
            words = block(words, mask, cells)
        return self.norm(words)

    def doubts(self, fused: Tensor, mask: Tensor) -> Tensor:
        """(B, T, dim) to (B, T): how little each word fits the picture; -inf in the padding."""
        return self.doubt(fused).squeeze(-1).masked_fill(~mask, -torch.inf)

    def match(self, fused: Tensor, mask: Tensor) -> Tensor:
        """(B, T, dim) to (B,): logits of "this text is true of this picture"."""
        return -self.doubts(fused, mask).float().logsumexp(1)

    def maps(self, words: Tensor, mask: Tensor, cells: Tensor) -> list[Tensor]:
        """For each block (B, heads, T, S): where in the picture each word looks."""
        found = []
        for block in self.blocks:
            assert isinstance(block, FusedBlock)
            found.append(block.look.maps(words, cells))
            words = block(words, mask, cells)
        return found
