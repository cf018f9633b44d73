"""From a sentence to what a denoiser looks at: chapter 1's tower, frozen, and two blocks on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmcourse.diffusion.cond import Cond
from mmcourse.hub import weights_hash
from mmcourse.joint import JointModel, TextTower
from mmcourse.nn import TransformerBlock, masked_mean
from mmcourse.storyworld import Tokenizer


class Words(NamedTuple):
    """Texts as the frozen tower reads them.

    features: (B, T, D).
    mask: (B, T) bool, True where there is a word.
    """

    features: Tensor
    mask: Tensor


class TextReader:
    """Chapter 1's text tower, frozen: a vector for each token, never one for the whole text alone.

    One vector for "a red fox and a blue owl" forgets who is red.

    Args:
        tower: reads ids.
        tokenizer: makes them.
        name: what a denoiser's config calls the tower, so that its weights refuse another one.
        longest: tokens that fit, start and end counted.
    """

    def __init__(
        self, tower: TextTower, tokenizer: Tokenizer, name: str = "", longest: int | None = None
    ) -> None:
        self.tower = tower.eval().requires_grad_(False)
        self.tokenizer, self.name = tokenizer, name
        self.longest = min(longest or tower.max_length, tower.max_length)

    @classmethod
    def of_joint(cls, weights: str = "joint", device: str | torch.device = "cpu") -> TextReader:
        """The tower of the shipped model, or of the one in a folder.

        Raises:
            ValueError: weights of another vocabulary.
        """
        model, words = JointModel.from_pretrained(weights, device=device), Tokenizer()
        if model.vocabulary != words.fingerprint:
            raise ValueError(
                f"{weights} was trained on another vocabulary ({model.vocabulary}) than this "
                f"version's ({words.fingerprint}): train it again"
            )
        return cls(model.text_tower, words, weights_hash(weights))

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Words:
        """Texts in the world's words to `Words`.

        Raises:
            ValueError: a word outside the vocabulary, or a text that is too long.
        """
        ids, mask = self.tokenizer.encode(list(texts))
        if ids.shape[1] > self.longest:
            raise ValueError(
                f"a text has {ids.shape[1] - 2} words and marks, at most {self.longest - 2} fit: "
                "shorten it"
            )
        device = self.tower.positions.device
        ids, mask = ids.to(device), mask.to(device)
        return Words(self.tower(ids, mask)[1], mask)

    def check(self, tower: str | None) -> None:
        """Refuse a denoiser that was trained with another tower.

        Raises:
            ValueError: naming both.
        """
        if tower is not None and tower != self.name:
            raise ValueError(
                f"these weights were trained on the words of joint {tower}, here is {self.name}: "
                "load the joint weights that they came with, or train them again"
            )


def check_dropped(dropped: Tensor, rows: int) -> None:
    """Refuse what does not say of each row whether its words are withheld.

    Raises:
        ValueError: not (rows,) bool.
    """
    if tuple(dropped.shape) != (rows,) or dropped.dtype != torch.bool:
        raise ValueError(
            f"dropped must be bool ({rows},), one for each text, got {dropped.dtype} "
            f"{tuple(dropped.shape)}"
        )


class TextCondition(nn.Module):
    """What a denoiser learns to see in the words: two blocks over the frozen tower's tokens.

    A learned null token stands before them. Where the words are dropped, and for an empty text, it
    is all that remains, so no row is ever without a token, over which attention has no mean.

    Args:
        dim: of the tower's tokens, and of those that come out.
        depth: transformer blocks.
        heads: of each.
        mlp_ratio: how much wider their two-layer networks are.
    """

    def __init__(self, dim: int = 128, depth: int = 2, heads: int = 2, mlp_ratio: int = 2) -> None:
        super().__init__()
        self.null = nn.Parameter(0.5 * torch.randn(dim))
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, words: Words, dropped: Tensor | None = None) -> Cond:
        """Read.

        Args:
            words: of B texts.
            dropped: (B,) bool, True where the words are withheld.

        Returns:
            `Cond` with text (B, 1 + T, dim), its mask, and their mean as pooled.

        Raises:
            ValueError: `dropped` that is not (B,) bool.
        """
        features, mask = words
        if self.null.dtype != torch.float32:  # a model that was cast reads a tower that was not
            features = features.to(self.null.dtype)
        if dropped is not None:
            check_dropped(dropped, len(mask))
            mask = mask & ~dropped.to(mask.device)[:, None]
        first = self.null.expand(len(features), 1, -1).to(features.dtype)
        x = torch.cat([first, features], 1)  # (B, 1 + T, dim)
        mask = torch.cat([mask.new_ones(len(mask), 1), mask], 1)  # (B, 1 + T)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        return Cond(text=x, mask=mask, pooled=masked_mean(x, mask))

    def nothing(self, n: int = 1) -> Cond:
        """The condition of n empty texts: the null token alone."""
        features = self.null.new_zeros(n, 0, len(self.null))
        return self(Words(features, features.new_zeros(n, 0, dtype=torch.bool)))
