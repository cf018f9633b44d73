"""The few lines that this page's small networks are trained by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from mmcourse.training import check_finite, cosine_schedule


def descend(
    model: nn.Module, loss_at: Callable[[int], Tensor], *, steps: int, lr: float
) -> Iterator[dict[str, float]]:
    """Train in place by AdamW, and yield {"step", "loss"} after each step.

    Args:
        model: to be trained.
        loss_at: the number of a step, from 0, to the loss on what it is shown, a scalar.
        steps: optimiser steps.
        lr: peak learning rate; it rises for 20 steps and falls along a cosine.

    Raises:
        ValueError: a loss that is not finite.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    model.train()
    for step in range(steps):
        loss = loss_at(step)
        check_finite(loss, step + 1)
        for group in optimiser.param_groups:
            group["lr"] = lr * cosine_schedule(step, steps, warmup=min(20, steps - 1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield {"step": step + 1, "loss": loss.item()}
    model.eval()
