"""DoRA: learn the direction of each row of a weight by LoRA, and its length by itself."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.lora.config import LoRAConfig
from mmcourse.lora.lowrank import LowRank


class DoRA(LowRank):
    """W' = m (W + scale B A) / ‖W + scale B A‖, row by row; m starts as the rows' lengths.

    The lengths in the denominator are taken as constants in the backward pass, as the paper
    proposes (section 4.3): the gradient is nearly the same, and much memory is saved.

    Source: Liu et al., DoRA: Weight-Decomposed Low-Rank Adaptation, 2024, equation 5.

    Args:
        base: the linear layer.
        config: of the adapter.

    Raises:
        ValueError: a rank above the layer's own, or a weight that is not kept in full.
    """

    NAMES: tuple[str, ...] = (*LowRank.NAMES, "lora_magnitude_vector")

    def __init__(self, base: nn.Linear, config: LoRAConfig) -> None:
        super().__init__(base.out_features, base.in_features, config)
        if base.weight.shape != (base.out_features, base.in_features):
            raise ValueError(
                "DoRA needs the weight itself, and this layer holds it packed: use dora=False"
            )
        self.m = nn.Parameter(base.weight.detach().float().norm(dim=1))

    def add(self, base: Any, x: Tensor, out: Tensor, share: float) -> Tensor:
        """The layer's output, recomputed from directions and lengths; `share` must be 1."""
        if share != 1.0:
            raise ValueError(
                f"a DoRA adapter was asked to count by {share}; its lengths belong to the whole "
                "update: use it with 1, or not at all"
            )
        weight = base.weight.detach()
        ratio = self.m / self._rows(weight.float(), self.A.detach(), self.B.detach())
        seen = self._seen(x).to(self.A.dtype)
        if seen is not x:  # what dropout hides, it hides from both
            plain = F.linear(seen.to(weight.dtype), weight)
        else:
            plain = out if base.bias is None else out - base.bias
        update = self.scale * F.linear(F.linear(seen, self.A), self.B)
        return out + ((ratio - 1) * plain + ratio * update).to(out.dtype)

    def _rows(self, weight: Tensor, A: Tensor, B: Tensor) -> Tensor:
        """Lengths of the rows of the changed weight, (outputs,)."""
        rows = torch.linalg.vector_norm(weight + self.scale * B.float() @ A.float(), dim=1)
        return rows.clamp(min=torch.finfo(rows.dtype).tiny)

    def changed(self, weight: Tensor, share: float) -> Tensor:
        """A weight in float32 with the update in it, its rows as long as m says."""
        rows = self._rows(weight, self.A.detach(), self.B.detach())
        ratio = (self.m.detach().float() / rows)[:, None]
        return ratio * (weight + self.delta())
