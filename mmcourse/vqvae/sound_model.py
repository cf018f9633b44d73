"""The same quantizer on sound: a wave to a row of code numbers, and back."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.vqvae.autoencoder import Autoencoder, pick_quantizer
from mmcourse.vqvae.blocks import Block

WINDOWS = (64, 256, 1024)
"""Samples of the windows in which two sounds are compared."""


class SoundVQVAE(Autoencoder):
    """An autoencoder of sounds (B, 1, T): frames of `factor` samples become one code each.

    Source: van den Oord et al., 2017, section 4.3 (speech); Zeghidour et al., SoundStream, 2021
    (the distance that it is trained by).

    Args:
        quantizer: as `VQVAE`'s.
        options: arguments of that quantizer.
        width: channels.
        factor: samples of a frame.
        depth: blocks of the encoder, and of the decoder.
    """

    sides = 1

    def __init__(
        self,
        quantizer: str = "ema",
        options: dict[str, Any] | None = None,
        width: int = 128,
        factor: int = 32,
        depth: int = 4,
    ) -> None:
        super().__init__()
        self.factor = factor
        self.quantizer = pick_quantizer(quantizer, options)

        def blocks() -> list[nn.Module]:
            return [Block(width, convolution=nn.Conv1d) for _ in range(depth)]

        dim = self.quantizer.dim
        self.encoder = nn.Sequential(
            nn.Conv1d(1, width, factor, stride=factor), *blocks(), nn.Conv1d(width, dim, 1)
        )
        self.decoder = nn.Sequential(
            nn.Conv1d(dim, width, 3, padding=1),
            *blocks(),
            nn.ConvTranspose1d(width, 1, 2 * factor, stride=factor, padding=factor // 2),
        )

    def distance(self, drawn: Tensor, x: Tensor) -> Tensor:
        """`spectral_distance`."""
        return spectral_distance(drawn, x)

    def check(self, x: Tensor) -> None:
        """Refuse more than one channel, and lengths that are no whole number of frames."""
        if x.ndim != 3 or x.shape[1] != 1:
            raise ValueError(f"sounds must be (B, 1, T), got {tuple(x.shape)}")
        if x.shape[2] % self.factor or x.shape[2] == 0:
            raise ValueError(
                f"a sound of {x.shape[2]} samples is no whole number of frames of {self.factor}; "
                "cut or pad it"
            )


def spectra(sounds: Tensor, window: int) -> Tensor:
    """(B, 1, T) to magnitudes (B, window / 2 + 1, frames), in windows that overlap."""
    shape = torch.hann_window(window, device=sounds.device)
    return torch.stft(sounds[:, 0], window, window // 4, window=shape, return_complex=True).abs()


def spectral_distance(drawn: Tensor, sounds: Tensor) -> Tensor:
    """How different two sounds (B, 1, T) are to an ear, which hears strengths of tones and hardly
    their phases: a scalar.

    In windows of each length, the mean difference of the magnitudes, and of their logarithms; and
    a little of the difference of the waves themselves.

    Source: Yamamoto et al., Parallel WaveGAN, 2020, section 2.2, with means in place of norms.
    """
    total = 0.01 * F.mse_loss(drawn, sounds)
    for window in WINDOWS:
        a, b = (spectra(x, window) / window**0.5 for x in (drawn, sounds))
        far = F.l1_loss(a, b) + 0.1 * F.l1_loss((a + 1e-3).log(), (b + 1e-3).log())
        total = total + far / len(WINDOWS)
    return total
