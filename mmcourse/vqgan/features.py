"""A network whose features see what matters: the eye of the perceptual loss.

Pretrained VGG features are what the papers compare pictures by. This one learned from StoryWorld's
exact truth instead: for each patch it was asked what is there, whose it is and how it looks. It is
another network than the judge, saw other pictures, and never measures anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.nn.conv import ResidualBlock
from mmcourse.storyworld.world import vocabulary as v

PATCH = 8
"""Side in pixels of a patch that the truth is asked of."""
KINDS = ("sky", "land", "character", "thing", "sign")
"""What a pixel or a patch can belong to."""
QUESTIONS: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    **{f"character.{k}": x for k, x in v.CHARACTER_ATTRIBUTES.items()},
    "thing.kind": v.KINDS,
    "thing.colour": v.COLOURS,
    **{f"scene.{k}": x for k, x in v.SCENE_ATTRIBUTES.items()},
    "scene.style": v.STYLES,
}
"""What is asked of every patch; those about characters and things only where there is one."""


class Features(Pretrained):
    """Four stages of convolutions, at the picture's size, a half, a quarter and an eighth of it.

    Args:
        channels: of the four stages.
    """

    def __init__(self, channels: Sequence[int] = (16, 32, 64, 80)) -> None:
        super().__init__()
        a, b, c, d = channels
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, a, 3, padding=1), nn.SiLU()),
                nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), ResidualBlock(b)),
                nn.Sequential(
                    nn.Conv2d(b, c, 3, stride=2, padding=1), ResidualBlock(c), ResidualBlock(c)
                ),
                nn.Sequential(
                    nn.Conv2d(c, d, 3, stride=2, padding=1), ResidualBlock(d), ResidualBlock(d)
                ),
            ]
        )
        self.near = nn.ModuleList(nn.Conv2d(k, len(KINDS), 1) for k in (b, c))
        self.heads = nn.ModuleDict(
            {name.replace(".", "_"): nn.Conv2d(d, len(x), 1) for name, x in QUESTIONS.items()}
        )
        self.depth = nn.Conv2d(d, 1, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Pictures (B, 3, H, W) in [-1, 1] to four maps, (B, C_i, H / 2^i, W / 2^i), i = 0 to 3.

        Raises:
            ValueError: other channels, or sides that 8 does not divide.
        """
        if pixels.ndim != 4 or pixels.shape[1] != 3 or any(s % PATCH for s in pixels.shape[2:]):
            raise ValueError(
                f"pixels must be (B, 3, H, W) with sides that {PATCH} divides, "
                f"got {tuple(pixels.shape)}: resize the pictures"
            )
        maps = []
        for stage in self.stages:
            pixels = stage(pixels)
            maps.append(pixels)
        return tuple(maps)

    def answer(self, maps: Sequence[Tensor]) -> dict[str, Tensor]:
        """What the maps of `forward` say of each patch, as logits.

        Returns:
            for each of `QUESTIONS` (B, values, H / 8, W / 8); "near.0" and "near.1" the kind at
            half and quarter size; "depth" (B, 1, H / 8, W / 8) in [0, 1].
        """
        out = {name: self.heads[name.replace(".", "_")](maps[3]) for name in QUESTIONS}
        out |= {f"near.{i}": head(maps[i + 1]) for i, head in enumerate(self.near)}
        return {**out, "depth": torch.sigmoid(self.depth(maps[3]))}
