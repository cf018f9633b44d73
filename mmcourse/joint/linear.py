"""The smallest towers that there are: a matrix each. They train in a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.joint.losses import siglip_loss

Trained = tuple[Tensor, Tensor, float, float]
"""Text map, image map, scale and bias."""


def train_siglip(
    text: Tensor, image: Tensor, text_map: Tensor, image_map: Tensor, steps: int
) -> Trained:
    """Train two linear towers with the sigmoid loss, all pairs in each step.

    Args:
        text: (N, A), a row for each text.
        image: (N, E), a row for each picture; row i belongs to row i of `text`.
        text_map: (A, D), where to start; `text @ text_map`, normalised, are the texts' vectors.
        image_map: (E, D), likewise.
        steps: optimiser steps.

    Returns:
        both maps, trained, and the scale and bias that were learnt with them.
    """

    def loss(u: Tensor, v: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        return siglip_loss(F.normalize(u, dim=1), F.normalize(v, dim=1), scale, bias)

    return fit(text, image, text_map, image_map, steps, loss)


def fit(
    text: Tensor,
    image: Tensor,
    text_map: Tensor,
    image_map: Tensor,
    steps: int,
    loss: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
) -> Trained:
    """`train_siglip` with any loss(texts (N, D), pictures (N, D), scale, bias) to a scalar; the
    rows that it is given have the lengths that the maps give them."""
    maps = [text_map.detach().clone(), image_map.detach().clone()]
    log_scale, bias = torch.tensor(10.0).log(), torch.tensor(-10.0)
    learnt = [x.requires_grad_() for x in (*maps, log_scale, bias)]
    optimiser = torch.optim.Adam(learnt, lr=0.05)
    for _ in range(steps):
        value = loss(text @ maps[0], image @ maps[1], log_scale.exp(), bias)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return maps[0].detach(), maps[1].detach(), log_scale.exp().item(), bias.item()
