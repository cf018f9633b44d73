"""Two towers and one space, and on top of them an encoder that reads while it looks."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.joint.fused import FusedEncoder
from mmcourse.joint.towers import ImageTower, TextTower

MAX_LOG_SCALE = math.log(100)


class JointModel(Pretrained, nn.Module):
    """A text tower and an image tower, each followed by a projection into the joint space.

    Before it, each number is standardised over the batch (Ioffe & Szegedy, Batch Normalization,
    2015). What all texts, or all pictures, have in common would otherwise drown what tells them
    apart: untrained towers point all their vectors the same way.

    Vectors of the joint space are made of each input alone, so a million of them can be stored and
    searched. The fused encoder needs both at once; it is slower and sees more.

    Args:
        vocab_size: number of word ids.
        size: side of the pictures in pixels.
        dim: width of both towers.
        text_depth: transformer blocks that read.
        image_depth: transformer blocks that look.
        joint_dim: dimension of the joint space.
        vocabulary: fingerprint of the tokenizer, so that weights refuse other words.
        fused_depth: looks of the fused encoder on top; 0 for the towers alone.
    """

    fused: FusedEncoder | None

    def __init__(
        self,
        vocab_size: int,
        size: int = 64,
        dim: int = 128,
        text_depth: int = 2,
        image_depth: int = 2,
        joint_dim: int = 128,
        vocabulary: str | None = None,
        fused_depth: int = 0,
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.text_tower = TextTower(vocab_size, dim, text_depth)
        self.image_tower = ImageTower(size, dim, image_depth)
        self.text_scaling = nn.BatchNorm1d(dim, affine=False)
        self.image_scaling = nn.BatchNorm1d(dim, affine=False)
        self.text_projection = nn.Linear(dim, joint_dim, bias=False)
        self.image_projection = nn.Linear(dim, joint_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # in logarithms
        self.fused = FusedEncoder(vocab_size, dim, fused_depth) if fused_depth else None

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (B, T) int64 and mask (B, T) bool to unit vectors (B, joint_dim)."""
        return self.project_text(self.text_tower(ids, mask)[0])

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Pictures (B, 3, size, size) in [-1, 1] to unit vectors (B, joint_dim)."""
        return self.project_image(self.image_tower(pixels)[0])

    def project_text(self, pooled: Tensor) -> Tensor:
        """(B, dim), the first result of `text_tower`, to unit vectors (B, joint_dim)."""
        return F.normalize(self.text_projection(self.text_scaling(pooled)), dim=-1)

    def project_image(self, pooled: Tensor) -> Tensor:
        """(B, dim), the first result of `image_tower`, to unit vectors (B, joint_dim)."""
        return F.normalize(self.image_projection(self.image_scaling(pooled)), dim=-1)

    def forward(self, ids: Tensor, mask: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Text vectors (B, D), picture vectors (B, D), and the scale of their logits (scalar)."""
        return self.encode_text(ids, mask), self.encode_image(pixels), self.logit_scale.exp()

    def fuse(self, ids: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """Read each text while looking at one picture.

        Args:
            ids: (B, T) int64.
            mask: (B, T) bool.
            cells: (B, S, dim), the second result of `image_tower`, a picture for each text.

        Returns:
            (B, T, dim), the words with what they have seen; see `FusedEncoder`.

        Raises:
            ValueError: the model has towers only.
        """
        _, words = self.text_tower(ids, mask)
        return self.reader(words, mask, cells)

    @property
    def reader(self) -> FusedEncoder:
        """The fused encoder.

        Raises:
            ValueError: the model has towers only.
        """
        if self.fused is None:
            raise ValueError("this model has two towers only; build it with fused_depth=2")
        return self.fused

    def match(self, ids: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """(B,): logits of "text i is true of picture i"; arguments as in `fuse`."""
        return self.reader.match(self.fuse(ids, mask, cells), mask)

    def name(self, fused: Tensor) -> Tensor:
        """What `fuse` returns, or some of it (..., dim), to logits (..., V): which word stood here.

        Raises:
            ValueError: the model has towers only.
        """
        return self.reader.name(fused, self.text_tower.words.weight)

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """Keep the scale in [1, 100]; call it after each optimiser step."""
        self.logit_scale.clamp_(0.0, MAX_LOG_SCALE)
