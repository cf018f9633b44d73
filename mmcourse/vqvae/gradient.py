"""Gradients through a choice: what the encoder is told, although choosing has no derivative."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def straight_through(z: Tensor, q: Tensor) -> Tensor:
    """The value of q with the gradient of z, as if nothing had been chosen.

    Source: Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons, 2013.

    Args:
        z: (N, D), what the encoder said.
        q: (N, D), the codes that were chosen for it.
    """
    return z + (q - z).detach()


def rotation_trick(z: Tensor, q: Tensor) -> Tensor:
    """The value of q, as the rotation and stretching of z that takes it there.

    Rotation and stretch are held fixed, so the gradient is turned and stretched as z was. Two
    vectors of one cell then receive different gradients, and the angle between gradient and
    code is kept. With u and w the unit vectors of z and q, and h that of their sum, the rotation
    of x is x - 2 h (h·x) + 2 w (u·x): two reflections.

    Source: Fifty et al., Restructuring Vector Quantization with the Rotation Trick, 2025.

    Args:
        z: (N, D), what the encoder said.
        q: (N, D), the codes that were chosen for it.
    """
    length, wanted = z.norm(dim=1, keepdim=True), q.norm(dim=1, keepdim=True)  # (N, 1)
    u = F.normalize(z, dim=1).detach()
    w = F.normalize(q, dim=1).detach()
    h = F.normalize(u + w, dim=1)
    turned = z - 2 * h * (h * z).sum(1, keepdim=True) + 2 * w * (u * z).sum(1, keepdim=True)
    stretch = (wanted / length.clamp(min=torch.finfo(z.dtype).tiny)).detach()
    # Opposite vectors have no sum to reflect at, and a vector of no length has no direction.
    lost = ((u + w).norm(dim=1, keepdim=True) < 1e-6) | (length == 0)
    return torch.where(lost, straight_through(z, q), turned * stretch)


ESTIMATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "straight-through": straight_through,
    "rotation": rotation_trick,
}


def pick_estimator(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """An estimator by its name.

    Raises:
        ValueError: an unknown name.
    """
    if name not in ESTIMATORS:
        raise ValueError(f"estimator {name!r} does not exist; choose one of {sorted(ESTIMATORS)}")
    return ESTIMATORS[name]
