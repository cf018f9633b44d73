"""PatchGAN: a critic that gives each patch of a picture a logit of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mmcourse.hub import Pretrained

SLOPE = 0.2
"""Of the leaky ReLUs, below 0."""
SPREAD = 0.02
"""Standard deviation of the weights at the start."""


class PatchDiscriminator(Pretrained):
    """Convolutions of 4x4 that end in a map of logits: is this patch real?

    Two strided convolutions see patches of 34 pixels, which suits pictures of 64; three see 70,
    which is pix2pix's. Nothing mixes the pictures of a batch: there is no batch norm, whose means
    would tell real batches from drawn ones.

    Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017;
    spectral norm: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.

    Args:
        width: channels after the first convolution; each strided one after it doubles them.
        strided: how many convolutions halve the sides.
        spectral: whether each weight, laid flat, is divided by its largest singular value: a layer
            then stretches a difference by at most 4 / stride, however far it is trained.
        channels: of the pictures.
    """

    def __init__(
        self, width: int = 48, strided: int = 2, spectral: bool = True, channels: int = 3
    ) -> None:
        super().__init__()
        if strided < 1:
            raise ValueError(f"strided must be at least 1, got {strided}")
        self.channels, self.least = channels, 3 * 2**strided
        wide = [channels, *(width * 2**i for i in range(strided + 1))]
        convolutions = [
            *(nn.Conv2d(wide[i], wide[i + 1], 4, stride=2, padding=1) for i in range(strided)),
            nn.Conv2d(wide[-2], wide[-1], 4, padding=1),
            nn.Conv2d(wide[-1], 1, 4, padding=1),
        ]
        layers: list[nn.Module] = []
        for conv in convolutions:
            nn.init.normal_(conv.weight, std=SPREAD)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            layers += [spectral_norm(conv) if spectral else conv, nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*layers[:-1])  # the last layer's logits stay as they are

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [-1, 1] to logits (B, 1, h, w), one for each patch.

        Raises:
            ValueError: other channels, or a picture with no whole patch.
        """
        if x.ndim != 4 or x.shape[1] != self.channels or min(x.shape[2:]) < self.least:
            raise ValueError(
                f"pixels must be (B, {self.channels}, H, W) with sides of at least {self.least}, "
                f"got {tuple(x.shape)}"
            )
        return self.body(x)


def convolutions_of(model: nn.Module) -> list[nn.Conv2d]:
    """The convolutions of a model whose layers follow one another, in their order."""
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]


def receptive_field(layers: nn.Module | Iterable[Sequence[int]]) -> int:
    """How many pixels wide is what one output sees of the input.

    A layer of kernel k widens the field by k - 1 steps, and a step is as long as all strides before
    it together: r ← r + (k - 1) j, then j ← j s.

    Source: Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, 2019.

    Args:
        layers: (kernel, stride) of each layer from the input on, or a model whose convolutions
            follow one another.

    Returns:
        The side of the square, in pixels.
    """
    if isinstance(layers, nn.Module):
        layers = [(conv.kernel_size[0], conv.stride[0]) for conv in convolutions_of(layers)]
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field
