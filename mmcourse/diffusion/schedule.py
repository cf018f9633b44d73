"""From a picture to noise: how much of each is left at every time.

Both families write x_t = alpha(t) x0 + sigma(t) epsilon. DDPM's alpha-bar is our alpha squared:
mixing up the two is the commonest mistake here, so this file says `alpha_bar` where it means the
product and `alpha` where it means its root.

Time, as a denoiser is told it, is a float from 0 (the picture) to 1000 (noise), in both families.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from mmcourse.refusals import whole

TIME = 1000.0
"""What a denoiser is told at pure noise."""


class Level(NamedTuple):
    """A place on the way: the time that a denoiser is told, and what is left of each part."""

    t: float
    alpha: float
    sigma: float


CLEAN = Level(0.0, 1.0, 0.0)
"""Where every way ends: the picture itself."""


def linear_betas(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """Ho et al., Denoising Diffusion Probabilistic Models, 2020, section 4: (steps,) float64.

    At its end 0.6 % of the picture is still there (alpha = 0.006).
    """
    return torch.linspace(first, last, steps, dtype=torch.float64)


def scaled_linear_betas(steps: int = 1000, first: float = 0.00085, last: float = 0.012) -> Tensor:
    """Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022: straight
    in the roots, (steps,) float64. At its end 6.8 % of the picture is still there."""
    return torch.linspace(first**0.5, last**0.5, steps, dtype=torch.float64).square()


def cosine_betas(steps: int = 1000, offset: float = 0.008, largest: float = 0.999) -> Tensor:
    """Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, equation 17:
    alpha-bar is a squared cosine, (steps,) float64."""
    u = torch.arange(steps + 1, dtype=torch.float64) / steps
    kept = ((u + offset) / (1 + offset) * math.pi / 2).cos().square()
    return (1 - kept[1:] / kept[:-1]).clamp(max=largest)


def zero_terminal_snr(betas: Tensor) -> Tensor:
    """The same schedule, stretched so that nothing of the picture is left at its end.

    Source: Lin et al., Common Diffusion Noise Schedules and Sample Steps Are Flawed, 2024,
    algorithm 1. Needs v, x0 or flow as what the network predicts: at pure noise epsilon says
    nothing about the picture.

    Args:
        betas: (T,) float64.
    """
    alpha = (1 - betas).cumprod(0).sqrt()  # (T,)
    alpha = (alpha - alpha[-1]) * alpha[0] / (alpha[0] - alpha[-1])
    alpha_bar = alpha.square()
    return 1 - torch.cat([alpha_bar[:1], alpha_bar[1:] / alpha_bar[:-1]])


def add_noise(x0: Tensor, noise: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
    """Jump from pictures to any step at once: sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) noise.

    Source: Ho et al., 2020, equation 4.

    Args:
        x0: (B, ...) pictures or latents.
        noise: the same shape, from a standard normal distribution.
        t: (B,) int64, a step for each row.
        alpha_bar: (T,), the running product of 1 - beta.

    Returns:
        The shape and dtype of x0.
    """
    kept = alpha_bar.to(x0.device)[t].to(x0.dtype).view(-1, *[1] * (x0.ndim - 1))  # (B, 1, ...)
    return kept.sqrt() * x0 + (1 - kept).sqrt() * noise


def like(value: Tensor, x: Tensor) -> Tensor:
    """(B,) to (B, 1, ..., 1) in the dtype of x, so that it multiplies the rows of x."""
    return value.to(x.dtype).view(-1, *[1] * (x.ndim - 1))


class Path(nn.Module, ABC):
    """A way from pictures to noise; see `NoiseSchedule` and `FlowPath`."""

    @abstractmethod
    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha and sigma, (B,) each, of times (B,) in [0, 1000]."""

    @abstractmethod
    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Times (n,) to train on, float32 on the CPU."""

    @abstractmethod
    def levels(self, steps: int, strength: float = 1.0) -> list[Level]:
        """The levels that a sampler visits, from noise to `CLEAN`: one more than its steps.

        Args:
            steps: of the whole way.
            strength: start so far up only (1 is pure noise), and take that share of the steps.

        Raises:
            ValueError: no steps, more than the schedule has, or a strength outside (0, 1].
        """

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Rows of x0 (B, ...) at times (B,)."""
        alpha, sigma = self.coefficients(t.to(x0.device))
        return like(alpha, x0) * x0 + like(sigma, x0) * noise


def check_times(t: Tensor) -> None:
    """Refuse times that lie on no way; on the CPU alone: elsewhere it would wait for the device.

    Raises:
        ValueError: a time outside [0, 1000], or one that is no number.
    """
    if t.device.type != "cpu" or torch.compiler.is_compiling() or torch.compiler.is_exporting():
        return
    if not ((t >= 0) & (t <= TIME)).all():
        raise ValueError(
            f"times are from 0, the picture, to {TIME:.0f}, noise; got {float(t.min()):.4g} to "
            f"{float(t.max()):.4g}"
        )


def last_part(levels: list[Level], strength: float) -> list[Level]:
    """The last `strength` of the steps between these levels, at least one.

    Raises:
        ValueError: a strength outside (0, 1].
    """
    if not 0 < strength <= 1:
        raise ValueError(
            f"strength is {strength}, expected more than 0 (nothing changes) and at most 1 (all)"
        )
    kept = max(1, round(strength * (len(levels) - 1)))
    return levels[-(kept + 1) :]


class NoiseSchedule(Path):
    """A diffusion schedule of T steps; alpha² + sigma² = 1.

    The running product is taken in float64, and sigma before rounding: 1 - alpha_bar of the first
    step keeps three digits in float32. Both roots are buffers, so they follow the module to its
    device.

    Args:
        betas: (T,), the share of the signal's energy that each step takes.

    Raises:
        ValueError: betas outside (0, 1].
    """

    alpha: Tensor
    sigma: Tensor

    def __init__(self, betas: Tensor) -> None:
        super().__init__()
        if betas.ndim != 1 or not ((betas > 0) & (betas <= 1)).all():
            raise ValueError(
                f"betas are (T,) numbers in (0, 1], got {tuple(betas.shape)} "
                f"from {float(betas.min()):.3g} to {float(betas.max()):.3g}"
            )
        alpha_bar = (1 - betas.double()).cumprod(0)
        self.register_buffer("alpha", alpha_bar.sqrt().float())
        self.register_buffer("sigma", (1 - alpha_bar).sqrt().float())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Both roots follow to a device, and keep float32: rounded to half precision, levels would
        run into one another."""
        exact = {"alpha": self.alpha, "sigma": self.sigma}
        super()._apply(fn, recurse)
        for name, value in exact.items():
            setattr(self, name, value.to(getattr(self, name).device))
        return self

    @property
    def steps(self) -> int:
        """T."""
        return len(self.alpha)

    @property
    def alpha_bar(self) -> Tensor:
        """(T,), alpha squared."""
        return self.alpha.square()

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha and sigma, (B,) each, of times (B,) that `draw` and `levels` give; raises as
        `check_times`."""
        check_times(t)
        index = (t * (self.steps / TIME)).round().long().clamp(max=self.steps - 1)
        return self.alpha[index], self.sigma[index]

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Uniform steps, as times (n,)."""
        steps = torch.randint(self.steps, (n,), generator=generator)
        return steps.float() * (TIME / self.steps)

    def levels(self, steps: int, strength: float = 1.0) -> list[Level]:
        """Trailing spacing: the last step of the schedule is the first that a sampler visits.

        Spacing that leads or rounds otherwise never meets pure noise, where sampling begins (Lin et
        al., 2024, table 2).
        """
        steps = whole("steps", steps, 1, self.steps)  # as many as the schedule has
        every = self.steps / steps
        index = [round(self.steps - i * every) - 1 for i in range(steps)]
        found = [
            Level(i * TIME / self.steps, float(self.alpha[i]), float(self.sigma[i])) for i in index
        ]
        return last_part([*found, CLEAN], strength)


class FlowPath(Path):
    """The straight line: x_t = (1 - t) x0 + t epsilon, with t = time / 1000.

    Source: Lipman et al., Flow Matching for Generative Modeling, 2023; Liu et al., Flow Straight
    and Fast, 2023. Here as everywhere in the course, t = 0 is the data (both papers have it the
    other way round).

    Args:
        mean: of the logit-normal times to train on; below 0 more of them lie near the data.
        std: their spread (Esser et al., Scaling Rectified Flow Transformers, 2024, section 3.1).
        shift: of the levels that a sampler visits: above 1 more of them lie near the noise, below 1
            near the data (the same, equation 23).

    Raises:
        ValueError: a mean that is no number, a std or shift that is none above 0.
    """

    def __init__(self, mean: float = 0.0, std: float = 1.0, shift: float = 1.0) -> None:
        super().__init__()
        if not (math.isfinite(mean) and 0 < std < math.inf and 0 < shift < math.inf):
            raise ValueError(
                f"mean is a number, std and shift are more than 0, got {mean}, {std} and {shift}"
            )
        self.mean, self.std, self.shift = mean, std, shift

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """1 - t / 1000 and t / 1000, (B,) each; raises as `check_times`."""
        check_times(t)
        return 1 - t / TIME, t / TIME

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Logit-normal times (n,)."""
        return TIME * logit_normal(n, self.mean, self.std, generator)

    def levels(self, steps: int, strength: float = 1.0) -> list[Level]:
        """Equal steps from noise to data, shifted."""
        steps = whole("steps", steps)
        even = [1 - i / steps for i in range(steps)]
        times = [self.shift * u / (1 + (self.shift - 1) * u) for u in even]
        return last_part([*(Level(TIME * u, 1 - u, u) for u in times), CLEAN], strength)


def logit_normal(
    n: int, mean: float = 0.0, std: float = 1.0, generator: torch.Generator | None = None
) -> Tensor:
    """Numbers (n,) in (0, 1) whose logits are normal: the middle of the way is met most often.

    Source: Esser et al., 2024, equation 19.
    """
    return (mean + std * torch.randn(n, generator=generator)).sigmoid()


def build_path(name: str) -> Path:
    """A path by the name that a model's config holds.

    Raises:
        ValueError: an unknown name.
    """
    makers: dict[str, Callable[[], Path]] = {
        "linear": lambda: NoiseSchedule(linear_betas()),
        "scaled-linear": lambda: NoiseSchedule(scaled_linear_betas()),
        "cosine": lambda: NoiseSchedule(cosine_betas()),
        "zero-snr": lambda: NoiseSchedule(zero_terminal_snr(scaled_linear_betas())),
        "flow": FlowPath,
    }
    if name not in makers:
        raise ValueError(f"no path is called {name!r}; choose one of {', '.join(makers)}")
    return makers[name]()
