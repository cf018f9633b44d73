"""A distance that compares what a network sees rather than the pixels themselves."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from mmcourse.paths import user_path

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in [0, 1], by which its networks are fed."""
LAST_OF = (3, 8, 15, 22, 29)
"""The layers of VGG16 whose outputs are compared: the last ReLU at each size."""
TINY = 1e-8


class FeatureNetwork(Protocol):
    """Whatever sees: pictures (B, 3, H, W) in [-1, 1] to maps (B, C_i, H_i, W_i)."""

    def __call__(self, x: Tensor, /) -> tuple[Tensor, ...]:
        """Feature maps, those of the largest size first."""
        ...


def unit_length(x: Tensor) -> Tensor:
    """The vector (C,) at each place of x (B, C, H, W) at length 1; one of zeros stays so."""
    return x * (x.square().sum(1, keepdim=True) + TINY).rsqrt()


class PerceptualLoss(nn.Module):
    """How differently a frozen network sees two pictures.

    At each place of each map the channels are brought to length 1; the squared difference is summed
    over the channels, each times its weight, and averaged over places. Maps are added up.

    The network stands beside the tree of modules, not in it. So it has no part in `parameters()`,
    in a checkpoint or in an EMA, and a parent's `.train()` does not reach it; `.to(device)` does.

    Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric
    (LPIPS), 2018, equation 1.

    Args:
        network: `Features`, `VGG16Features` or another `FeatureNetwork` that is a module. It is
            frozen and put into eval mode.
        weights: for each map, a weight for each of its channels (C_i,), as LPIPS learnt them from
            people's judgements; all 1 if None.
    """

    network: nn.Module
    weights: list[Tensor] | None

    def __init__(self, network: nn.Module, weights: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "network", network.eval().requires_grad_(False))
        self.weights = None if weights is None else [w.detach().float() for w in weights]

    def forward(self, drawn: Tensor, x: Tensor) -> Tensor:
        """Reconstructions and their pictures, both (B, 3, H, W) in [-1, 1], to a scalar. The
        gradient goes to `drawn` alone.

        Raises:
            ValueError: shapes that differ, no pictures, or weights of another number than the
                network's maps.
        """
        if drawn.shape != x.shape:
            raise ValueError(
                f"the two must have one shape, got {tuple(drawn.shape)} and {tuple(x.shape)}"
            )
        if not len(x):
            raise ValueError(f"the pictures are {tuple(x.shape)}, and none have no distance")
        seen = self.network(drawn)
        with torch.no_grad():
            wanted = self.network(x)
        if self.weights is not None and len(self.weights) != len(seen):
            raise ValueError(
                f"{len(self.weights)} lists of weights for a network of {len(seen)} maps; "
                "were they learnt for another network?"
            )
        total = drawn.new_zeros((), dtype=torch.float32)
        for i, (a, b) in enumerate(zip(seen, wanted, strict=True)):
            error = (unit_length(a.float()) - unit_length(b.float())).square()  # (B, C, H, W)
            if self.weights is not None:
                error = error * self.weights[i][:, None, None]
            total = total + error.sum(1).mean()
        return total

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the network along with everything else."""
        super()._apply(fn, recurse)
        self.network._apply(fn, recurse)
        if self.weights is not None:
            self.weights = [fn(w) for w in self.weights]
        return self


class VGG16Features(nn.Module):
    """VGG16 up to its last ReLU, as a `FeatureNetwork` of five maps.

    It takes pictures in [-1, 1] and feeds VGG what it was trained on: [0, 1], less ImageNet's mean,
    by its deviation.

    Source: Simonyan & Zisserman, Very Deep Convolutional Networks, 2015.

    Args:
        layers: `torchvision.models.vgg16(...).features`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers[: LAST_OF[-1] + 1]
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # or the maps would be overwritten
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) in [-1, 1] to five maps, each half as large as the one before."""
        x = ((x + 1) / 2 - self.mean) / self.deviation
        maps = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in LAST_OF:
                maps.append(x)
        return tuple(maps)


def vgg16_features(weights: str | Path | None = None) -> VGG16Features:
    """VGG16 as trained on ImageNet, without its classifier.

    Args:
        weights: a file of the state dict of torchvision's `vgg16`; None downloads it once.

    Raises:
        ValueError: in one line, if torchvision is missing, the file is none of VGG16, or nothing
            can be downloaded.
    """
    try:
        from torchvision.models import VGG16_Weights
        from torchvision.models.vgg import cfgs, make_layers
    except ImportError:
        raise ValueError(
            "VGG16 needs torchvision: pip install 'mmcourse[labs]', or use `features`"
        ) from None
    layers = make_layers(cfgs["D"])
    try:
        if weights is None:
            state = VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=False)
        else:
            state = torch.load(user_path(weights), weights_only=True)
        mine = {k.removeprefix("features."): v for k, v in state.items() if k[:9] == "features."}
        layers.load_state_dict(mine)
    except (OSError, RuntimeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        what = "download" if weights is None else str(weights)
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"VGG16's weights did not come ({what}: {reason}); offline, give a file of them, or "
            "use `features`, which is shipped"
        ) from None
    return VGG16Features(layers)


def lpips_weights(file: str | Path) -> list[Tensor]:
    """The channels' weights that LPIPS learnt, from its file for VGG16 (`vgg.pth`, version 0.1).

    Raises:
        ValueError: a file that is missing or none of these.
    """
    try:
        found: dict[str, Any] = torch.load(user_path(file), weights_only=True)
        return [found[f"lin{i}.model.1.weight"].flatten() for i in range(len(LAST_OF))]
    except (
        *(OSError, RuntimeError, KeyError, TypeError, EOFError, AttributeError),
        pickle.UnpicklingError,
    ) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{file} holds no weights of LPIPS for VGG16 ({reason}); expected vgg.pth of the "
            "package lpips, version 0.1"
        ) from None
