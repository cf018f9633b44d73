"""Portraits with what is true of whoever is in them, made once and kept on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.dit.heroes import cut_around, starring
from mmcourse.dit.identity import SIDE
from mmcourse.hub import weights_hash
from mmcourse.pictures import to_bytes
from mmcourse.storyworld import render, to_pixels
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import visible
from mmcourse.vqgan.latents import LatentAutoencoder

PICTURE = 128
"""Side in pixels of the pictures that portraits are cut from."""
DECODED_EVERY = 4
"""So many-th of the pictures has been through the autoencoder, as a drawn one has."""
BATCH = 32
SOURCES = (*DRAWING, "mmcourse.dit.heroes", "mmcourse.dit.portraits")
"""What portraits depend on."""


@dataclass(frozen=True)
class Portraits:
    """Heroes, each in a scene of its own; on the CPU.

    pixels: (N, 64, 64, 3) uint8.
    traits: (N, 8) float32, what shows of the identity, see `world.identity.visible`.
    species, colours: (N,) int64, places in the world's vocabulary.
    """

    pixels: Tensor
    traits: Tensor
    species: Tensor
    colours: Tensor

    def __len__(self) -> int:
        return len(self.pixels)


def decoded(model: LatentAutoencoder, pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Pictures as an autoencoder gives them back."""
    out: list[Image.Image] = []
    with torch.no_grad():
        for at in range(0, len(pictures), BATCH):
            found = to_bytes(model.decode(model.encode(to_pixels(pictures[at : at + BATCH]))))
            out += [Image.fromarray(row) for row in found.movedim(1, -1).numpy()]
    return out


def drawn(indices: range, split: str, seed: int, every: int) -> Made:
    """What `draw_portraits` keeps, of these heroes."""
    stars = [starring(split, i, seed) for i in indices]
    pictures = [render(star.elsewhere, PICTURE) for star in stars]
    at = [k for k, i in enumerate(indices) if every and i % every == 0]
    if at:
        model = LatentAutoencoder.from_pretrained("latents-128")
        for k, picture in zip(at, decoded(model, [pictures[k] for k in at]), strict=True):
            pictures[k] = picture
    cut = [cut_around(p, s.elsewhere, s.again, SIDE) for p, s in zip(pictures, stars, strict=True)]
    return {
        "pixels": np.stack([np.asarray(portrait) for portrait in cut]),
        "traits": np.array([visible(star.hero.identity) for star in stars], dtype=np.float32),
        "species": np.array([v.SPECIES.index(star.hero.species) for star in stars]),
        "colours": np.array([v.COLOURS.index(star.hero.colour) for star in stars]),
    }


def draw_portraits(
    n: int, split: str = "train", seed: int = 0, every: int = DECODED_EVERY
) -> Portraits:
    """Portraits of the heroes of `heroes.starring`, from their other scenes.

    Args:
        n: heroes.
        split: of the world.
        seed: likewise.
        every: so many-th has been through the shipped autoencoder; 0: none.
    """
    latents = weights_hash("latents-128", 64) if every else ""
    sources = sources_hash(SOURCES)
    key = {"split": split, "seed": seed, "every": every, "latents": latents, "drawing": sources}
    return Portraits(
        **cached("portraits", key, n, partial(drawn, split=split, seed=seed, every=every))
    )
