"""The U-Net: down to a few places and up again, with a bridge at every size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcourse.diffusion.blocks import Downsample, Look, Stage, Upsample, last_convolution
from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.objectives import OBJECTIVES, Objective
from mmcourse.diffusion.schedule import build_path
from mmcourse.hub import Pretrained
from mmcourse.nn import TimestepEmbedding


class UNet(nn.Module):
    """A denoiser of maps of numbers: pixels or latents, with words or without.

    On the way down each block's output is kept, and on the way up it is joined, last in first out,
    to what comes from below: blocks going up are as many as those going down, and each is wider by
    its bridge.

    Source: Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation,
    2015; as a denoiser, Ho et al., 2020; with words, Rombach et al., 2022.

    Args:
        channels: of what it denoises.
        widths: channels at each size, each half of the one before.
        depth: blocks at each size, going down and again going up.
        looking: the sizes, by their number from 0, at which places look around and at words.
        emb: width of the time's embedding.
        context: width of the words' tokens; None for a model without words.
        middle: looks at the smallest size, between the way down and the way up. There are fewest
            places there, and depth costs least (Hoogeboom et al., simple diffusion, 2023).
    """

    def __init__(
        self,
        channels: int = 3,
        widths: Sequence[int] = (32, 48, 64),
        depth: int = 1,
        looking: Sequence[int] = (2,),
        emb: int = 128,
        context: int | None = None,
        middle: int = 1,
    ) -> None:
        super().__init__()
        self.channels, self.factor = channels, 2 ** (len(widths) - 1)
        self.finest = min(looking, default=len(widths))  # beyond all sizes: the middle alone
        self.time = TimestepEmbedding(emb, 64)
        self.told = nn.Linear(context, emb, bias=False) if context else None
        self.first = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down, self.smaller = nn.ModuleList(), nn.ModuleList()
        self.up, self.larger = nn.ModuleList(), nn.ModuleList()
        here, bridges = widths[0], []
        for i, width in enumerate(widths):
            blocks = nn.ModuleList()
            for _ in range(depth):
                blocks.append(Stage(here, width, emb, i in looking, context))
                bridges.append(width)
                here = width
            self.down.append(blocks)
            self.smaller.append(Downsample(here) if i + 1 < len(widths) else nn.Identity())
        self.middle = nn.ModuleList(Look(here, context) for _ in range(middle))
        for i, width in reversed(list(enumerate(widths))):
            blocks = nn.ModuleList()
            for _ in range(depth):
                blocks.append(Stage(here + bridges.pop(), width, emb, i in looking, context))
                here = width
            self.up.append(blocks)
            self.larger.append(Upsample(here) if i else nn.Identity())
        self.last = last_convolution(here, channels)

    def check(self, x: Tensor, t: Tensor) -> None:
        """Refuse other channels, sides that don't halve, or times of another number of rows.

        Raises:
            ValueError: saying what was got and what is expected.
        """
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"x must be (B, {self.channels}, H, W), got {tuple(x.shape)}")
        if x.shape[2] % self.factor or x.shape[3] % self.factor:
            raise ValueError(
                f"sides of {x.shape[2]} x {x.shape[3]} cannot be halved that often: give multiples "
                f"of {self.factor}"
            )
        if t.shape != x.shape[:1]:
            raise ValueError(f"t must be ({len(x)},), a time for each row, got {tuple(t.shape)}")

    def forward(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
        """x (B, C, H, W) at times t (B,) in [0, 1000] to what is predicted, (B, C, H, W)."""
        return self.look(x, t, cond)[0]

    def look(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> tuple[Tensor, Tensor]:
        """`forward`, and what places hold on the way up, at the finest size at which they look
        around, (B, width, h, w)."""
        self.check(x, t)
        emb = self.time(t)  # (B, emb)
        text = mask = None
        if self.told is not None and cond is not None:
            text, mask = cond.text, cond.mask
            if cond.pooled is not None:
                emb = emb + self.told(cond.pooled)
        x = self.first(x)
        bridges = []
        for blocks, smaller in zip(self.down, self.smaller):
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x, emb, text, mask)
                bridges.append(x)
            x = smaller(x)
        for block in self.middle:
            x = block(x, text, mask)
        held = x
        for size, blocks, larger in zip(reversed(range(len(self.up))), self.up, self.larger):
            for block in blocks:  # type: ignore[attr-defined]
                x = block(torch.cat([x, bridges.pop()], 1), emb, text, mask)
            held = x if size >= self.finest else held
            x = larger(x)
        return self.last(x), held


class PixelUNet(Pretrained):
    """The unconditional denoiser of small pictures.

    It predicts the picture, not the noise: what is natural lies on few dimensions and noise on all,
    so a small network has the easier task (Li and He, Back to Basics: Let Denoising Generative
    Models Denoise, 2025).

    Args:
        size: side of the pictures in pixels.
        channels: of the pictures.
        widths: as in `UNet`.
        depth: likewise.
        looking: likewise.
        objective: what it predicts.
        path: by its name (`build_path`).
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (32, 48, 64),
        depth: int = 1,
        looking: Sequence[int] = (2,),
        objective: str = "x0",
        path: str = "cosine",
    ) -> None:
        super().__init__()
        self.objective, self.path = known(objective), build_path(path)
        self.shape = (channels, size, size)
        self.net = UNet(channels, widths, depth, looking)

    def forward(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
        """x (B, C, H, W) at times t (B,) in [0, 1000] to the same shape.

        Raises:
            ValueError: a condition, which this model could only ignore.
        """
        if cond is not None and len(cond):
            raise ValueError("this model draws without words: leave cond out, or use text-unet")
        return self.net(x, t)


def known(objective: str) -> Objective:
    """An objective by its name.

    Raises:
        ValueError: there is no such objective.
    """
    for one in OBJECTIVES:
        if one == objective:
            return one
    raise ValueError(f"no objective is called {objective!r}; choose one of {', '.join(OBJECTIVES)}")
