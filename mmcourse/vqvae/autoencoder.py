"""A picture to a grid of code numbers, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.training import evaluating
from mmcourse.vqvae.blocks import Block, Upsample
from mmcourse.vqvae.ema import EMAVectorQuantizer
from mmcourse.vqvae.fsq import FSQ
from mmcourse.vqvae.quantizer import CosineQuantizer, Quantized, VectorQuantizer
from mmcourse.vqvae.simvq import SimVQ

QUANTIZERS: dict[str, type[VectorQuantizer] | type[FSQ]] = {
    "vq": VectorQuantizer,
    "ema": EMAVectorQuantizer,
    "cosine": CosineQuantizer,
    "fsq": FSQ,
    "simvq": SimVQ,
}


def halvings(factor: int) -> int:
    """How often a side is halved.

    Raises:
        ValueError: a factor that is no power of 2, or 1.
    """
    if factor < 2 or factor & (factor - 1):
        raise ValueError(f"factor must be 2, 4, 8, 16, ..., got {factor}")
    return factor.bit_length() - 1


class Encoder(nn.Module):
    """Cut into tiles, then look around: (B, C, H, W) to (B, dim, H / factor, W / factor).

    Args:
        dim: width of what is quantised.
        width: channels within.
        factor: 2, 4, 8, ...: the side of a tile, and how much shorter the sides become.
        depth: blocks.
        channels: of the picture.
    """

    def __init__(
        self, dim: int, width: int = 160, factor: int = 4, depth: int = 3, channels: int = 3
    ) -> None:
        super().__init__()
        halvings(factor)
        self.tiles = nn.PixelUnshuffle(factor)
        self.start = nn.Conv2d(channels * factor**2, width, 3, padding=1)
        self.body = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.out = nn.Conv2d(width, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures to vectors."""
        return self.out(self.body(self.start(self.tiles(x))))


class Decoder(nn.Module):
    """The way back: (B, dim, h, w) to (B, channels, factor h, factor w).

    It looks around at the grid's size first, where that is cheap. Then height and width are doubled
    and the channels halved, with two blocks at each size but the picture's own. Arguments as
    `Encoder`'s.
    """

    def __init__(
        self, dim: int, width: int = 160, factor: int = 4, depth: int = 4, channels: int = 3
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(dim, width, 3, padding=1)]
        layers += [Block(width) for _ in range(depth)]
        for _ in range(halvings(factor) - 1):
            layers.append(Upsample(width, width // 2, size=1))
            width //= 2
            layers += [Block(width), Block(width)]
        self.body = nn.Sequential(*layers)
        self.out = Upsample(width, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Codes to pictures."""
        return self.out(self.body(x))


class Autoencoder(Pretrained, nn.Module, ABC):
    """Encoder, quantizer, decoder: what pictures and sounds have in common.

    A subclass sets the three in `__init__`, and says in `check` what it takes.
    """

    encoder: nn.Module
    quantizer: VectorQuantizer | FSQ
    decoder: nn.Module
    sides: int
    """How many indices' axes an example has: 2 for a picture's grid, 1 for a sound."""

    @abstractmethod
    def check(self, x: Tensor) -> None:
        """Refuse what the encoder cannot take.

        Raises:
            ValueError: saying what was got and what is expected.
        """

    def distance(self, drawn: Tensor, x: Tensor) -> Tensor:
        """How far reconstructions (B, C, ...) are from their examples: a scalar, what training
        minimises. Of pictures the mean square."""
        return F.mse_loss(drawn, x)

    def forward(self, x: Tensor) -> tuple[Tensor, Quantized]:
        """Examples (B, C, ...) in [-1, 1] to their reconstructions and what was quantised.

        Raises:
            ValueError: as `check`, and for NaN or infinity.
        """
        found = self.quantize(x)
        return self.decoder(found.codes), found

    def quantize(self, x: Tensor) -> Quantized:
        """Examples to codes, indices and loss; errors as `forward`."""
        self.check(x)
        if not x.isfinite().all():
            raise ValueError("the input holds NaN or infinity; look at where it was read")
        return self.quantizer(self.encoder(x))

    def encode(self, x: Tensor) -> Tensor:
        """Examples (B, C, ...) to indices, in eval mode: (B, H / factor, W / factor) of pictures,
        (B, T / factor) of sounds."""
        with evaluating(self):
            return self.quantize(x).indices

    def decode(self, indices: Tensor) -> Tensor:
        """Indices to examples (B, C, ...), clamped to [-1, 1].

        Raises:
            ValueError: another shape or type, or an index out of range.
        """
        if indices.ndim != 1 + self.sides:
            shape = "(B, h, w)" if self.sides == 2 else "(B, t)"
            raise ValueError(f"indices must be {shape}, got {tuple(indices.shape)}")
        with evaluating(self):
            return self.decoder(self.quantizer.lookup(indices)).clamp(-1, 1)


def pick_quantizer(name: str, options: dict[str, Any] | None) -> VectorQuantizer | FSQ:
    """A quantizer by its name, with these arguments.

    Raises:
        ValueError: an unknown name.
    """
    if name not in QUANTIZERS:
        raise ValueError(f"quantizer {name!r} does not exist; choose one of {list(QUANTIZERS)}")
    return QUANTIZERS[name](**(options or {}))


class VQVAE(Autoencoder):
    """An autoencoder of pictures whose middle is a grid of code numbers.

    Source: van den Oord et al., Neural Discrete Representation Learning, 2017.

    Args:
        quantizer: "vq", "ema", "cosine", "simvq" or "fsq".
        options: arguments of that quantizer, such as {"num_codes": 1024, "dim": 16}.
        width: channels of encoder and decoder.
        factor: how much shorter the grid's sides are: 2, 4, 8, ...
        depth: blocks of the encoder; the decoder has one more at the grid's size.
        channels: of the pictures.
    """

    sides = 2

    def __init__(
        self,
        quantizer: str = "ema",
        options: dict[str, Any] | None = None,
        width: int = 160,
        factor: int = 4,
        depth: int = 3,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.factor, self.channels = factor, channels
        self.quantizer = pick_quantizer(quantizer, options)
        dim = self.quantizer.dim
        self.encoder = Encoder(dim, width, factor, depth, channels)
        self.decoder = Decoder(dim, width, factor, depth + 1, channels)

    def check(self, x: Tensor) -> None:
        """Refuse sides that the factor does not divide, and other channels."""
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"pixels must be (B, {self.channels}, H, W), got {tuple(x.shape)}")
        if x.shape[2] % self.factor or x.shape[3] % self.factor:
            raise ValueError(
                f"the factor {self.factor} does not divide {x.shape[2]} x {x.shape[3]} pixels; "
                "crop or resize the pictures"
            )
