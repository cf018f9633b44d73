"""The smallest towers that there are: a matrix each. They train in a fraction of a second."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.joint.losses import siglip_loss


def train_siglip(
    text: Tensor, image: Tensor, text_map: Tensor, image_map: Tensor, steps: int
) -> tuple[Tensor, Tensor, float, float]:
    """Train two linear towers with the sigmoid loss, all pairs in each step.

    Args:
        text: (N, A), a row for each text.
        image: (N, B), a row for each picture; row i belongs to row i of `text`.
        text_map: (A, D), where to start; `text @ text_map`, normalised, are the texts' vectors.
        image_map: (B, D), likewise.
        steps: optimiser steps.

    Returns:
        both maps, trained, and the scale and bias that were learnt with them.
    """
    maps = [text_map.detach().clone(), image_map.detach().clone()]
    log_scale, bias = torch.tensor(10.0).log(), torch.tensor(-10.0)
    learnt = [x.requires_grad_() for x in (*maps, log_scale, bias)]
    optimiser = torch.optim.Adam(learnt, lr=0.05)
    for _ in range(steps):
        u, v = (F.normalize(x @ m, dim=1) for x, m in zip((text, image), maps, strict=True))
        loss = siglip_loss(u, v, log_scale.exp(), bias)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return maps[0].detach(), maps[1].detach(), log_scale.exp().item(), bias.item()
