"""Two losses for one distance: codes move to the encoder, and the encoder keeps to its codes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def codebook_loss(z: Tensor, q: Tensor) -> Tensor:
    """Pull each used code towards what chose it; the encoder gets no gradient.

    Source: van den Oord et al., Neural Discrete Representation Learning, 2017, equation 3.

    Args:
        z: what the encoder said, any shape.
        q: the codes that were chosen, the same shape.

    Returns:
        A scalar: the mean squared difference.
    """
    return F.mse_loss(q, z.detach())


def commitment_loss(z: Tensor, q: Tensor) -> Tensor:
    """Pull what the encoder says towards its code; the codebook gets no gradient.

    Source and arguments: as `codebook_loss`.
    """
    return F.mse_loss(z, q.detach())


def vq_loss(z: Tensor, q: Tensor, beta: float = 0.25) -> Tensor:
    """The codebook's loss and beta times the encoder's: each side has a gradient of its own.

    Source: van den Oord et al., Neural Discrete Representation Learning, 2017, equation 3.

    Args:
        z: what the encoder said, any shape.
        q: the codes that were chosen, the same shape.
        beta: weight of the commitment loss.
    """
    return F.mse_loss(q, z.detach()) + beta * F.mse_loss(z, q.detach())
