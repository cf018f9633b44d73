"""The autoencoder of the chapter: dense convolutions, and several codes at each of few places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmcourse.nn.conv import ResidualBlock
from mmcourse.training import evaluating
from mmcourse.vqgan.residual import ResidualQuantizer
from mmcourse.vqvae.autoencoder import Autoencoder
from mmcourse.vqvae.blocks import Upsample

TILE = 4
"""Side of the tiles that the encoder begins with."""


class DenseEncoder(nn.Module):
    """Cut into tiles of 4 x 4, then look around at each size.

    Args:
        dim: width of what comes out.
        widths: channels at a quarter of the sides, at an eighth, ...
        depths: residual blocks at each of these sizes.
        channels: of the pictures.
    """

    def __init__(
        self, dim: int, widths: Sequence[int], depths: Sequence[int], channels: int = 3
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(TILE),
            nn.Conv2d(channels * TILE**2, widths[0], 3, padding=1),
        ]
        before = widths[0]
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if i:
                layers += [nn.PixelUnshuffle(2), nn.Conv2d(4 * before, width, 1)]
            layers += [ResidualBlock(width) for _ in range(depth)]
            before = width
        self.body = nn.Sequential(*layers)
        self.out = nn.Sequential(nn.GroupNorm(8, before), nn.SiLU(), nn.Conv2d(before, dim, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, dim, h, w)."""
        return self.out(self.body(x))


class DenseDecoder(nn.Module):
    """The way back, with one more size before the picture's own: half of it.

    Args:
        dim: width of the codes.
        widths: channels at a quarter of the sides, at an eighth, ..., as the encoder's.
        depths: residual blocks at each of these sizes.
        half_width: channels at half of the picture's sides.
        channels: of the pictures.
    """

    def __init__(
        self,
        dim: int,
        widths: Sequence[int],
        depths: Sequence[int],
        half_width: int,
        channels: int = 3,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(dim, widths[-1], 3, padding=1)]
        for i in reversed(range(len(widths))):
            layers += [ResidualBlock(widths[i]) for _ in range(depths[i])]
            layers.append(Upsample(widths[i], widths[i - 1] if i else half_width, size=1))
        layers += [ResidualBlock(half_width), nn.GroupNorm(8, half_width), nn.SiLU()]
        self.body = nn.Sequential(*layers)
        self.out = Upsample(half_width, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, h, w) to (B, channels, H, W)."""
        return self.out(self.body(x))


class VQGAN(Autoencoder):
    """A VQ-VAE with residual codes on a coarse grid, made to be trained with a critic.

    A picture becomes `levels` codes at each place of a grid whose sides are shorter by `factor`: 8
    with two widths, 16 with three.

    Source: Esser et al., Taming Transformers for High-Resolution Image Synthesis, 2021.

    Args:
        levels: codes at each place.
        quantizer: of each level, "ema", "vq", ...
        options: arguments of that quantizer, such as {"num_codes": 1024, "dim": 32}.
        widths: channels at a quarter of the sides, at an eighth, ...
        depths: the encoder's residual blocks at each of these sizes; the decoder has one more at
            the coarsest.
        half_width: the decoder's channels at half of the sides.
        channels: of the pictures.
    """

    sides = 2

    def __init__(
        self,
        levels: int = 4,
        quantizer: str = "ema",
        options: dict[str, Any] | None = None,
        widths: Sequence[int] = (96, 128),
        depths: Sequence[int] = (1, 1),
        half_width: int = 48,
        channels: int = 3,
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(depths):
            raise ValueError(f"one depth for each width, got {list(widths)} and {list(depths)}")
        self.channels, self.factor = channels, TILE * 2 ** (len(widths) - 1)
        self.quantizer = ResidualQuantizer(levels, quantizer, options)  # type: ignore[assignment]
        dim, deeper = self.quantizer.dim, [*depths[:-1], depths[-1] + 1]
        self.encoder = DenseEncoder(dim, widths, depths, channels)
        self.decoder = DenseDecoder(dim, widths, deeper, half_width, channels)

    @property
    def last(self) -> nn.Parameter:
        """The weight of the decoder's last layer, where reconstruction and critic are weighed."""
        return self.decoder.out.conv.weight  # type: ignore[return-value, union-attr]

    def check(self, x: Tensor) -> None:
        """Refuse sides that the factor does not divide, and other channels."""
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"pixels must be (B, {self.channels}, H, W), got {tuple(x.shape)}")
        if x.shape[2] % self.factor or x.shape[3] % self.factor:
            raise ValueError(
                f"the factor {self.factor} does not divide {x.shape[2]} x {x.shape[3]} pixels; "
                "crop or resize the pictures"
            )

    def decode(self, indices: Tensor) -> Tensor:
        """Indices (B, h, w, L) to pictures (B, C, H, W), clamped to [-1, 1]; with the first levels
        alone a coarser one.

        Raises:
            ValueError: another shape or type, or an index out of range.
        """
        if indices.ndim != 4:
            raise ValueError(f"indices must be (B, h, w, levels), got {tuple(indices.shape)}")
        with evaluating(self):
            return self.decoder(self.quantizer.lookup(indices)).clamp(-1, 1)
