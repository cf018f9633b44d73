"""LoRA layers with a bug each: the suspects of a bug hunt, and a right one written by hand."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ByHand(nn.Module):
    """A frozen copy of the layer, A, B, and whether the update is in the weight."""

    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        self.frozen = copy.deepcopy(linear).requires_grad_(False)
        bound = linear.in_features**-0.5
        self.A = nn.Parameter(torch.empty(rank, linear.in_features).uniform_(-bound, bound))
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank))
        self.scale, self.inside = alpha / rank, False

    def forward(self, x: Tensor) -> Tensor:
        out = self.frozen(x)
        return out if self.inside else out + self.scale * x @ self.A.T @ self.B.T

    def update(self) -> Tensor:
        return self.scale * (self.B @ self.A).detach()

    def merge(self) -> None:
        if not self.inside:
            self.frozen.weight.data += self.update()
            self.inside = True

    def unmerge(self) -> None:
        if self.inside:
            self.frozen.weight.data -= self.update()
            self.inside = False


class InColumns(ByHand):
    """Right: the update is computed as a weight of its own, and merging remembers the old one."""

    def forward(self, x: Tensor) -> Tensor:
        if self.inside:
            return self.frozen(x)
        weight = self.frozen.weight + self.scale * torch.einsum("or,ri->oi", self.B, self.A)
        return F.linear(x, weight, self.frozen.bias)

    def merge(self) -> None:
        if not self.inside:
            self.old = self.frozen.weight.data.clone()
        super().merge()

    def unmerge(self) -> None:
        if self.inside:
            self.frozen.weight.data, self.inside = self.old, False


class BothZero(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, alpha)
        nn.init.zeros_(self.A)


class BothRandom(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, alpha)
        nn.init.normal_(self.B, std=0.3)


class NoAlpha(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, float(rank))


class NoRank(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, alpha * rank)


class BaseLearns(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, alpha)
        self.frozen.requires_grad_(True)


class BiasLearns(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, alpha)
        if self.frozen.bias is not None:
            self.frozen.bias.requires_grad_(True)


class NoBias(ByHand):
    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__(linear, rank, alpha)
        self.frozen.bias = None  # type: ignore[assignment]


class DetachedA(ByHand):
    def forward(self, x: Tensor) -> Tensor:
        out = self.frozen(x)
        return out if self.inside else out + self.scale * x @ self.A.T.detach() @ self.B.T


class MergedTwice(ByHand):
    def merge(self) -> None:
        self.frozen.weight.data += self.update()
        self.inside = True


class UnmergedTwice(ByHand):
    def unmerge(self) -> None:
        self.frozen.weight.data -= self.update()
        self.inside = False


class AddedAndMerged(ByHand):
    def forward(self, x: Tensor) -> Tensor:
        return self.frozen(x) + self.scale * x @ self.A.T @ self.B.T


class MergesUnscaled(ByHand):
    def update(self) -> Tensor:
        return (self.B @ self.A).detach()


class MergesInEval(ByHand):
    """`eval()` merges, `train()` unmerges, behind everybody's back; `merge()` then merges again."""

    def train(self, mode: bool = True) -> MergesInEval:
        super().train(mode)
        if not mode and not self.inside:
            self.frozen.weight.data += self.update()
            self.inside = True
        elif mode and self.inside:
            self.frozen.weight.data -= self.update()
            self.inside = False
        return self

    def merge(self) -> None:
        self.frozen.weight.data += self.update()
        self.inside = True


class Demanding(nn.Module):
    """What a test wrongly expects that asks for equal bits: nothing is ever rounded."""

    def __init__(self, linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        self.frozen = copy.deepcopy(linear).requires_grad_(False)
        self.A = nn.Parameter(torch.randn(rank, linear.in_features))
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        weight = self.frozen.weight + self.scale * self.B @ self.A
        return F.linear(x, weight, self.frozen.bias)

    def merge(self) -> None:
        pass

    def unmerge(self) -> None:
        pass
