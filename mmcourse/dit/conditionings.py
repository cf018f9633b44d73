"""Four ways to tell a block of a transformer the time and the class: the paper's comparison.

Each block takes tokens (B, T, D) and a condition, and returns tokens of the same shape, so one
model is built of any of them (`class_dit.ClassDiT`). What the condition is, differs: a vector
(B, D) for the two adaLN blocks, tokens (B, K, D) for the two others.

Source: Peebles & Xie, Scalable Diffusion Models with Transformers, 2023, section 3.2, figure 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.dit.block import modulate
from mmcourse.nn import Attention, zeroed


def pointwise(dim: int, mlp_ratio: int) -> nn.Sequential:
    """Each token for itself."""
    return nn.Sequential(
        nn.Linear(dim, mlp_ratio * dim),
        nn.GELU(approximate="tanh"),
        nn.Linear(mlp_ratio * dim, dim),
    )


class InContextBlock(nn.Module):
    """The condition is tokens among the others: an ordinary block, which need not know of it.

    Costs no weights and little time; `ClassDiT` appends the tokens before the first block and takes
    them away after the last.

    Args:
        dim: width.
        heads: of the attention.
        mlp_ratio: how much wider the two-layer network is.
    """

    appended = True
    """Whether the condition stands in the sequence."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads)
        self.mlp = pointwise(dim, mlp_ratio)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, T, D), the condition among its tokens; `condition` is not looked at again."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class CrossAttentionBlock(nn.Module):
    """The condition is a second sequence, to which a further attention looks.

    Costs a further attention in each block, 15 % of the time in the paper.

    Args:
        dim: width.
        heads: of both attentions.
        mlp_ratio: how much wider the two-layer network is.
    """

    appended = False

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(dim, eps=1e-6) for _ in range(3))
        self.attention, self.cross = Attention(dim, heads), Attention(dim, heads)
        self.mlp = pointwise(dim, mlp_ratio)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, T, D) that looks at tokens (B, K, D)."""
        x = x + self.attention(self.norm1(x))
        x = x + self.cross(self.norm2(x), condition)
        return x + self.mlp(self.norm3(x))


class AdaLNBlock(nn.Module):
    """The condition is a vector, from which the shift and scale of each norm are computed.

    Every token hears the same. Costs no time, but the layer that computes four vectors from one.

    Args:
        dim: width.
        heads: of the attention.
        mlp_ratio: how much wider the two-layer network is.
    """

    appended = False
    vectors = 4

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.attention = Attention(dim, heads)
        self.mlp = pointwise(dim, mlp_ratio)
        self.modulation = nn.Linear(dim, self.vectors * dim)

    def parts(self, condition: Tensor) -> tuple[Tensor, ...]:
        """The condition (B, D) as `vectors` vectors (B, 1, D)."""
        return self.modulation(F.silu(condition)).unsqueeze(1).chunk(self.vectors, -1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, T, D), condition (B, D)."""
        shift, scale, mlp_shift, mlp_scale = self.parts(condition)
        x = x + self.attention(modulate(x, shift, scale))
        return x + self.mlp(modulate(x, mlp_shift, mlp_scale))


class AdaLNZeroBlock(AdaLNBlock):
    """adaLN with a gate on each part, all of them 0 at the start: the block is then the identity,
    and a model of any depth trains as a shallow one would.

    The best of the four in the paper, and what "DiT" means since. The layer is zeroed last: an
    initialisation of the whole model after it would undo that, and nothing would look wrong.
    """

    vectors = 6

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__(dim, heads, mlp_ratio)
        zeroed(self.modulation)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, T, D), condition (B, D)."""
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = self.parts(condition)
        x = torch.addcmul(x, gate, self.attention(modulate(x, shift, scale)))
        return torch.addcmul(x, mlp_gate, self.mlp(modulate(x, mlp_shift, mlp_scale)))


CONDITIONINGS: dict[str, type[InContextBlock | CrossAttentionBlock | AdaLNBlock]] = {
    "in-context": InContextBlock,
    "cross-attention": CrossAttentionBlock,
    "adaLN": AdaLNBlock,
    "adaLN-Zero": AdaLNZeroBlock,
}
"""Each block by the paper's name."""
