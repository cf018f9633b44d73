"""From logits to a draw: guidance, temperature, top-k and top-p."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mmcourse.refusals import whole


def top_k_filter(logits: Tensor, k: int) -> Tensor:
    """Only the k largest logits of each row stay; the others become -inf. 0 keeps all.

    Of equal ones at the border all stay.

    Source: Fan et al., Hierarchical Neural Story Generation, 2018.

    Args:
        logits: (..., K).
        k: how many, 0 for all.

    Raises:
        ValueError: a k that is negative, or no whole number.
    """
    k = whole("k", k, 0)
    if k == 0 or k >= logits.shape[-1]:
        return logits
    least = logits.topk(k, -1).values[..., -1:]  # (..., 1)
    return logits.masked_fill(logits < least, -torch.inf)


def top_p_filter(logits: Tensor, p: float) -> Tensor:
    """Only the fewest likeliest whose chances add up to p or more stay; the others become -inf.

    The likeliest always stays. 1 keeps all.

    Source: Holtzman et al., The Curious Case of Neural Text Degeneration, 2020, section 3.1.

    Args:
        logits: (..., K).
        p: the least sum of what stays, in (0, 1].

    Raises:
        ValueError: a p out of range.
    """
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1, got {p}")
    if p == 1:
        return logits
    falling, order = logits.sort(dim=-1, descending=True)  # (..., K) each
    chances = falling.softmax(-1)
    before = chances.cumsum(-1) - chances  # what those ahead of it add up to
    gone = (before >= p).scatter(-1, order, before >= p)  # back into the order of the logits
    return logits.masked_fill(gone, -torch.inf)


def guided(told: Tensor, free: Tensor, guidance: float) -> Tensor:
    """free + s (told - free): 1 is what was learnt, above 1 asks for the text more than that.

    Source: Ho & Salimans, Classifier-Free Diffusion Guidance, 2022.

    Args:
        told: logits with the text, any shape.
        free: logits without it, the same shape.
        guidance: s, 0 or more.
    """
    return free + guidance * (told - free)


@dataclass(frozen=True)
class Drawing:
    """How codes are drawn.

    Args:
        temperature: below 1 draws what is likely more often still.
        top_k: draw among so many of the likeliest; 0 for all.
        top_p: draw among the likeliest that add up to so much; 1 for all.
        guidance: see `guided`; any but 1 takes twice the work.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    guidance: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}")
        if not 0 <= self.guidance < math.inf:
            raise ValueError(f"guidance must be at least 0 (1 is off), got {self.guidance}")
        top_k_filter(torch.zeros(1), self.top_k)  # refuses what is out of range
        top_p_filter(torch.zeros(1), self.top_p)

    def draw(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One index (...) from each row of logits (..., K); drawn on the CPU, so that a seed draws
        the same everywhere.

        Raises:
            ValueError: a row with NaN or infinity, or with nothing to draw from.
        """
        if logits.ndim == 0 or logits.shape[-1] == 0:
            raise ValueError(f"logits are {tuple(logits.shape)}: there is nothing to draw from")
        rows = logits.float().reshape(-1, logits.shape[-1]) / self.temperature
        highest = rows.amax(-1)  # NaN where one is
        if not highest.isfinite().all():
            raise ValueError(
                "a row of logits holds NaN or infinity, or rules everything out: look at the "
                f"model, or at the temperature, {self.temperature}"
            )
        rows = top_p_filter(top_k_filter(rows, self.top_k), self.top_p)
        drawn = torch.multinomial(rows.softmax(-1).cpu(), 1, generator=generator)
        return drawn.reshape(logits.shape[:-1]).to(logits.device)
