"""The fused encoder: it reads a caption while it looks at the picture."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
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
    """Reads the towers' tokens several times, with two heads: does the text fit, and which word was
    here?

    One block does all the readings, each on what the last has found (Dehghani et al., Universal
    Transformers, 2019): a second look costs time but no weights.

    A caption is true of a picture if each of its words is. So the matching head gives every word a
    *doubt*, and the caption's logit is minus the log-sum-exp of the doubts, a soft maximum: one
    doubtful word is enough. Which one doubts is up to them, since they read each other. A hidden
    word is named by its likeness to the embeddings of all words, which the text tower has already.

    Args:
        vocab_size: number of word ids.
        dim: width of the towers' tokens.
        depth: how often the words look at the picture.
        heads: number of attention heads.
    """

    def __init__(self, vocab_size: int, dim: int = 128, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.depth = depth
        self.block = FusedBlock(dim, heads)
        self.norm = nn.LayerNorm(dim)
        self.doubt = nn.Linear(dim, 1)
        self.to_word = nn.Linear(dim, dim)
        self.word_bias = nn.Parameter(torch.zeros(vocab_size))
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
        for _ in range(self.depth):
            words = self.block(words, mask, cells)
        return self.norm(words)

    def doubts(self, fused: Tensor, mask: Tensor) -> Tensor:
        """(B, T, dim) to (B, T): how little each word fits the picture; -inf in the padding."""
        return self.doubt(fused).squeeze(-1).masked_fill(~mask, -torch.inf)

    def match(self, fused: Tensor, mask: Tensor) -> Tensor:
        """(B, T, dim) to (B,): logits of "this text is true of this picture"."""
        return -self.doubts(fused, mask).float().logsumexp(1)

    def name(self, fused: Tensor, embeddings: Tensor) -> Tensor:
        """(..., dim), and the embeddings (V, dim) of all words, to logits (..., V): which word
        stood here.

        Source: Press & Wolf, Using the Output Embedding to Improve Language Models, 2017, scaled as
        attention is.
        """
        scaled = self.to_word(fused) / math.sqrt(embeddings.shape[1])
        return F.linear(scaled, embeddings, self.word_bias)

    def maps(self, words: Tensor, mask: Tensor, cells: Tensor) -> list[Tensor]:
        """For each look (B, heads, T, S): where in the picture each word looks."""
        found = []
        for _ in range(self.depth):
            found.append(self.block.look.maps(words, cells))
            words = self.block(words, mask, cells)
        return found
