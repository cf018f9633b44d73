"""Many pictures through an autoencoder, a batch at a time: bytes to codes, and codes to bytes."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.pictures import to_bytes
from mmcourse.storyworld import from_bytes
from mmcourse.vqvae.autoencoder import Autoencoder

BATCH = 64


def check_bytes(pictures: Tensor) -> None:
    """Refuse what is no batch of bytes: numbers in [-1, 1] would be read as nearly black.

    Raises:
        ValueError: another type than uint8, or another number of axes than four.
    """
    if pictures.dtype != torch.uint8 or pictures.ndim != 4:
        raise ValueError(
            f"pictures must be uint8 (N, H, W, 3), got {pictures.dtype} {tuple(pictures.shape)}; "
            "to_bytes(x).movedim(1, -1) makes them of pictures (N, 3, H, W) in [-1, 1]"
        )


def encode_pictures(model: Autoencoder, pictures: Tensor) -> Tensor:
    """uint8 pictures (N, H, W, 3) to codes (N, h, w, ...), on the CPU.

    Raises:
        ValueError: pictures of another type or shape.
    """
    check_bytes(pictures)
    if not len(pictures):
        return encode_pictures(model, pictures.new_zeros(1, *pictures.shape[1:]))[:0]
    device = next(model.parameters()).device
    parts = pictures.split(BATCH)
    return torch.cat([model.encode(from_bytes(part.to(device))).cpu() for part in parts])


def decode_pictures(model: Autoencoder, codes: Tensor) -> Tensor:
    """Codes (N, h, w, ...) to pictures, uint8 (N, H, W, 3), on the CPU."""
    device = next(model.parameters()).device
    drawn = [to_bytes(model.decode(part.to(device))) for part in codes.split(BATCH)]
    return torch.cat([part.movedim(1, -1).cpu() for part in drawn])
