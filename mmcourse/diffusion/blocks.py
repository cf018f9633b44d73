"""What a U-Net is made of: a block that knows the time, and one that looks around and at words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.nn import Attention, WordAttention, sincos_positions, zeroed


class TimeBlock(nn.Module):
    """Two dense 3x3 convolutions with the time added between them, added to the input.

    Source: Ho et al., 2020, appendix B (their code); the normalisation before each convolution as
    in He et al., Identity Mappings in Deep Residual Networks, 2016.

    Args:
        channels: in.
        out_channels: out; if they differ, a 1x1 convolution fits the input.
        emb: width of the time's embedding.
        groups: of the normalisation; must divide both widths.
    """

    def __init__(self, channels: int, out_channels: int, emb: int, groups: int = 8) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.time = nn.Linear(emb, out_channels)
        self.norm2 = nn.GroupNorm(groups, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        same = channels == out_channels
        self.skip = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """x (B, channels, H, W) and emb (B, emb) to (B, out_channels, H, W)."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(F.silu(emb))[:, :, None, None].to(h.dtype)
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class Look(nn.Module):
    """A transformer's block on a map: places look at each other, then at the words if there are
    any, and then each thinks for itself. Each is added to what came in.

    A convolution knows where it is by the zeros beyond the border alone. Whoever has to put the fox
    on the left must know better, so every block says where each place is.

    Source: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022,
    appendix E.2.1, in the order of their code; the places as in He et al., Masked Autoencoders Are
    Scalable Vision Learners, 2022.

    Args:
        channels: in and out, a multiple of 4.
        context: width of the words' tokens, None for a model without words.
        head: width of a head; must divide the channels.
    """

    def __init__(self, channels: int, context: int | None = None, head: int = 32) -> None:
        super().__init__()
        if channels % head:
            raise ValueError(f"heads of {head} do not divide {channels} channels")
        self.place = zeroed(nn.Linear(channels, channels, bias=False))
        self.norm1 = nn.LayerNorm(channels)
        self.around = Attention(channels, channels // head)
        self.norm2 = nn.LayerNorm(channels) if context else None
        self.words = WordAttention(channels, channels // head, context) if context else None
        self.norm3 = nn.LayerNorm(channels)
        self.think = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """x (B, C, H, W), context (B, T, D), mask (B, T) bool with True = attend, to (B, C, H, W).

        Raises:
            ValueError: no context, where one is needed.
        """
        height, width = x.shape[2:]
        here = sincos_positions(height, width, x.shape[1]).to(x)  # (H W, C)
        h = x.flatten(2).mT + self.place(here)  # (B, H W, C)
        h = h + self.around(self.norm1(h))
        if self.words is not None and self.norm2 is not None:
            if context is None:
                raise ValueError("this block looks at words: pass a context")
            allowed = None if mask is None else mask[:, None, None]  # (B, 1, 1, T)
            h = h + self.words(self.norm2(h), context, allowed)
        h = h + self.think(self.norm3(h))
        return h.mT.reshape(x.shape)


class Stage(nn.Module):
    """A time block and, where there are few places, a look.

    Args:
        channels: in.
        out_channels: out.
        emb: width of the time's embedding.
        looks: whether there is a look.
        context: width of the words' tokens, None for a model without words.
    """

    def __init__(
        self, channels: int, out_channels: int, emb: int, looks: bool, context: int | None = None
    ) -> None:
        super().__init__()
        self.block = TimeBlock(channels, out_channels, emb)
        self.look = Look(out_channels, context) if looks else None

    def forward(
        self, x: Tensor, emb: Tensor, context: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """x (B, channels, H, W) to (B, out_channels, H, W)."""
        x = self.block(x, emb)
        return x if self.look is None else self.look(x, context, mask)


class Downsample(nn.Module):
    """A convolution with stride 2: half the height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H / 2, W / 2)."""
        return self.conv(x)


class Upsample(nn.Module):
    """Each place four times, then a convolution: twice the height and width, without the chequers
    of a transposed convolution (Odena et al., Deconvolution and Checkerboard Artifacts, 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, 2 H, 2 W)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def last_convolution(channels: int, out_channels: int) -> nn.Sequential:
    """What ends a U-Net. Its convolution starts at 0, so that an untrained denoiser says 0."""
    conv = zeroed(nn.Conv2d(channels, out_channels, 3, padding=1))
    return nn.Sequential(nn.GroupNorm(8, channels), nn.SiLU(), conv)


@contextmanager
def watched(model: nn.Module) -> Iterator[dict[str, float]]:
    """The largest ratio of mean to spread that each GroupNorm meets in this block, by its name.

    In channels_last on a CPU a GroupNorm's error grows with the square of that ratio: 0.05 at 100,
    and from 1,000 on nothing is left. A U-Net should stay below 10.

        with watched(unet) as ratios:
            unet(x, t)
        assert max(ratios.values()) < 10
    """
    ratios: dict[str, float] = {}

    def look(name: str, groups: int) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].detach().float().contiguous().unflatten(1, (groups, -1)).flatten(2)
            ratio = float((x.mean(-1).abs() / x.std(-1).clamp(min=1e-12)).max())
            ratios[name] = max(ratio, ratios.get(name, 0.0))

        return hook

    norms = [(k, m) for k, m in model.named_modules() if isinstance(m, nn.GroupNorm)]
    handles = [m.register_forward_pre_hook(look(k, m.num_groups)) for k, m in norms]
    try:
        with torch.no_grad():
            yield ratios
    finally:
        for handle in handles:
            handle.remove()
