"""What encoder and decoder are made of: look around, then think about each place."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """A depthwise convolution looks at the neighbours, two linear layers mix the channels of each
    place, and the result is added to the input. For pictures, or with `nn.Conv1d` for sound.

    Beside two full 3x3 convolutions it looks further for a fraction of the multiplications, which
    is what counts where a model is trained without a GPU.

    Source: Liu et al., A ConvNet for the 2020s, 2022.

    Args:
        channels: in and out.
        expansion: how much wider it is between the linear layers.
        size: of the neighbourhood, an odd number.
        convolution: `nn.Conv2d` or `nn.Conv1d`.
    """

    def __init__(
        self,
        channels: int,
        expansion: int = 2,
        size: int = 5,
        convolution: type[nn.Conv1d | nn.Conv2d] = nn.Conv2d,
    ) -> None:
        super().__init__()
        self.around = convolution(channels, channels, size, padding=size // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.wide = nn.Linear(channels, expansion * channels)
        self.narrow = nn.Linear(expansion * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) to the same shape."""
        h = self.around(x).movedim(1, -1)  # (B, ..., C)
        h = self.narrow(F.silu(self.wide(self.norm(h))))
        return x + h.movedim(-1, 1)


class Upsample(nn.Module):
    """Twice the height and width: a convolution writes four neighbours at once.

    Source: Shi et al., Real-Time Single Image and Video Super-Resolution, 2016.

    Args:
        channels: in.
        out_channels: out.
        size: of the convolution; 1 is enough where blocks that look around follow.
    """

    def __init__(self, channels: int, out_channels: int, size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * out_channels, size, padding=size // 2)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, 2 H, 2 W)."""
        return self.shuffle(self.conv(x))
