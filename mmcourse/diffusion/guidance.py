"""Classifier-free guidance: go further in the direction in which the words changed the answer."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.diffusion.cond import Cond, join
from mmcourse.diffusion.samplers import Denoiser
from mmcourse.diffusion.schedule import TIME


def guide(unconditional: Tensor, conditional: Tensor, scale: float) -> Tensor:
    """u + s (c - u): s = 1 is the conditional answer itself, s = 0 the unconditional one.

    The paper writes (1 + w) c - w u, which is the same with s = 1 + w. Being linear, it may be
    applied to epsilon, x0, v or flow alike.

    Source: Ho and Salimans, Classifier-Free Diffusion Guidance, 2022, equation 6.

    Args:
        unconditional: (B, ...), what the model says without a condition.
        conditional: (B, ...), what it says with it.
        scale: s.
    """
    return unconditional + scale * (conditional - unconditional)


def rescale(guided: Tensor, conditional: Tensor, share: float) -> Tensor:
    """Bring a guided answer back towards the spread of the conditional one, row by row.

    Strong guidance makes numbers large and pictures garish. Source: Lin et al., 2024, section 3.4
    (share 0.7 there). A row whose numbers are all the same has no spread, and stays as it is.

    Args:
        guided: (B, ...).
        conditional: (B, ...).
        share: 0 leaves the guided answer as it is, 1 gives it the other's deviation.
    """
    over = list(range(1, guided.ndim))
    spread = guided.std(over, keepdim=True)
    factor = torch.where(spread > 0, conditional.std(over, keepdim=True) / spread, 1.0)
    return share * factor * guided + (1 - share) * guided


def draw_dropped(n: int, p: float = 0.1, generator: torch.Generator | None = None) -> Tensor:
    """Which rows of a batch lose their condition in this training step, (n,) bool.

    Each row for itself: dropped batches would alternate between two tasks.

    Raises:
        ValueError: p outside [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}, expected a probability")
    return torch.rand(n, generator=generator) < p


class Guided:
    """A denoiser that guides another one: `guided(x, t, cond)`, to be given to any sampler.

    Both answers come from one batch of twice the rows. Outside the interval, and with scale 1, the
    conditional answer is taken as it is, at half the price.

    Source of the interval: Kynkäänniemi et al., Applying Guidance in a Limited Interval Improves
    Sample and Distribution Quality in Diffusion Models, 2024.

    Args:
        model: a denoiser with a condition.
        null: the learned condition of "nothing was said", one row or as many as there are pictures.
        scale: s of `guide`.
        interval: guide at these times only, in [0, 1000]. At high noise guidance decides the whole
            picture too early.
        rescaled: the share of `rescale`.

    Raises:
        ValueError: a model that knows no condition, or an empty interval.
    """

    def __init__(
        self,
        model: Denoiser,
        null: Cond | None,
        scale: float,
        interval: tuple[float, float] = (0.0, TIME),
        rescaled: float = 0.0,
    ) -> None:
        if null is None or len(null) == 0:
            raise ValueError(
                "guidance needs a model with a condition and its null; this one draws without "
                "words: use scale 1"
            )
        if not interval[0] < interval[1]:
            raise ValueError(f"the interval is empty: {interval}; give (lowest, highest) time")
        self.model, self.null, self.scale = model, null, scale
        self.interval, self.rescaled = interval, rescaled

    def __call__(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
        """x (B, ...) at times (B,), all the same, to the guided answer (B, ...).

        Raises:
            ValueError: no condition.
        """
        if cond is None:
            raise ValueError("guidance without a condition: pass cond, or use the model itself")
        cond = cond.expand(len(x))
        inside = self.interval[0] <= float(t[0]) <= self.interval[1]
        if self.scale == 1 or not inside:
            return self.model(x, t, cond)
        both = join(self.null.expand(len(x)), cond)
        answers = self.model(torch.cat([x, x]), torch.cat([t, t]), both)
        unconditional, conditional = answers.chunk(2)
        found = guide(unconditional, conditional, self.scale)
        return rescale(found, conditional, self.rescaled) if self.rescaled else found
