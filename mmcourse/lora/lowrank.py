"""The updates themselves: two thin matrices in place of a large one, for each kind of layer.

An update knows nothing of the layer that it changes but its sizes. `forward` says what it adds to
the layer's output, `delta` what it would add to the layer's weight; both are the same update.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.lora.config import LoRAConfig


def kaiming(*shape: int) -> nn.Parameter:
    """A's start, as `nn.Linear` starts: uniform, of variance 1 / (3 in), a third of what would keep
    A x at the size of x."""
    return nn.Parameter(nn.init.kaiming_uniform_(torch.empty(shape), a=math.sqrt(5)))


class LowRank(nn.Module):
    """scale * B A x, of a linear layer. B starts at 0, so nothing changes before the first step;
    A does not, or no gradient would ever reach either.

    Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2022, equation 3.

    Args:
        outputs: features that the layer gives.
        inputs: features that it takes.
        config: of the adapter.

    Raises:
        ValueError: a rank above the layer's own, which would be no saving.
    """

    NAMES: tuple[str, ...] = ("lora_A.weight", "lora_B.weight")
    """What peft's files call A and B."""

    def __init__(self, outputs: int, inputs: int, config: LoRAConfig) -> None:
        super().__init__()
        check_rank(config.rank, outputs, inputs)
        self.A = kaiming(config.rank, inputs)
        self.B = nn.Parameter(torch.zeros(outputs, config.rank))
        self.rank, self.scale, self.dropout = config.rank, config.scale, config.dropout

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to what is added to the layer's output, (..., outputs)."""
        x = self._seen(x).to(self.A.dtype)
        return self.scale * F.linear(F.linear(x, self.A), self.B)

    def _seen(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x

    def add(self, base: Any, x: Tensor, out: Tensor, share: float) -> Tensor:
        """The layer's output with `share` of the update."""
        return out + (share * self(x)).to(out.dtype)

    def delta(self) -> Tensor:
        """What the update adds to a weight (outputs, inputs), in float32."""
        return self.scale * self.B.detach().float() @ self.A.detach().float()

    def changed(self, weight: Tensor, share: float) -> Tensor:
        """A weight in float32 with `share` of the update in it."""
        return weight + share * self.delta()


class LowRankTransposed(LowRank):
    """The same for a layer that keeps its weight as (inputs, outputs), as GPT-2's do."""

    def delta(self) -> Tensor:
        """What the update adds to a weight (inputs, outputs), in float32."""
        return super().delta().T


class LowRankEmbedding(nn.Module):
    """An update of a table of words: A has a column for each word, so looking up is picking one.

    Here A starts at 0 and B does not: a lookup has no input to be random about.

    Args:
        base: the table.
        config: of the adapter; dropout has no meaning here and is left out.

    Raises:
        ValueError: a rank above the table's own, or DoRA.
    """

    NAMES: tuple[str, ...] = ("lora_embedding_A", "lora_embedding_B")

    def __init__(self, base: nn.Embedding, config: LoRAConfig) -> None:
        super().__init__()
        check_plain(config, "an embedding")
        check_rank(config.rank, base.embedding_dim, base.num_embeddings)
        self.A = nn.Parameter(torch.zeros(config.rank, base.num_embeddings))
        self.B = nn.Parameter(torch.randn(base.embedding_dim, config.rank))
        self.rank, self.scale, self.padding = config.rank, config.scale, base.padding_idx

    def forward(self, ids: Tensor) -> Tensor:
        """(...) ids to what is added to their vectors, (..., width)."""
        return self.scale * F.embedding(ids, self.A.T, self.padding) @ self.B.T

    def add(self, base: Any, ids: Tensor, out: Tensor, share: float) -> Tensor:
        """The vectors with `share` of the update."""
        return out + (share * self(ids)).to(out.dtype)

    def delta(self) -> Tensor:
        """What the update adds to the table (words, width), in float32."""
        return self.scale * (self.B.detach().float() @ self.A.detach().float()).T

    def changed(self, weight: Tensor, share: float) -> Tensor:
        """A table in float32 with `share` of the update in it."""
        return weight + share * self.delta()


class LowRankConv(nn.Module):
    """An update of a convolution: A is one with few channels, B mixes them at each place.

    Args:
        base: the convolution.
        config: of the adapter.

    Raises:
        ValueError: a rank above the layer's own, DoRA, or a convolution in groups.
    """

    NAMES: tuple[str, ...] = ("lora_A.weight", "lora_B.weight")

    def __init__(self, base: nn.Conv2d, config: LoRAConfig) -> None:
        super().__init__()
        check_plain(config, "a convolution")
        if base.groups != 1:
            raise ValueError(
                f"the convolution has {base.groups} groups, and a low rank would mix them: leave "
                "it out of the targets"
            )
        outputs, *patch = base.weight.shape  # (out, in, kh, kw)
        check_rank(config.rank, outputs, math.prod(patch))
        self.A = kaiming(config.rank, *patch)
        self.B = nn.Parameter(torch.zeros(outputs, config.rank, 1, 1))
        self.rank, self.scale, self.dropout = config.rank, config.scale, config.dropout
        self.geometry: dict[str, Any] = {
            "stride": base.stride,
            "padding": base.padding,
            "dilation": base.dilation,
        }
        if base.padding_mode != "zeros":
            raise ValueError(
                f"the convolution pads with {base.padding_mode!r}, expected 'zeros': leave it out"
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to what is added to the layer's output."""
        x = F.dropout(x, self.dropout, self.training) if self.dropout else x
        return self.scale * F.conv2d(F.conv2d(x.to(self.A.dtype), self.A, **self.geometry), self.B)

    def add(self, base: Any, x: Tensor, out: Tensor, share: float) -> Tensor:
        """The layer's output with `share` of the update."""
        return out + (share * self(x)).to(out.dtype)

    def delta(self) -> Tensor:
        """What the update adds to a weight (out, in, kh, kw), in float32."""
        A, B = self.A.detach().float(), self.B.detach().float()
        return self.scale * torch.einsum("or,rchw->ochw", B[:, :, 0, 0], A)

    def changed(self, weight: Tensor, share: float) -> Tensor:
        """A weight in float32 with `share` of the update in it."""
        return weight + share * self.delta()


Update = LowRank | LowRankEmbedding | LowRankConv


def check_rank(rank: int, outputs: int, inputs: int) -> None:
    """Refuse a rank that the layer itself has not.

    Raises:
        ValueError: in one line.
    """
    most = min(outputs, inputs)
    if rank > most:
        raise ValueError(
            f"rank {rank} is above that of a layer of {outputs} by {inputs}, which is at most "
            f"{most}: choose a smaller one, or other targets"
        )


def check_plain(config: LoRAConfig, what: str) -> None:
    """Refuse DoRA where it isn't defined here."""
    if config.dora:
        raise ValueError(
            f"DoRA is for linear layers, and {what} is among the targets: leave it out"
        )
