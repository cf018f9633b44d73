"""Convolution blocks: the same size, and half the size."""

from __future__ import annotations

from torch import Tensor, nn

from mmcourse.nn.norm import GroupNorm


def zeroed(layer: nn.Module) -> nn.Module:
    """The same layer with all its parameters at 0, so that what it is added to starts unchanged."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to the input (He et al., 2016, in pre-activation order).

    The convolutions are dense: each output sees every channel. That is the work that processors
    with units for bfloat16 do fastest, given `.to(memory_format=torch.channels_last)` on model and
    pictures.

    Args:
        channels: in.
        groups: of the normalisation; must divide both widths.
        out_channels: out (default: `channels`); if they differ, a 1x1 convolution fits the input.
    """

    def __init__(self, channels: int, groups: int = 8, out_channels: int | None = None) -> None:
        super().__init__()
        out = out_channels or channels
        if channels % groups or out % groups:
            raise ValueError(
                f"groups must divide the channels, got {groups} for {channels} in and {out} out"
            )
        self.body = nn.Sequential(
            GroupNorm(groups, channels),
            nn.SiLU(),
            nn.Conv2d(channels, out, 3, padding=1),
            GroupNorm(groups, out),
            nn.SiLU(),
            nn.Conv2d(out, out, 3, padding=1),
        )
        self.skip = nn.Identity() if out == channels else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, out_channels, H, W)."""
        return self.skip(x) + self.body(x)


def residual_stack(channels: int, depth: int, groups: int = 8) -> nn.Sequential:
    """`depth` residual blocks, each of which starts as the identity: its last convolution is 0.

    A deep stack then trains at a high rate from its first step.
    Source: Zhang, Dauphin & Ma, Fixup Initialization, 2019, section 3.
    """
    blocks = [ResidualBlock(channels, groups) for _ in range(depth)]
    for block in blocks:
        zeroed(block.body[-1])
    return nn.Sequential(*blocks)


class Downsample(nn.Module):
    """A strided convolution: half the height and width."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H / 2, W / 2)."""
        return self.conv(x)
