"""Draw captions with the shipped text U-Net, for `mmcourse sample`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion.generate import Way, draw_texts
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.hub import weights_hash
from mmcourse.training import pick_device
from mmcourse.vqgan.latents import LatentAutoencoder

GUIDED = Way(steps=20, guidance=3.0, highest=850.0, sampler="dpm-solver++")
"""How captions are drawn, and measured on the card."""


def companions(model: Any, device: torch.device | str) -> tuple[LatentAutoencoder, TextReader]:
    """The autoencoder and the reader that a model was trained with, by its `latents` and `tower`.

    Raises:
        ValueError: the shipped ones are others.
    """
    found = weights_hash("latents-128")
    if model.latents not in (None, found):
        raise ValueError(
            f"these weights draw latents of latents-128 {model.latents}, here is {found}: load the "
            "autoencoder that they came with, or train them again"
        )
    reader = TextReader.of_joint(device=device)
    reader.check(model.tower)
    return LatentAutoencoder.from_pretrained("latents-128", device=str(device)), reader


def draw_captions(
    texts: Sequence[str],
    seeds: Sequence[int],
    weights: str | None = None,
    guidance: float | None = None,
    steps: int | None = None,
) -> Tensor:
    """A picture for each caption, uint8 (N, 128, 128, 3).

    Args:
        texts: captions in the world's words.
        seeds: one a caption.
        weights: of the U-Net; None for the shipped ones.
        guidance: None for that of `GUIDED`.
        steps: likewise.

    Raises:
        ValueError: weights of other companions, a text that is too long, or steps that the path
            does not have.
    """
    device = pick_device()
    model = TextUNet.from_pretrained(weights or "text-unet", device=device)
    way = GUIDED
    if guidance is not None:
        way = replace(way, guidance=guidance)
    if steps is not None:
        way = replace(way, steps=steps)
    return draw_texts(model, *companions(model, device), texts, way, seeds)
