"""Who a portrait shows: a small network that reads a picture of somebody into a vector.

An autoencoder's latents keep a picture as it looks. How far a fox's coat is from the orange of its
name is in there, in the light of that evening and of that style, and nothing says where. A network
that was asked outright who it sees has sorted that out, and what it found can be handed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.nn.conv import ResidualBlock
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import TRAITS

SIDE = 64
"""Of a portrait in pixels."""


class Answers(NamedTuple):
    """What is said of portraits.

    traits: (B, 8), in units of their spread, see `IdentityEncoder.usual`.
    species, colours: (B, values), logits.
    """

    traits: Tensor
    species: Tensor
    colours: Tensor


class IdentityEncoder(Pretrained):
    """Convolutions over a portrait, and one vector of whoever is in it.

        vectors = encoder(portraits)            # (B, 160), to be shown to a `DiT`
        encoder.traits(vectors)                 # (B, 8) in [-1, 1], what they say

    Args:
        channels: of the four stages, which halve the picture each.
        dim: length of the vector.
    """

    usual: Tensor
    spread: Tensor

    def __init__(self, channels: Sequence[int] = (24, 40, 64, 96), dim: int = 160) -> None:
        super().__init__()
        a, b, c, d = channels
        self.dim = dim
        self.body = nn.Sequential(
            nn.Conv2d(3, a, 5, stride=2, padding=2),
            ResidualBlock(a),
            nn.Conv2d(a, b, 3, stride=2, padding=1),
            ResidualBlock(b),
            nn.Conv2d(b, c, 3, stride=2, padding=1),
            ResidualBlock(c),
            ResidualBlock(c),
            nn.Conv2d(c, d, 3, stride=2, padding=1),
            ResidualBlock(d),
            nn.GroupNorm(8, d),
            nn.SiLU(),
        )
        flat = d * (SIDE // 16) ** 2
        self.found = nn.Sequential(nn.Linear(flat, dim), nn.SiLU(), nn.LayerNorm(dim))
        self.heads = nn.ModuleList(
            nn.Linear(dim, n) for n in (len(TRAITS), len(v.SPECIES), len(v.COLOURS))
        )
        self.register_buffer("usual", torch.zeros(len(TRAITS)))
        self.register_buffer("spread", torch.ones(len(TRAITS)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Portraits (B, 3, 64, 64) in [-1, 1] to vectors (B, dim).

        Raises:
            ValueError: another shape, or pixels that are not finite.
        """
        if pixels.ndim != 4 or pixels.shape[1:] != (3, SIDE, SIDE):
            raise ValueError(
                f"portraits must be (B, 3, {SIDE}, {SIDE}) in [-1, 1], got {tuple(pixels.shape)}: "
                "cut somebody out and resize"
            )
        if not pixels.isfinite().all():
            raise ValueError("the portraits hold NaN or infinity: look at what drew them")
        return self.found(self.body(pixels).flatten(1))

    def answer(self, vectors: Tensor) -> Answers:
        """What vectors (B, dim) say when they are asked."""
        return Answers(*(head(vectors) for head in self.heads))

    def traits(self, vectors: Tensor) -> Tensor:
        """What shows of the identities, (B, 8), of vectors (B, dim), see `identity.visible`."""
        return self.usual + self.spread * self.answer(vectors).traits

    def take_as_usual(self, traits: Tensor) -> None:
        """Measure traits from the mean of these (N, 8), in units of their deviation, from now
        on.

        Raises:
            ValueError: fewer than two rows, or numbers that are not finite.
        """
        if len(traits) < 2 or not traits.isfinite().all():
            raise ValueError(
                f"a mean and a deviation need two rows of finite traits or more, got "
                f"{tuple(traits.shape)}"
            )
        self.usual.copy_(traits.mean(0))
        self.spread.copy_(traits.std(0).clamp_min(1e-3))
