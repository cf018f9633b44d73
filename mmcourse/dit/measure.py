"""Everything that the cards of `dit` and `dit-fast` state, on scenes that no step has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmcourse.diffusion.draw import companions
from mmcourse.diffusion.generate import Latents
from mmcourse.diffusion.measure import CAPTIONS, text_metrics, through
from mmcourse.diffusion.text import TextReader
from mmcourse.dit.generate import draw_heroes, encoder_of, way_of
from mmcourse.dit.heroes import portrait
from mmcourse.dit.identity_measure import embedded
from mmcourse.dit.model import DiT
from mmcourse.storyworld import describe, from_bytes, render_bytes
from mmcourse.storyworld.judge.data import family
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import Scene

SIZE = 128
HEROES = 500
"""Identities are measured on so many heroes, or on fewer."""
MANY = 48
"""Steps that the usual ones are compared with."""


def bytes_of(pictures: Sequence[Image.Image]) -> Tensor:
    """PIL pictures of one size as uint8 (N, S, S, 3).

    Raises:
        ValueError: no pictures, so no size.
    """
    if not pictures:
        raise ValueError("no pictures, so no size: give one or more")
    return torch.from_numpy(np.stack([np.asarray(p) for p in pictures]))


def with_identity(scene: Scene, position: str, identity: tuple[float, ...]) -> Scene:
    """The same scene with somebody else of the same words at a position."""
    people = (
        replace(c, identity=identity) if c.position == position else c for c in scene.characters
    )
    return replace(scene, characters=tuple(people))


def identities_at(judge: Judge, pictures: Tensor, places: Sequence[str]) -> Tensor:
    """The judge's vector of whoever stands at a place, (N, D), in uint8 pictures (N, S, S, 3)."""
    device = judge.temperature.device
    with torch.no_grad():
        found = [judge(from_bytes(part).to(device)).identities.cpu() for part in pictures.split(64)]
    rows = torch.cat(found)  # (N, 3, D)
    return rows[torch.arange(len(rows)), torch.tensor([v.POSITIONS.index(p) for p in places])]


def kept(drawn: Tensor, hero: Tensor, double: Tensor) -> float:
    """How often identities (N, D) are nearer to the hero's than to the double's.

    Raises:
        ValueError: no identities.
    """
    if not len(drawn):
        raise ValueError("no identities, so no share of them: give one or more")
    return float(((drawn * hero).sum(-1) > (drawn * double).sum(-1)).float().mean())


def identity_metrics(
    model: DiT, latents: Latents, reader: TextReader, judge: Judge, n: int, size: int = SIZE
) -> dict[str, Measurement]:
    """Whether a hero that was shown is drawn again, against a double of the same words.

    Of each family of the judge the first scene is asked for by its complete caption, and the hero
    shown by a portrait from the second, where place, mood and action are others. The picture's hero
    is compared with the true one and with the double in that same first scene, so that nothing but
    the identity differs. `identity_unshown` is drawn without the portrait, `identity_round_trip`
    is the true picture through the autoencoder, the ceiling.
    """
    families = [family("test", i, seed=1) for i in range(n)]
    scenes, places = [f.scenes[0] for f in families], [f.heroes[0] for f in families]
    doubles = [
        with_identity(s, p, f.scenes[2].at(f.heroes[2]).identity)
        for f, s, p in zip(families, scenes, places)
    ]
    shown = [portrait(f.scenes[1], f.scenes[1].at(f.heroes[1]), picture=size) for f in families]
    device = next(model.parameters()).device
    references = embedded(encoder_of(model, device), bytes_of(shown))
    texts = [describe(s, key=0).text for s in scenes]
    true, other = render_bytes(scenes, size), render_bytes(doubles, size)
    pictures = {
        "identity": draw_heroes(model, latents, reader, texts, references),
        "identity_unshown": draw_heroes(model, latents, reader, texts),
        "identity_round_trip": through(latents, true, device),
    }
    hero, double = identities_at(judge, true, places), identities_at(judge, other, places)
    return {
        name: {
            "value": kept(identities_at(judge, drawn, places), hero, double),
            "n": n,
            "chance": 0.5,
        }
        for name, drawn in pictures.items()
    }


def measure_dit(model: DiT, n: int | None = None) -> dict[str, Measurement]:
    """How much of `n` complete captions (None: 2,000) the judge reads in pictures drawn from them,
    and how often a hero that was shown is drawn again.

    The names are those of `diffusion.measure.measure_text_unet` and of `identity_metrics`.

    Raises:
        ValueError: n below 2, or latents of another autoencoder.
    """
    n = CAPTIONS if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    device = next(model.parameters()).device
    latents, reader = companions(model, device)
    judge = Judge.from_pretrained("judge", device=str(device)).eval()
    many = None if model.windows else MANY
    found = text_metrics(model, latents, reader, judge, n, way=way_of(model), many=many)
    return found | identity_metrics(model, latents, reader, judge, min(n, HEROES))
