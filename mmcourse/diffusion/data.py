"""What denoisers are trained on: scenes with their latents, made once and kept on the disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.diffusion.generate import Latents
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.train import Told
from mmcourse.hub import weights_hash
from mmcourse.storyworld import Scene, caption, from_bytes, render_bytes, sample_scene
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.training import brief_now
from mmcourse.vqgan.eye import seen_by
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.latents import LatentAutoencoder

BATCH = 32


def encoded(latents: Latents, pictures: Tensor, device: str | torch.device = "cpu") -> Tensor:
    """uint8 pictures (N, H, W, 3) to latents (N, C, h, w), a few at a time, on the CPU."""
    parts = pictures.split(BATCH)
    return torch.cat([latents.encode(from_bytes(part).to(device)).cpu() for part in parts])


def _made(indices: range, weights: str, size: int, split: str, seed: int) -> Made:
    model = LatentAutoencoder.from_pretrained(weights)
    pictures = render_bytes([sample_scene(split, i, seed) for i in indices], size)
    return {"latents": encoded(model, pictures).half().numpy()}


def cached_latents(
    n: int, weights: str = "latents-128", size: int = 128, split: str = "train", seed: int = 0
) -> Tensor:
    """Latents of the first n scenes of a split, (n, C, h, w) float16.

    They are made once for these weights, this code of the drawing, this size, split and seed; a
    killed run goes on where it was.

    Args:
        n: scenes.
        weights: name or folder of the autoencoder.
        size: of the pictures in pixels.
        split: of the world.
        seed: likewise.
    """
    key = {
        "weights": weights_hash(weights, 64),
        "drawing": sources_hash(DRAWING),
        "size": size,
        "split": split,
        "seed": seed,
    }
    make = partial(_made, weights=weights, size=size, split=split, seed=seed)
    return cached(f"latents-{size}", key, n, make)["latents"]


def _looked_at(indices: range, features: str, size: int, split: str, seed: int) -> Made:
    network = Features.from_pretrained(features)
    pictures = render_bytes([sample_scene(split, i, seed) for i in indices], size)
    return {"seen": seen_by(network, pictures).half().numpy()}


def cached_seen(
    n: int, features: str = "features", size: int = 128, split: str = "train", seed: int = 0
) -> Tensor:
    """What a features network sees in each 16 x 16 pixels of the first n scenes of a split,
    (n, size / 16 · size / 16, D) float16; kept as `cached_latents` keeps."""
    key = {
        "features": weights_hash(features, 64),
        "drawing": sources_hash(DRAWING),
        "size": size,
        "split": split,
        "seed": seed,
    }
    make = partial(_looked_at, features=features, size=size, split=split, seed=seed)
    return cached(f"seen-{size}", key, n, make)["seen"]


def telling(reader: TextReader, scene: Callable[[int], Scene], steps: int) -> Told:
    """Another caption of a scene at every step of a run, complete or brief as `brief_now` says.

    Args:
        reader: of captions.
        scene: the scene of a row.
        steps: of the run.
    """
    scene = cache(scene)

    def told(index: int, step: int) -> str:
        complete = not brief_now(index, step, steps)
        return caption(scene(index), step + index, complete=complete)

    return Told(told, reader)


def tell(reader: TextReader, steps: int, split: str = "train", seed: int = 0) -> Told:
    """Captions of the scenes of a split, as `telling` tells them."""
    return telling(reader, partial(sample_scene, split, seed=seed), steps)
