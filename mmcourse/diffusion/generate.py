"""From sentences to pictures: the same seed, the same picture, in whatever company it is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mmcourse.diffusion.guidance import Guided
from mmcourse.diffusion.samplers import SAMPLERS, Sampler, Step, last, sample
from mmcourse.diffusion.schedule import TIME
from mmcourse.diffusion.text import TextReader
from mmcourse.pictures import to_bytes
from mmcourse.refusals import check_seeds, whole
from mmcourse.training import evaluating


class Latents(Protocol):
    """What is needed of an autoencoder; latents have mean 0 and deviation 1."""

    def encode(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] to latents (B, C, h, w)."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Latents to pictures."""
        ...


class Pixels:
    """No autoencoder: the latents are the pixels."""

    def encode(self, x: Tensor) -> Tensor:
        """Pictures as they are."""
        return x

    def decode(self, z: Tensor) -> Tensor:
        """Clamped to [-1, 1]."""
        return z.clamp(-1, 1)


@dataclass(frozen=True)
class Way:
    """How a picture is drawn.

    Args:
        steps: of the sampler.
        guidance: scale of classifier-free guidance, 1 for none.
        highest: guide at times below this only, in [0, 1000].
        rescaled: share of the guided answer's spread that is brought back.
        likeness: scale of the guidance towards a portrait, of models that are shown one; 1 for
            none.
        sampler: by its name.

    Raises:
        ValueError: a sampler that does not exist, no steps or more than times have names, a scale,
            time or share that is no number.
    """

    steps: int = 20
    guidance: float = 3.0
    highest: float = 850.0
    rescaled: float = 0.0
    sampler: str = "dpm-solver++"
    likeness: float = 1.0

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ValueError(
                f"no sampler is called {self.sampler!r}; choose one of {', '.join(SAMPLERS)}"
            )
        whole("steps", self.steps, 1, int(TIME))  # beyond that, neighbours look alike to a model
        for name in ("guidance", "likeness"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}, expected a number; 1 is off")
        if not self.highest > 0:
            raise ValueError(f"highest is {self.highest}, expected a time above 0, up to 1000")
        if not 0 <= self.rescaled <= 1:
            raise ValueError(f"rescaled is {self.rescaled}, expected a share from 0 to 1")

    def walker(self) -> Sampler:
        """The sampler itself."""
        return SAMPLERS[self.sampler]

    def guided(self, model: Any) -> Any:
        """The model, guided if it is to be.

        Raises:
            ValueError: guidance of a model without words.
        """
        if self.guidance == 1:
            return model
        if not hasattr(model, "null"):
            raise ValueError(
                f"guidance {self.guidance} needs a model that reads, this one is a "
                f"{type(model).__name__} and draws without words: use guidance 1"
            )
        return Guided(
            model, model.null(), self.guidance, (0.0, min(self.highest, TIME)), self.rescaled
        )


def check_words(model: Any, reader: TextReader) -> None:
    """Refuse a model that cannot look at what a reader gives.

    Raises:
        ValueError: trained with another tower, or on words of another width.
    """
    reader.check(model.tower)
    takes, gives = len(model.text.null), reader.tower.positions.shape[-1]
    if takes != gives:
        raise ValueError(
            f"the model takes words of width {takes}, the tower gives {gives}: load the joint "
            "weights that it was trained with"
        )


def starting_noise(shape: Sequence[int], seeds: Sequence[int]) -> Tensor:
    """Noise (B, *shape) float32, each row from a fresh generator of its own seed.

    Raises:
        ValueError: a seed that is no whole number.
    """
    return noise_and_dice(shape, seeds)[0]


def noise_and_dice(
    shape: Sequence[int], seeds: Sequence[int]
) -> tuple[Tensor, list[torch.Generator]]:
    """`starting_noise`, and the generators of its rows, by which samplers that add noise go on.

    Raises:
        ValueError: a seed that is no whole number.
    """
    for seed in seeds:
        if not isinstance(seed, (int, np.integer)) or not abs(int(seed)) < 2**63:
            raise ValueError(f"seed is {seed!r}, expected a whole number of at most 63 bits")
    dice = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
    rows = [torch.randn(*shape, generator=own, dtype=torch.float32) for own in dice]
    return torch.stack(rows) if rows else torch.empty(0, *shape), dice


def steps_from_words(
    model: Any, reader: TextReader, texts: Sequence[str], way: Way, seeds: Sequence[int]
) -> Iterator[Step]:
    """Every step from noise to the latents of these captions, to be looked at on the way.

    Raises:
        ValueError: as many seeds as texts are needed; words or weights that do not fit.
    """
    check_seeds(texts, seeds)
    check_words(model, reader)
    device = next(model.parameters()).device
    with evaluating(model):
        cond = model.read(reader(texts)).to(device)
        guided = way.guided(model)
    noise, dice = noise_and_dice(model.shape, seeds)
    return sample(
        guided,
        noise.to(device),
        model.path.levels(way.steps),
        objective=model.objective,
        sampler=way.walker(),
        cond=cond,
        generator=dice,
    )


def draw_texts(
    model: Any,
    latents: Latents,
    reader: TextReader,
    texts: Sequence[str],
    way: Way | None = None,
    seeds: Sequence[int] | None = None,
    batch: int = 32,
) -> Tensor:
    """A picture for each caption, uint8 (N, H, W, 3), on the CPU.

    Args:
        model: a denoiser with `read`, `null`, `shape`, `path`, `objective` and `tower`.
        latents: decodes.
        reader: of captions.
        texts: captions in the world's words.
        way: how to draw.
        seeds: one for each caption (default: 0, 1, ...).
        batch: captions at once.

    Raises:
        ValueError: no captions, not as many seeds, or a batch below 1.
    """
    way, seeds = way or Way(), range(len(texts)) if seeds is None else seeds
    check_seeds(texts, seeds)
    batch = whole("batch", batch)
    drawn = []
    with evaluating(model):
        for at in range(0, len(texts), batch):
            part = slice(at, at + batch)
            z = last(steps_from_words(model, reader, texts[part], way, seeds[part]))
            drawn.append(to_bytes(latents.decode(z)).movedim(1, -1).cpu())
    return torch.cat(drawn)


def draw_freely(
    model: Any, latents: Latents, n: int, way: Way, seed: int = 0, batch: int = 64
) -> Tensor:
    """n pictures without words, uint8 (n, H, W, 3), on the CPU.

    Raises:
        ValueError: guidance, which there are no words for, or n or batch below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    batch = whole("batch", batch)
    device = next(model.parameters()).device
    drawn = []
    with evaluating(model):
        for at in range(0, n, batch):
            seeds = range(seed + at, seed + min(n, at + batch))
            noise, dice = noise_and_dice(model.shape, seeds)
            steps = sample(
                way.guided(model),
                noise.to(device),
                model.path.levels(way.steps),
                objective=model.objective,
                sampler=way.walker(),
                generator=dice,
            )
            drawn.append(to_bytes(latents.decode(last(steps))).movedim(1, -1).cpu())
    return torch.cat(drawn)
