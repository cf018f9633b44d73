"""Pictures as small maps of numbers: the space that the models of the next chapters draw in.

A picture of 128 x 128 pixels becomes 16 x 16 places of 8 numbers, a twenty-fourth. Nothing is
rounded to a code: with the same networks ten bits a place lose what a judge reads, and diffusion
needs no codes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.processes import gather, mine
from mmcourse.training import evaluating
from mmcourse.vqgan.autoencoder import DenseDecoder, DenseEncoder


class LatentAutoencoder(Pretrained):
    """A continuous autoencoder whose latents have mean 0 and deviation 1 in each channel.

    The last layer of the encoder is a batch normalisation without parameters: noise of a given
    size means the same in each channel, and no network can make it small by making itself large.

    Source: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022.

    Args:
        dim: numbers at each place.
        widths: channels at a quarter of the sides, at an eighth, ...
        depths: the encoder's residual blocks at each of these sizes; the decoder has one more at
            the coarsest.
        half_width: the decoder's channels at half of the sides.
        channels: of the pictures.
    """

    def __init__(
        self,
        dim: int = 8,
        widths: Sequence[int] = (96, 128),
        depths: Sequence[int] = (2, 3),
        half_width: int = 48,
        channels: int = 3,
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(depths):
            raise ValueError(f"one depth for each width, got {list(widths)} and {list(depths)}")
        self.dim, self.channels, self.factor = dim, channels, 4 * 2 ** (len(widths) - 1)
        deeper = [*depths[:-1], depths[-1] + 1]
        self.encoder = DenseEncoder(dim, widths, depths, channels)
        self.norm = nn.BatchNorm2d(dim, affine=False, momentum=0.02)
        self.decoder = DenseDecoder(dim, widths, deeper, half_width, channels)

    @property
    def last(self) -> nn.Parameter:
        """The weight of the decoder's last layer, where reconstruction and critic are weighed."""
        return self.decoder.out.conv.weight  # type: ignore[return-value]

    def check(self, x: Tensor) -> None:
        """Refuse sides that the factor does not divide, other channels, NaN and infinity.

        Raises:
            ValueError: saying what was got and what is expected.
        """
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"pixels must be (B, {self.channels}, H, W), got {tuple(x.shape)}")
        if x.shape[2] % self.factor or x.shape[3] % self.factor:
            raise ValueError(
                f"the factor {self.factor} does not divide {x.shape[2]} x {x.shape[3]} pixels; "
                "crop or resize the pictures"
            )
        if not x.isfinite().all():
            raise ValueError("the pixels hold NaN or infinity; look at where they were read")

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [-1, 1] to latents (B, dim, H / factor, W / factor).

        Where several processes train, the normalisation is by the batch of all.
        """
        raw = self.encoder(x).to(self.norm.running_mean.dtype)  # type: ignore[union-attr]
        return mine(self.norm(gather(raw))) if self.norm.training else self.norm(raw)

    def encode(self, x: Tensor) -> Tensor:
        """Pictures to latents, in eval mode and without gradients; errors as `check`."""
        self.check(x)
        with evaluating(self):
            return self(x)

    def decode(self, z: Tensor) -> Tensor:
        """Latents (B, dim, h, w) to pictures (B, C, factor h, factor w), clamped to [-1, 1].

        Raises:
            ValueError: another shape, or numbers that are not finite.
        """
        if z.ndim != 4 or z.shape[1] != self.dim:
            raise ValueError(f"latents must be (B, {self.dim}, h, w), got {tuple(z.shape)}")
        if not z.isfinite().all():
            raise ValueError("the latents hold NaN or infinity; look at the model that drew them")
        with evaluating(self):
            return self.decoder(z).clamp(-1, 1)

    @torch.no_grad()
    def settle(self, batches: Sequence[Tensor]) -> None:
        """Set mean and variance of the latents to those of these pictures, exactly.

        During training they trail behind the weights, and averaged weights have others.

        Args:
            batches: of pictures (B, C, H, W) in [-1, 1].

        Raises:
            ValueError: no pictures, one place alone, or pictures as `check` refuses them. Mean and
                variance are then what they were.
        """
        if not batches:
            raise ValueError("no pictures to take a mean and a variance of: give a batch or more")
        for x in batches:
            self.check(x)
        kind = self.last.dtype
        with evaluating(self):
            found = [self.encoder(x.to(kind)).float() for x in batches]
        raw = torch.cat([z.movedim(1, -1).flatten(0, 2) for z in found])  # (places, dim)
        if len(raw) < 2:
            raise ValueError(
                f"{len(raw)} place in all, which has no variance: give more or larger pictures"
            )
        self.norm.running_mean.copy_(raw.mean(0))  # type: ignore[union-attr]
        self.norm.running_var.copy_(raw.var(0))  # type: ignore[union-attr]
