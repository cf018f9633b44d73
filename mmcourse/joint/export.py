"""The two towers as a page calls them: word ids to vectors, and pictures to vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.export import Part
from mmcourse.joint.model import JointModel
from mmcourse.storyworld import caption, sample_scene
from mmcourse.storyworld.language.tokenizer import Tokenizer


class TextEncoder(nn.Module):
    """`JointModel.encode_text` as a module."""

    def __init__(self, model: JointModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (B, T) int64 and mask (B, T) bool to unit vectors (B, D)."""
        return self.model.encode_text(ids, mask)


class ImageEncoder(nn.Module):
    """`JointModel.encode_image` as a module."""

    def __init__(self, model: JointModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Pictures (B, 3, size, size) in [-1, 1] to unit vectors (B, D)."""
        return self.model.encode_image(pixels)


def joint_parts(model: JointModel) -> list[Part]:
    """`text` and `image`, checked on held-out captions of several lengths and on noise."""
    tokenizer = Tokenizer()
    texts = [caption(sample_scene("test", i)) for i in range(24)]
    captions = [tokenizer.encode(texts[:3]), tokenizer.encode(texts[:1]), tokenizer.encode(texts)]
    dice = torch.Generator().manual_seed(0)
    side = model.image_tower.size
    pictures = [2 * torch.rand(b, 3, side, side, generator=dice) - 1 for b in (2, 1, 5)]
    free = {0: "batch", 1: "tokens"}
    return [
        Part("text", TextEncoder(model), ("ids", "mask"), "vectors", (free, free), captions),
        Part("image", ImageEncoder(model), ("pixels",), "vectors", ({0: "batch"},),
             [(p,) for p in pictures]),
    ]  # fmt: skip
