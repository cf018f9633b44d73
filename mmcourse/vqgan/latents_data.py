"""Pictures drawn once and kept on the disk, and what the autoencoder makes of them."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.storyworld.dataset import from_bytes, render_bytes
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.storyworld.world.sampling import sample_scene
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqvae.batches import check_bytes

BATCH = 32


def _drawn(indices: range, size: int, split: str, seed: int) -> Made:
    scenes = [sample_scene(split, i, seed) for i in indices]
    return {"pixels": render_bytes(scenes, size).numpy()}


def draw_pictures(
    n: int, size: int, split: str = "train", seed: int = 0, workers: int | None = None
) -> Tensor:
    """Pictures of the first n scenes of a split, (n, size, size, 3) uint8; cached on the disk."""
    key = {"size": size, "split": split, "seed": seed, "sources": sources_hash(DRAWING)}
    make = partial(_drawn, size=size, split=split, seed=seed)
    return cached(f"pictures-{size}", key, n, make, workers)["pixels"]


def encode_bytes(model: LatentAutoencoder, pictures: Tensor) -> Tensor:
    """uint8 pictures (N, H, W, 3) to latents (N, dim, h, w), a few at a time.

    Raises:
        ValueError: pictures of another type or shape.
    """
    check_bytes(pictures)
    if not len(pictures):
        return encode_bytes(model, pictures.new_zeros(1, *pictures.shape[1:]))[:0]
    device = next(model.parameters()).device
    parts = [
        model.encode(from_bytes(pictures[at : at + BATCH]).to(device)).cpu()
        for at in range(0, len(pictures), BATCH)
    ]
    return torch.cat(parts)
