"""What the diffusion transformer is trained on, made once and kept on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.diffusion.data import encoded, telling
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.train import Told
from mmcourse.dit.heroes import starring
from mmcourse.dit.whom import Whom, cached_whom
from mmcourse.hub import weights_hash
from mmcourse.storyworld import render_bytes
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.vqgan.eye import seen_by
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.latents import LatentAutoencoder

SOURCES = (*DRAWING, "mmcourse.dit.heroes")
"""What the pictures depend on."""


@dataclass(frozen=True)
class Heroes:
    """Scenes as a denoiser sees them; all on the CPU.

    latents: (N, C, h, w) of the pictures, float16.
    seen: (N, h w / 4, D), what the features network sees in each two by two places of the latents.
    doubles: (N,) bool, True where somebody beside the hero is of its species.
    whom: the heroes, and what a portrait of each says.
    """

    latents: Tensor
    seen: Tensor
    doubles: Tensor
    whom: Whom

    def __len__(self) -> int:
        return len(self.latents)

    def check(self) -> None:
        """Refuse what cannot be learned from.

        Raises:
            ValueError: NaN or infinity.
        """
        parts = (self.latents, self.seen, self.whom.references)
        if not all(part.isfinite().all() for part in parts):
            raise ValueError("the data hold NaN or infinity: look at what encoded them")


def _made(indices: range, weights: str, features: str, size: int, split: str, seed: int) -> Made:
    model = LatentAutoencoder.from_pretrained(weights)
    eye = Features.from_pretrained(features)
    found = [starring(split, i, seed) for i in indices]
    pictures = render_bytes([one.scene for one in found], size)
    return {
        "latents": encoded(model, pictures).half().numpy(),
        "seen": seen_by(eye, pictures).half().numpy(),
        "doubles": torch.tensor([one.double for one in found]).numpy(),
    }


def cached_heroes(
    n: int,
    weights: str = "latents-128",
    features: str = "features",
    identity: str = "identity",
    size: int = 128,
    split: str = "train",
    seed: int = 0,
) -> Heroes:
    """The first n scenes of a split with a portrait of each one's hero, see `heroes.starring`.

    They are made once for these weights, this code of the drawing, this size, split and seed; a
    killed run goes on where it was.

    Args:
        n: scenes.
        weights: name or folder of the autoencoder.
        features: likewise of the features network.
        identity: likewise of the encoder of portraits.
        size: of the pictures in pixels.
        split: of the world.
        seed: likewise.
    """
    key = {
        "weights": weights_hash(weights, 64),
        "features": weights_hash(features, 64),
        "drawing": sources_hash(SOURCES),
        "size": size,
        "split": split,
        "seed": seed,
    }
    make = partial(_made, weights=weights, features=features, size=size, split=split, seed=seed)
    scenes = cached(f"heroes-{size}", key, n, make)
    return Heroes(**scenes, whom=cached_whom(n, identity, split, seed))


def tell(reader: TextReader, steps: int, split: str = "train", seed: int = 0) -> Told:
    """Captions of the scenes with a hero, as `diffusion.data.telling` tells them."""
    return telling(reader, lambda index: starring(split, index, seed=seed).scene, steps)
