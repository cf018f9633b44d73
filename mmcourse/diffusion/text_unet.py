"""The U-Net that draws what a sentence says, in the latents of an autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.schedule import build_path
from mmcourse.diffusion.text import TextCondition, Words
from mmcourse.diffusion.unet import UNet, known
from mmcourse.hub import Pretrained


class TextUNet(Pretrained):
    """A U-Net over latents whose places look at the words of a caption.

        cond = unet.read(reader(["a red fox on the beach"]))       # once a caption
        velocity = unet(x, t, cond)                                # at every step

    Source: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022,
    section 3.3.

    Args:
        shape: of the latents, (channels, height, width).
        widths: channels at each size of the U-Net, each half of the one before.
        depth: blocks at each size, down and up.
        looking: sizes at which places look around and at the words; not the finest, where it costs
            most and serves least.
        middle: looks between the way down and the way up.
        words: width of the frozen tower's tokens.
        objective: what it predicts.
        path: by its name (`build_path`).
        latents: hash of the autoencoder's weights, so that no other latents are decoded.
        tower: hash of the joint weights that read the words.
    """

    def __init__(  # noqa: PLR0913 - the names are those of the config
        self,
        shape: Sequence[int] = (8, 16, 16),
        widths: Sequence[int] = (64, 160),
        depth: int = 1,
        looking: Sequence[int] = (1,),
        middle: int = 4,
        words: int = 128,
        objective: str = "flow",
        path: str = "flow",
        latents: str | None = None,
        tower: str | None = None,
    ) -> None:
        super().__init__()
        self.objective, self.path = known(objective), build_path(path)
        self.shape, self.latents, self.tower = tuple(shape), latents, tower
        self.widths, self.looking = tuple(widths), tuple(looking)
        self.text = TextCondition(words)
        self.net = UNet(shape[0], widths, depth, looking, context=words, middle=middle)

    def read(self, words: Words, dropped: Tensor | None = None) -> Cond:
        """Words of the frozen tower to the condition; `dropped` (B,) withholds them."""
        return self.text(words, dropped)

    def null(self, n: int = 1) -> Cond:
        """The condition of n empty texts, for guidance."""
        return self.text.nothing(n)

    def forward(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
        """x (B, C, H, W) at times t (B,) in [0, 1000] to the same shape; without cond, of an empty
        text."""
        return self.look(x, t, cond)[0]

    def look(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> tuple[Tensor, Tensor]:
        """`forward`, and what the places hold at the finest size at which they look at the words,
        (B, h w, width)."""
        predicted, held = self.net.look(x, t, self.null(len(x)) if cond is None else cond)
        return predicted, held.flatten(2).mT

    @property
    def holds(self) -> int:
        """Width of what the places hold in `look`."""
        return self.widths[min(self.looking)]
