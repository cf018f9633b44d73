"""adaLN-Zero blocks with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.dit.block import modulate
from mmcourse.dit.conditionings import AdaLNBlock


class Block(AdaLNBlock):
    """A right one, in steps that the wrong ones change."""

    vectors = 6

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__(dim, heads, mlp_ratio)
        for parameter in self.modulation.parameters():
            nn.init.zeros_(parameter)

    def told(self, condition: Tensor) -> Tensor:
        return self.modulation(F.silu(condition))

    def six(self, condition: Tensor) -> list[Tensor]:
        return list(self.told(condition)[:, None].chunk(6, -1))

    def norm(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return modulate(x, shift, scale)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        a, b, c, d, e, f = self.six(condition)
        x = x + c * self.attention(self.norm(x, a, b))
        return x + f * self.mlp(self.norm(x, d, e))


class InitialisedAgain(Block):
    def __init__(self, dim: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__(dim, heads, mlp_ratio)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)


class OneForgotten(Block):
    def norm(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], eps=1e-6) * scale + shift


class WithoutSiLU(Block):
    def told(self, condition: Tensor) -> Tensor:
        return self.modulation(condition)


class WithoutNorm(Block):
    def norm(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return x * (1 + scale) + shift


class GatesExchanged(Block):
    def six(self, condition: Tensor) -> list[Tensor]:
        a, b, c, d, e, f = super().six(condition)
        return [a, b, f, d, e, c]


class ShiftForScale(Block):
    def six(self, condition: Tensor) -> list[Tensor]:
        a, b, c, d, e, f = super().six(condition)
        return [b, a, c, e, d, f]


class SideBySide(Block):
    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        a, b, c, d, e, f = self.six(condition)
        return x + c * self.attention(self.norm(x, a, b)) + f * self.mlp(self.norm(x, d, e))


class FirstRowsCondition(Block):
    def told(self, condition: Tensor) -> Tensor:
        return super().told(condition[:1].expand_as(condition))


class ShutGates(Block):
    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        a, b, c, d, e, f = self.six(condition)
        x = x + c.detach() * self.attention(self.norm(x, a, b))
        return x + f.detach() * self.mlp(self.norm(x, d, e))


class NothingAdded(Block):
    """The gated part takes the place of what came in, unless the gate is 0."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        a, b, c, d, e, f = self.six(condition)
        x = torch.where(c == 0, x, c * self.attention(self.norm(x, a, b)))
        return x + f * self.mlp(self.norm(x, d, e))


class InFloat64(Block):
    """Right to more digits than float32 has: what a test expects that asks for the last bit."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return super().forward(x, condition).double()
