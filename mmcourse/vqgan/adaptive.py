"""How loudly the critic may speak: as loudly as the reconstruction, where both meet."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.processes import total, world

EPSILON = 1e-4
LIMIT = 10.0
"""The largest weight. While the critic is new its gradients are tiny, and the quotient is huge."""


def adaptive_weight(
    reconstruction: Tensor, adversarial: Tensor, last: Tensor, limit: float = LIMIT
) -> Tensor:
    """‖∇ reconstruction‖ / (‖∇ adversarial‖ + 1e-4), both at the decoder's last weight.

    With it both losses change that layer at the same pace, however the critic's logits are scaled.
    Of several processes all take the weight of the whole batch.

    Source: Esser et al., Taming Transformers for High-Resolution Image Synthesis, 2021, equation 7.

    Args:
        reconstruction: the loss of the reconstruction, perceptual part included: a scalar with its
            graph, which is kept.
        adversarial: the loss of those who draw, such as `hinge_generator_loss`, likewise.
        last: the weight of the decoder's last layer, a parameter that both losses depend on.
        limit: the largest weight.

    Returns:
        A scalar in [0, limit], a constant: no gradient flows through it.
    """
    of_reconstruction, of_critic = (
        (total(torch.autograd.grad(loss, last, retain_graph=True)[0].float()) / world()).norm()
        for loss in (reconstruction, adversarial)
    )
    return (of_reconstruction / (of_critic + EPSILON)).clamp(0, limit).detach()
