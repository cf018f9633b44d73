"""Two towers and one space: texts and pictures as unit vectors that can be compared."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.joint.towers import ImageTower, TextTower

MAX_LOG_SCALE = math.log(100)


class JointModel(Pretrained, nn.Module):
    """A text tower and an image tower, each followed by a projection into the joint space.

    Args:
        vocab_size: number of word ids.
        size: side of the pictures in pixels.
        dim: width of both towers.
        text_depth: transformer blocks that read.
        image_depth: transformer blocks that look.
        joint_dim: dimension of the joint space.
        max_length: longest text, in tokens.
        vocabulary: fingerprint of the tokenizer, so that weights refuse other words.
    """

    def __init__(
        self,
        vocab_size: int,
        size: int = 64,
        dim: int = 128,
        text_depth: int = 2,
        image_depth: int = 2,
        joint_dim: int = 128,
        max_length: int = 128,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.text_tower = TextTower(vocab_size, dim, text_depth, max_length=max_length)
        self.image_tower = ImageTower(size, dim, image_depth)
        self.text_projection = nn.Linear(dim, joint_dim, bias=False)
        self.image_projection = nn.Linear(dim, joint_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # in logarithms

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (B, T) int64 and mask (B, T) bool to unit vectors (B, joint_dim)."""
        pooled, _ = self.text_tower(ids, mask)
        return F.normalize(self.text_projection(pooled), dim=-1)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Pictures (B, 3, size, size) in [-1, 1] to unit vectors (B, joint_dim)."""
        pooled, _ = self.image_tower(pixels)
        return F.normalize(self.image_projection(pooled), dim=-1)

    def forward(self, ids: Tensor, mask: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Text vectors (B, D), picture vectors (B, D), and the scale of their logits (scalar)."""
        return self.encode_text(ids, mask), self.encode_image(pixels), self.logit_scale.exp()

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """Keep the scale in [1, 100]; call it after each optimiser step."""
        self.logit_scale.clamp_(0.0, MAX_LOG_SCALE)
