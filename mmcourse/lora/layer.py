"""Layers with adapters: the frozen layer inside, any number of updates beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.lora.config import LoRAConfig
from mmcourse.lora.dora import DoRA
from mmcourse.lora.fused import low_rank_linear
from mmcourse.lora.lowrank import LowRank, LowRankConv, LowRankEmbedding, LowRankTransposed, Update


class Adapted(nn.Module, ABC):
    """A frozen layer and its adapters, of which any mix is in use.

    A layer is merged or not, and says so in `merged`. While it is, the updates in use are in the
    base's weight, and `forward` adds nothing; nothing else, no `eval()`, ever changes that.

    Args:
        base: the layer. Its parameters are frozen.
        config: of a first adapter, which is then in use.
        name: of that adapter.
    """

    base: Any

    def __init__(
        self, base: nn.Module, config: LoRAConfig | None = None, name: str = "default"
    ) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.adapters = nn.ModuleDict()
        self.active: tuple[tuple[Any, float], ...] = ()
        self.before: Tensor | None = None
        if config is not None:
            self.add(name, config)
            self.use({name: 1.0})

    @abstractmethod
    def build(self, config: LoRAConfig) -> Update:
        """An update for this kind of layer."""

    def add(self, name: str, config: LoRAConfig) -> None:
        """Add an adapter, which is not yet in use.

        Raises:
            ValueError: there is one of that name, or the config does not fit the layer.
        """
        if name in self.adapters:
            raise ValueError(f"there is an adapter {name!r} already: choose another name")
        self.adapters[name] = self.build(config).to(self.base.weight.device).train(self.training)

    def use(self, shares: Mapping[str, float]) -> None:
        """Use these adapters, each by its share; a name that this layer has not counts nothing.

        Raises:
            ValueError: while the layer is merged, or when DoRA would be mixed.
        """
        self.check_use(shares)
        self.active = self._chosen(shares)

    def check_use(self, shares: Mapping[str, float]) -> None:
        """Refuse shares that `use` would refuse, for the same reasons."""
        if self.merged:
            raise ValueError("the adapters are merged: unmerge them before you switch")
        chosen = self._chosen(shares)
        if any(isinstance(a, DoRA) for a, _ in chosen) and (len(chosen) > 1 or chosen[0][1] != 1):
            raise ValueError("a DoRA adapter sets the lengths of rows: use it alone, by 1")

    def _chosen(self, shares: Mapping[str, float]) -> tuple[tuple[Any, float], ...]:
        return tuple((self.adapters[n], s) for n, s in shares.items() if n in self.adapters)

    def forward(self, x: Tensor) -> Tensor:
        """The base's output, and what the adapters in use add to it."""
        out = self.base(x)
        if self.before is None:
            for adapter, share in self.active:
                out = adapter.add(self.base, x, out, share)
        return out

    @property
    def merged(self) -> bool:
        """Whether the updates in use are in the base's weight."""
        return self.before is not None

    @torch.no_grad()
    def merge(self) -> None:
        """Put the updates in use into the weight. A second call does nothing.

        The sum is taken in float32 and rounded once to the weight's type; the old weight is kept,
        so that `unmerge` brings back every bit of it.

        Raises:
            ValueError: a base that holds its weight packed.
        """
        if self.merged:
            return
        weight = self.base.weight
        if not isinstance(weight, Tensor) or not weight.is_floating_point():
            raise ValueError("a packed weight takes no update: unpack the base, then merge")
        changed = weight.detach().float()
        for adapter, share in self.active:
            changed = adapter.changed(changed, share)
        self.before = weight.detach()
        weight.data = changed.to(weight.dtype)

    @torch.no_grad()
    def unmerge(self) -> None:
        """Take them out again. A second call does nothing."""
        if self.before is not None:
            self.base.weight.data = self.before.to(self.base.weight)
            self.before = None

    def delta(self, name: str = "default") -> Tensor:
        """What an adapter would add to the weight, in the weight's shape and in float32."""
        return self.adapters[name].delta()  # type: ignore[operator]

    @property
    def weight(self) -> Tensor:
        """The base's weight, for code that asks a layer for its type or device."""
        return self.base.weight

    @property
    def bias(self) -> Tensor | None:
        """The base's bias."""
        return self.base.bias


class LoRALinear(Adapted):
    """W x + b + sum of share * scale * B A x, over the adapters in use."""

    base: nn.Linear

    def build(self, config: LoRAConfig) -> Update:
        """A low-rank update, with lengths of its own if the config says DoRA."""
        if config.dora:
            return DoRA(self.base, config)
        return LowRank(self.base.out_features, self.base.in_features, config)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        if len(self.active) == 1 and self.before is None:
            adapter, share = self.active[0]
            if self._in_one(adapter, x):
                base = self.base
                scale = share * adapter.scale
                return low_rank_linear(x, base.weight, base.bias, adapter.A, adapter.B, scale)
        return super().forward(x)

    def _in_one(self, adapter: LowRank, x: Tensor) -> bool:
        """Whether base and update can be computed in one piece: a plain frozen layer, one type of
        numbers, and no dropout between them."""
        weight = self.base.weight
        return (
            type(self.base) is nn.Linear
            and type(adapter) is LowRank
            and not (adapter.dropout and adapter.training)
            and x.dtype is weight.dtype is adapter.A.dtype
            and not weight.requires_grad
            and not torch.is_autocast_enabled(x.device.type)
        )

    @property
    def in_features(self) -> int:
        """As the base's."""
        return self.base.in_features

    @property
    def out_features(self) -> int:
        """As the base's."""
        return self.base.out_features


def lora_layer(linear: nn.Linear, rank: int = 8, alpha: float = 16.0) -> LoRALinear:
    """One linear layer with one adapter, in use: what a layer is before there is a model around it.

    Args:
        linear: the layer, which is frozen.
        rank: of the update.
        alpha: its strength.
    """
    return LoRALinear(linear, LoRAConfig(targets=("",), rank=rank, alpha=alpha))


class LoRATransposed(Adapted):
    """The same around GPT-2's `Conv1D`, a linear layer whose weight is (in, out)."""

    def build(self, config: LoRAConfig) -> Update:
        """A low-rank update whose delta is transposed.

        Raises:
            ValueError: DoRA.
        """
        if config.dora:
            raise ValueError("DoRA is for nn.Linear here, and a Conv1D is among the targets")
        inputs, outputs = self.base.weight.shape
        return LowRankTransposed(outputs, inputs, config)


class LoRAEmbedding(Adapted):
    """A table of words and updates of it."""

    base: nn.Embedding

    def build(self, config: LoRAConfig) -> Update:
        """An update that is looked up as the table is."""
        return LowRankEmbedding(self.base, config)


class LoRAConv2d(Adapted):
    """A convolution and updates of it."""

    base: nn.Conv2d

    def build(self, config: LoRAConfig) -> Update:
        """A convolution with few channels, and one that mixes them."""
        return LowRankConv(self.base, config)


def wrapper_of(layer: nn.Module) -> type[Adapted] | None:
    """The class that adapts this kind of layer, or None."""
    if isinstance(layer, nn.Linear) or getattr(layer, "packed_linear", False):
        return LoRALinear
    if isinstance(layer, nn.Embedding):
        return LoRAEmbedding
    if isinstance(layer, nn.Conv2d):
        return LoRAConv2d
    if type(layer).__name__ == "Conv1D" and hasattr(layer, "nf"):  # without importing transformers
        return LoRATransposed
    return None
