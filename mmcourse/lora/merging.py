"""Put updates into the weights for good, or for a while."""

from __future__ import annotations

from torch import nn

from mmcourse.lora.injection import adapted_layers, put
from mmcourse.lora.layer import Adapted


def merge(model: nn.Module) -> None:
    """Put the adapters in use into the weights, so that they cost nothing.

    Sums are taken in float32. Calling it twice changes nothing more. Each adapted weight is kept
    once more, for `unmerge`; `strip` lets go of it.

    Raises:
        ValueError: a base that is packed to 4 bits; nothing is merged then.
    """
    layers = adapted_layers(model).values()
    packed = [path for path, m in adapted_layers(model).items() if not m.weight.is_floating_point()]
    if packed:
        raise ValueError(
            f"{packed[0]!r} is packed to 4 bits, and an update can't be merged into that: "
            "`unpack` the model first"
        )
    for layer in layers:
        layer.merge()


def unmerge(model: nn.Module) -> None:
    """Take the adapters out of the weights, which are then what they were, to the last bit."""
    for layer in adapted_layers(model).values():
        layer.unmerge()


def strip(model: nn.Module) -> nn.Module:
    """The model without any trace of adapters, in place: as merged as it is, and plain again.

    `merge(model); strip(model)` gives what any code can save and load. The parameters stay frozen.
    Of a layer with adapters itself, its base.
    """
    if isinstance(model, Adapted):
        model = model.base
    for path, layer in adapted_layers(model).items():
        put(model, path, layer.base)
    return model
