"""AdamW for everything, or Muon for a model's matrices beside it, driven as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn


def optimisers(
    matrices: Sequence[nn.Parameter],
    rest: Iterable[nn.Parameter],
    lr: float,
    muon: float | None,
    betas: tuple[float, float] = (0.9, 0.99),
    decay: tuple[float, float] = (0.01, 0.01),
) -> list[torch.optim.Optimizer]:
    """AdamW; and Muon for the matrices, if it has a rate.

    Muon's updates are scaled to the size that AdamW's have, so both follow one course of the rate.
    What is no matrix (biases, norms) does not decay.

    Args:
        matrices: the first of `nn.split_for_muon`.
        rest: the second.
        lr: AdamW's rate.
        muon: Muon's, or None to train the matrices by AdamW too.
        betas: AdamW's.
        decay: of the weights, by AdamW and by Muon.
    """
    if muon is None:
        matrices, rest = (), [*matrices, *rest]
    groups: list[list[nn.Parameter]] = [[], []]
    for parameter in rest:
        groups[parameter.ndim < 2].append(parameter)
    decays = zip(groups, (decay[0], 0.0), strict=True)
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            [{"params": own, "weight_decay": share} for own, share in decays],
            lr=lr,
            betas=betas,
            fused=True,
        )
    ]
    if matrices and muon is not None:
        found.append(
            torch.optim.Muon(
                matrices, lr=muon, weight_decay=decay[1], adjust_lr_fn="match_rms_adamw"
            )
        )
    return found


class Course:
    """Several optimisers whose rates rise and fall together.

        course = Course(optimisers(matrices, rest, lr, muon))
        course.begin(rate)     # 0 to 1; forgets the gradients
        loss.backward()
        course.step()

    Args:
        optimisers: with the rates that are their peaks.
    """

    def __init__(self, optimisers: Sequence[torch.optim.Optimizer]) -> None:
        self.optimisers = list(optimisers)
        self.peaks = [[group["lr"] for group in o.param_groups] for o in self.optimisers]

    def begin(self, rate: float) -> None:
        """Set every rate to this share of its peak, and forget the gradients."""
        for optimiser, peaks in zip(self.optimisers, self.peaks, strict=True):
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            optimiser.zero_grad()

    def step(self) -> None:
        """Take a step of each."""
        for optimiser in self.optimisers:
            optimiser.step()
