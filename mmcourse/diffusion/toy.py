"""Diffusion in the plane, where nothing has to be learned: every field is a formula.

The data are a few round clouds, each of a class. A cloud with noise is a round cloud again, so the
density, its score, the best denoiser, what it is unsure of and what guidance does to it are known
at every level and every place. What a trained network should do can be drawn beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.guidance import guide
from mmcourse.diffusion.objectives import Objective, target
from mmcourse.diffusion.samplers import Denoiser, Sampler, Step, ddim, sample
from mmcourse.diffusion.schedule import CLEAN, Level, Path


@dataclass(frozen=True)
class Clouds:
    """A mixture of round Gaussians with the fields that diffusion gives it.

    All methods take places x (N, 2) and a level, and work in the dtype of x.

    Args:
        means: (K, 2), float64.
        std: of every cloud, 0 for points.
        weights: (K,), sum 1.
        classes: (K,) int64, the class of each cloud.
    """

    means: Tensor
    std: float
    weights: Tensor
    classes: Tensor

    def of_class(self, label: int) -> Clouds:
        """The clouds of one class by themselves.

        Raises:
            ValueError: a class that no cloud has.
        """
        chosen = self.classes == label
        if not chosen.any():
            known = sorted(set(self.classes.tolist()))
            raise ValueError(f"no cloud is of class {label}; there are {known}")
        weights = self.weights[chosen]
        return replace(
            self,
            means=self.means[chosen],
            weights=weights / weights.sum(),
            classes=self.classes[chosen],
        )

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n places from the data, (n, 2) float64.

        Raises:
            ValueError: n below 0.
        """
        if n < 1:
            if n < 0:
                raise ValueError(f"n must be at least 0, got {n}")
            return torch.empty(0, 2, dtype=torch.float64)
        which = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        return self.means[which] + self.std * noise

    def spread(self, level: Level) -> float:
        """The variance of a cloud at a level: alpha² std² + sigma²."""
        return level.alpha**2 * self.std**2 + level.sigma**2

    def log_parts(self, x: Tensor, level: Level) -> Tensor:
        """(N, K): the logarithm of each cloud's weight times its density at x."""
        variance = self.spread(level)
        away = (x[:, None] - level.alpha * self.means.to(x)).square().sum(-1)  # (N, K)
        return self.weights.to(x).log() - away / (2 * variance) - math.log(2 * math.pi * variance)

    def log_density(self, x: Tensor, level: Level = CLEAN) -> Tensor:
        """(N,): log p_t(x)."""
        return self.log_parts(x, level).logsumexp(-1)

    def shares(self, x: Tensor, level: Level) -> Tensor:
        """(N, K): how likely x came from each cloud."""
        return self.log_parts(x, level).softmax(-1)

    def score(self, x: Tensor, level: Level) -> Tensor:
        """(N, 2): the gradient of log p_t at x, uphill to where data lie."""
        away = level.alpha * self.means.to(x) - x[:, None]  # (N, K, 2)
        return (self.shares(x, level)[..., None] * away).sum(1) / self.spread(level)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """(N, 2): the mean of all data that x may have been, the best answer of any denoiser."""
        posterior = self.posterior_means(x, level)  # (N, K, 2)
        return (self.shares(x, level)[..., None] * posterior).sum(1)

    def posterior_means(self, x: Tensor, level: Level) -> Tensor:
        """(N, K, 2): where x was, if it came from each cloud."""
        gain = level.alpha * self.std**2 / self.spread(level)
        means = self.means.to(x)
        return means + gain * (x[:, None] - level.alpha * means)

    def posterior(self, x: Tensor, level: Level) -> Clouds:
        """All that one noisy place (2,) may have been: again clouds, fewer the less noise there is.

        Raises:
            ValueError: several places.
        """
        if x.shape != (2,):
            raise ValueError(f"one place (2,) has a posterior, got {tuple(x.shape)}")
        std = self.std * level.sigma / math.sqrt(self.spread(level))
        return replace(
            self,
            means=self.posterior_means(x[None].double(), level)[0],
            std=std,
            weights=self.shares(x[None].double(), level)[0],
        )

    def class_posterior(self, x: Tensor, level: Level, label: int) -> Tensor:
        """(N,): how likely x is of a class, which the score of guidance sharpens."""
        return self.shares(x, level)[:, self.classes == label].sum(-1)

    def denoiser(self, path: Path, objective: Objective, label: int | None = None) -> Denoiser:
        """The best denoiser as a model, `f(x, t, cond)`, of all clouds or of one class.

        At noise 0 an answer in terms of noise does not exist; samplers do not ask there.
        """
        clouds = self if label is None else self.of_class(label)

        def denoise(x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
            alpha, sigma = (float(c) for c in path.coefficients(t[:1]))
            x0 = clouds.denoise(x, Level(float(t[0]), alpha, sigma))
            return target(objective, x0, (x - alpha * x0) / sigma, alpha, sigma)

        return denoise


def crossed() -> Clouds:
    """Four clouds at the corners of a square. Those of class 1 share the right side, those of class
    0 the left; one of each stands closer, so that classes overlap in the noise."""
    means = torch.tensor([[-1.0, 1.0], [-0.4, -0.6], [0.4, 0.6], [1.0, -1.0]], dtype=torch.float64)
    weights = torch.tensor([0.3, 0.2, 0.2, 0.3], dtype=torch.float64)
    return Clouds(means, 0.2, weights, torch.tensor([0, 0, 1, 1]))


def guided(clouds: Clouds, path: Path, objective: Objective, label: int, scale: float) -> Denoiser:
    """The best denoiser of all clouds, guided towards a class by the best one of that class."""
    free = clouds.denoiser(path, objective)
    told = clouds.denoiser(path, objective, label)
    return lambda x, t, cond=None: guide(free(x, t), told(x, t), scale)


def guided_score(clouds: Clouds, x: Tensor, level: Level, label: int, scale: float) -> Tensor:
    """(N, 2): the score of p_t(x) p_t(label | x)^scale, which guidance follows at each level."""
    return guide(clouds.score(x, level), clouds.of_class(label).score(x, level), scale)


def sharpened(clouds: Clouds, x: Tensor, label: int, scale: float) -> Tensor:
    """(N,): the logarithm of p(x) p(label | x)^scale, up to a constant: what guidance is often said
    to sample from."""
    return clouds.log_density(x) + scale * clouds.class_posterior(x, CLEAN, label).log()


def sharpened_score(
    clouds: Clouds, x: Tensor, level: Level, label: int, scale: float, data: Tensor
) -> Tensor:
    """(N, 2): the score that samples the sharpened density, which is another one than guidance's.

    Guidance sharpens the noisy density; sampling needs the sharpened density with noise. Noise
    and power don't commute.

    Args:
        clouds: the data.
        x: (N, 2).
        level: with noise.
        label: the class.
        scale: of guidance.
        data: (M, 2), a fine grid over which the density is summed.
    """
    away = level.alpha * data.to(x) - x[:, None]  # (N, M, 2)
    logits = sharpened(clouds, data.to(x), label, scale) - away.square().sum(-1) / (
        2 * level.sigma**2
    )
    return (logits.softmax(-1)[..., None] * away).sum(1) / level.sigma**2


def guided_std(std: float, scale: float) -> float:
    """How wide guidance draws a class N(m, std²) within data N(0, 1): std to the power of scale.

    Along the probability flow the distance from the mean obeys, in the noise s = sigma / alpha,
    d log(distance) / ds = scale s / (std² + s²) + (1 - scale) s / (1 + s²). Integrated from s = oo,
    where the distance is s itself, down to 0, it leaves std^scale.
    """
    return std**scale


def sharpened_std(std: float, scale: float) -> float:
    """How wide the sharpened density of the same class is: its precision is
    scale / std² + (1 - scale). It is wider than `guided_std` for every scale above 1.

    Raises:
        ValueError: no such density exists, because its tails would grow.
    """
    precision = scale / std**2 + 1 - scale
    if precision <= 0:
        raise ValueError(
            f"with std {std} and scale {scale} the sharpened density has no end: its precision is "
            f"{precision:.3g}; take a std below 1 or a smaller scale"
        )
    return precision**-0.5


def grid(extent: float = 2.0, n: int = 41) -> Tensor:
    """(n², 2) float64: places of a square around 0, row by row from below, to be drawn on."""
    line = torch.linspace(-extent, extent, n, dtype=torch.float64)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1).flatten(0, 1)


def noisy(x0: Tensor, level: Level, generator: torch.Generator | None = None) -> Tensor:
    """Places (N, 2) at a level."""
    noise = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    return level.alpha * x0 + level.sigma * noise


def walk(
    model: Denoiser,
    x: Tensor,
    levels: Sequence[Level],
    objective: Objective,
    sampler: Sampler = ddim,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Every state on the way, (steps + 1, N, 2), for drawing the lines that the places take."""
    steps: Iterator[Step] = sample(
        model, x, levels, objective=objective, sampler=sampler, generator=generator
    )
    return torch.stack([x, *(step.x for step in steps)])


def histogram(x: Tensor, extent: float = 2.0, n: int = 20) -> Tensor:
    """(n, n) float64: the share of places (N, 2) in each cell of the square, row by row from below.
    Places outside are counted in the nearest cell.

    Raises:
        ValueError: no places.
    """
    if not len(x):
        raise ValueError("no places, so no shares: give one or more")
    cell = ((x + extent) * (n / (2 * extent))).long().clamp(0, n - 1)  # (N, 2)
    counts = torch.bincount(cell[:, 1] * n + cell[:, 0], minlength=n * n)
    return (counts.double() / len(x)).view(n, n)
