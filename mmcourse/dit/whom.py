"""Whom a portrait shows, and what the places of a picture can be asked about it.

Only the portrait says how far a fox's coat is from the orange of its name, and whether it wears
socks. The error of denoising hardly tells: most of the picture, and most of the fox, is known
without. So whoever learns to draw is asked outright who its hero is, where its hero stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.dit.heroes import starring
from mmcourse.dit.identity import IdentityEncoder
from mmcourse.dit.identity_measure import embedded
from mmcourse.dit.portraits import SOURCES, draw_portraits
from mmcourse.processes import weight_of
from mmcourse.storyworld.drawing.stage import placement
from mmcourse.storyworld.world.identity import TRAITS
from mmcourse.storyworld.world.scene import Character, Scene

WIDE = 0.36
"""Half of a hero's width, in heights to its head."""
TALL = 1.2
"""Height of its ears' tips, likewise."""
ANSWERS = len(TRAITS)
"""Numbers that answer the question."""
HERO = 2.0
"""Where there is a portrait, a place that the hero's box covers counts so much more in the
error."""


def covered(scene: Scene, hero: Character, side: int = 8) -> np.ndarray:
    """How much of each of side x side squares of a picture its hero's box covers, (side²,) in
    [0, 1], from left to right and then down."""
    x, feet, height = placement(scene, hero)
    edges = np.linspace(0, 1, side + 1)

    def shared(low: float, high: float) -> np.ndarray:
        inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        return np.clip(inside, 0, None) * side

    across = shared(x - WIDE * height, x + WIDE * height)
    return np.outer(shared(feet - TALL * height, feet), across).reshape(-1).astype(np.float32)


@dataclass(frozen=True)
class Whom:
    """The hero of each scene; on the CPU, in float32.

    references: (N, D), the vector of a portrait from another scene, see `IdentityEncoder`.
    traits: (N, 8), what a picture shows of the identity, see `world.identity.visible`.
    places: (N, P), how much of each patch the hero's box covers.
    """

    references: Tensor
    traits: Tensor
    places: Tensor

    def missed(self, guesses: Tensor, index: Tensor, dropped: Tensor | None = None) -> Tensor:
        """How far guesses (B, P, 8) are from the traits of these rows' heroes: the squared error
        over the traits' variance, a mean over traits, and over the patches that show the hero. 1
        for who knows nothing. A scalar.

        Args:
            guesses: of all patches.
            index: (B,) int64, rows of the data.
            dropped: (B,) bool, rows to whom nobody was shown: there is nothing to know, and nothing
                to learn.
        """
        if dropped is not None:
            guesses = torch.where(dropped[:, None, None], guesses.detach(), guesses)
        usual, spread = self.traits.mean(0), self.traits.std(0).clamp_min(1e-3)
        wanted = ((self.traits[index] - usual) / spread).to(guesses.device)  # (B, 8)
        apart = (guesses - wanted[:, None]).square().mean(-1)  # (B, P)
        places = self.places[index].to(guesses.device)
        return (apart * places).sum() / places.sum() * weight_of(places.sum())


def _placed(indices: range, split: str, seed: int) -> Made:
    stars = [starring(split, i, seed) for i in indices]
    return {"places": np.stack([covered(star.scene, star.hero) for star in stars])}


def cached_whom(n: int, identity: str = "identity", split: str = "train", seed: int = 0) -> Whom:
    """The heroes of `dit.data.cached_heroes`: portraits and places are kept as those are.

    Args:
        n: scenes.
        identity: weights of the encoder, a shipped name or a folder.
        split: of the world.
        seed: likewise.
    """
    shown = draw_portraits(n, split, seed)
    sources = sources_hash((*SOURCES, "mmcourse.dit.whom"))
    key = {"drawing": sources, "split": split, "seed": seed}
    places = cached("whom", key, n, partial(_placed, split=split, seed=seed))["places"]
    encoder = IdentityEncoder.from_pretrained(identity).eval()
    return Whom(embedded(encoder, shown.pixels), shown.traits, places)
