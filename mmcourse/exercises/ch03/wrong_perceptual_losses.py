"""Perceptual losses with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Maps = tuple[Tensor, ...]


def unit(x: Tensor, dim: Any = 1) -> Tensor:
    """At length 1 along an axis."""
    return x / (x.square().sum(dim, keepdim=True) + 1e-8).sqrt()


class Looks(nn.Module):
    """A perceptual loss of which one part may be broken; this form is right."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.hidden = [network.eval().requires_grad_(False)]  # a list: no part of the tree
        self.weights = weights

    def forward(self, drawn: Tensor, x: Tensor) -> Tensor:
        """Both (B, 3, H, W) to a scalar."""
        seen, wanted = self.look(drawn, x)
        total = torch.zeros(())
        for i, (a, b) in enumerate(zip(seen, wanted)):
            error = self.difference(self.normalise(a), self.normalise(b))  # (B, C, H, W)
            if self.weights is not None:
                error = error * self.weights[i].view(1, -1, 1, 1)
            total = total + self.mean(error)
        return total

    def look(self, drawn: Tensor, x: Tensor) -> tuple[Maps, Maps]:
        """The maps of both."""
        return self.hidden[0](drawn), self.hidden[0](x.detach())

    def normalise(self, maps: Tensor) -> Tensor:
        """Each place at length 1."""
        return unit(maps)

    def difference(self, a: Tensor, b: Tensor) -> Tensor:
        """Of two maps."""
        return (a - b) ** 2

    def mean(self, error: Tensor) -> Tensor:
        """Over places, of sums over channels."""
        return error.sum(1).mean()


class InTheTree(Looks):
    """The network is a child: it is woken by train(), saved and trained."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__(network, weights)
        self.network = network


class Wakes(Looks):
    """train() reaches the network, though nothing else does."""

    def train(self, mode: bool = True) -> Wakes:
        self.hidden[0].train(mode)
        return super().train(mode)


class Saved(Looks):
    """The network stays asleep, and is saved with everything else."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__(network, weights)
        self.network = network

    def train(self, mode: bool = True) -> Saved:
        super().train(mode)
        self.network.eval()
        return self

    def parameters(self, recurse: bool = True) -> Any:
        return iter(())


class NotFrozen(Looks):
    """The network's own parameters get gradients."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__(network, weights)
        self.hidden[0].requires_grad_(True)


class BothPulled(Looks):
    """The gradient goes to the true picture as well."""

    def look(self, drawn: Tensor, x: Tensor) -> tuple[Maps, Maps]:
        return self.hidden[0](drawn), self.hidden[0](x)


class NoGradient(Looks):
    """Both are looked at without gradients: the loss has a value and teaches nothing."""

    def look(self, drawn: Tensor, x: Tensor) -> tuple[Maps, Maps]:
        with torch.no_grad():
            return self.hidden[0](drawn), self.hidden[0](x)

    def forward(self, drawn: Tensor, x: Tensor) -> Tensor:
        return super().forward(drawn, x) + 0 * drawn.sum()


class NotNormalised(Looks):
    """Channels as they come: the loudest layer is all that counts."""

    def normalise(self, maps: Tensor) -> Tensor:
        return maps


class OverPlaces(Looks):
    """Each channel's whole map at length 1, not each place."""

    def normalise(self, maps: Tensor) -> Tensor:
        return unit(maps, (2, 3))


class LastMapOnly(Looks):
    """Only the deepest map is compared."""

    def look(self, drawn: Tensor, x: Tensor) -> tuple[Maps, Maps]:
        seen, wanted = super().look(drawn, x)
        return (seen[0] * 0, *seen[1:]), (wanted[0] * 0, *wanted[1:])


class SumOfPlaces(Looks):
    """A sum over places, which grows with the picture."""

    def mean(self, error: Tensor) -> Tensor:
        return error.sum() / len(error)


class Unweighted(Looks):
    """Weights are taken and not used."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__(network, None)


class Frozen(nn.Module):
    """Another right one: a child that is kept asleep and out of the state dict."""

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.network, self.weights = network, weights
        for p in network.parameters():
            p.requires_grad = False
        self.train()

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        self.network.eval()
        return self

    def parameters(self, recurse: bool = True) -> Any:
        return iter(())

    def state_dict(self, *given: Any, **options: Any) -> Any:
        return options.get("destination", {})

    def forward(self, drawn: Tensor, x: Tensor) -> Tensor:
        total = 0.0 * drawn.sum()
        with torch.no_grad():
            wanted = self.network(x)
        for i, (a, b) in enumerate(zip(self.network(drawn), wanted)):
            weight = torch.ones(a.shape[1]) if self.weights is None else self.weights[i]
            gap = (unit(a) - unit(b)).permute(0, 2, 3, 1)  # (B, H, W, C)
            total = total + ((gap * gap) @ weight).mean()
        return total


Make = Callable[..., nn.Module]
