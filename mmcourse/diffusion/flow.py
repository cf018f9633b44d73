"""Flow matching in five lines: the training step that the lab writes by hand."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mmcourse.diffusion.samplers import Denoiser
from mmcourse.diffusion.schedule import TIME, like


def flow_matching_loss(model: Denoiser, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """How far the predicted velocity is from that of the straight line from x0 to its noise.

    Source: Lipman et al., Flow Matching for Generative Modeling, 2023, equation 23, with the data
    at t = 0; Liu et al., Flow Straight and Fast, 2023, equation 1.

    Args:
        model: told x_t and 1000 t, a float for each row, it predicts noise - x0.
        x0: (B, ...), data.
        noise: (B, ...), a standard normal draw for each number.
        t: (B,), where on the way each row is, 0 (data) to 1 (noise).

    Returns:
        The mean squared error over all numbers, a scalar.

    Raises:
        ValueError: no data, which has no mean.
    """
    if x0.numel() == 0:
        raise ValueError(f"x0 is {tuple(x0.shape)}, so there is no mean: give one row or more")
    u = like(t, x0)  # (B, 1, ..., 1)
    x = (1 - u) * x0 + u * noise
    return F.mse_loss(model(x, TIME * t), noise - x0)
