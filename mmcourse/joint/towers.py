"""The two towers: one reads captions, one looks at pictures. They share nothing but a target."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mmcourse.nn import Downsample, ResidualBlock, TransformerBlock, masked_mean


def by_length(mask: Tensor, parts: int | None = None) -> Iterator[tuple[Tensor, int]]:
    """Rows of texts (B, T) in parts of about equal length, so that short ones are not padded to
    the longest: the rows of each part, and the length of its longest text. By default four parts on
    a CPU, and one on a GPU, which would rather read all at once."""
    parts = parts or (4 if mask.device.type == "cpu" else 1)
    lengths = mask.sum(1)
    for rows in lengths.argsort().tensor_split(parts):
        if len(rows):
            yield rows, int(lengths[rows].max())


def check_ids(ids: Tensor, vocab_size: int) -> None:
    """Refuse ids that no word has.

    Raises:
        ValueError: an id out of range.
    """
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < vocab_size:
        raise ValueError(
            f"ids must be 0 to {vocab_size - 1}, got {int(ids.min())} to {int(ids.max())}; "
            "encode with the tokenizer that the weights were trained with"
        )


class TextTower(nn.Module):
    """A small transformer over word ids.

    Args:
        vocab_size: number of word ids.
        dim: width.
        depth: number of transformer blocks.
        heads: number of attention heads.
        max_length: longest text, in tokens.
    """

    def __init__(
        self, vocab_size: int, dim: int = 128, depth: int = 2, heads: int = 4, max_length: int = 128
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.words = nn.Embedding(vocab_size, dim)
        self.positions = nn.Parameter(0.1 * torch.randn(max_length, dim))
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        nn.init.normal_(self.words.weight, std=0.5)  # not drowned by what the blocks add

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Read.

        Args:
            ids: (B, T) int64.
            mask: (B, T) bool, True where there is a word.

        Returns:
            One vector per text (B, dim) and one per token (B, T, dim).

        Raises:
            ValueError: a text longer than `max_length`, an id out of range, or a text without a
                word, which has no mean.
        """
        if ids.shape[1] > self.max_length:
            raise ValueError(f"a text has {ids.shape[1]} tokens, at most {self.max_length} fit")
        if not torch.compiler.is_exporting():  # a graph cannot branch on what ids hold
            check_ids(ids, self.words.num_embeddings)
            if not mask.any(1).all():
                raise ValueError("a row of the mask holds no word: leave that text out")
        x = self.words(ids) + self.positions[: ids.shape[1]]  # (B, T, dim)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        return masked_mean(x, mask), x


class ImageTower(nn.Module):
    """Convolutions down to an 8x8 grid, then transformer blocks over its cells.

    The convolutions see strokes and colours; attention then lets a mouth know whose face it is in.

    Args:
        size: side of the pictures in pixels, a multiple of 8.
        dim: width.
        depth: number of transformer blocks.
        heads: number of attention heads.
    """

    def __init__(self, size: int = 64, dim: int = 128, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        if size % 8:
            raise ValueError(
                f"size must be a multiple of 8, got {size}: draw or resize pictures to "
                f"{-(-size // 8) * 8} pixels"
            )
        self.size = size
        self.stem = nn.Sequential(
            Downsample(3, dim // 4),
            ResidualBlock(dim // 4),
            Downsample(dim // 4, dim // 2),
            ResidualBlock(dim // 2),
            Downsample(dim // 2, dim),
        )
        self.positions = nn.Parameter(0.02 * torch.randn((size // 8) ** 2, dim))
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Look.

        Args:
            pixels: (B, 3, size, size) float in [-1, 1].

        Returns:
            One vector per picture (B, dim) and one per cell (B, (size / 8)², dim).

        Raises:
            ValueError: pictures of another shape.
        """
        if pixels.ndim != 4 or pixels.shape[1:] != (3, self.size, self.size):
            raise ValueError(
                f"pixels must be (B, 3, {self.size}, {self.size}), got {tuple(pixels.shape)}; "
                "resize the pictures and convert them to RGB"
            )
        x = self.stem(pixels).flatten(2).transpose(1, 2)  # (B, cells, dim)
        x = x + self.positions
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return x.mean(1), x
