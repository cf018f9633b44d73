"""Put adapters into a model that somebody else wrote, and take them out again.

The order matters: freeze, inject, then build the optimiser, which would otherwise hold none of the
new parameters. `inject` does the first two.

    inject(model, LoRAConfig(targets=("q_proj", "v_proj"), rank=8))
    optimiser = torch.optim.AdamW(trainable(model), lr=1e-3)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from mmcourse.lora.config import LoRAConfig, is_number
from mmcourse.lora.layer import Adapted, wrapper_of
from mmcourse.training import plain


def adapted_layers(model: nn.Module) -> dict[str, Adapted]:
    """The layers with adapters by their paths, in the model's order."""
    return {path: m for path, m in model.named_modules() if isinstance(m, Adapted)}


def adapters(model: nn.Module) -> tuple[str, ...]:
    """The names of all adapters in a model."""
    names = {name: None for layer in adapted_layers(model).values() for name in layer.adapters}
    return tuple(names)


def matches(path: str, targets: tuple[str, ...] | str) -> bool:
    """Whether a layer's path is meant: a name is its end, a string a pattern of all of it."""
    if isinstance(targets, str):
        return re.fullmatch(targets, path) is not None
    return any(path == name or path.endswith(f".{name}") for name in targets)


def find_targets(model: nn.Module, targets: tuple[str, ...] | str) -> dict[str, nn.Module]:
    """The layers that `targets` mean, by their paths; layers with adapters are among them.

    Raises:
        ValueError: none is meant (what there is is named), or one that can't be adapted: a
            container, a layer whose weight another layer shares, or a projection that
            `nn.MultiheadAttention` reads past the layer.
    """
    layers = dict(_outer(model))
    found = {path: m for path, m in layers.items() if matches(path, targets)}
    if not found:
        kinds = Counter(path.rpartition(".")[2] for path, m in layers.items() if _adaptable(m))
        there = ", ".join(f"{name} ({n})" for name, n in kinds.most_common(12)) or "none at all"
        raise ValueError(f"no layer matches {targets!r}; adaptable ones here are {there}")
    shared = _shared_weights(model)
    for path, module in found.items():
        if not _adaptable(module):
            raise ValueError(
                f"{path!r} is a {type(module).__name__}, which can't be adapted: name linear, "
                "embedding or convolution layers"
            )
        if isinstance(layers.get(path.rpartition(".")[0]), nn.MultiheadAttention):
            raise ValueError(
                f"{path!r} belongs to nn.MultiheadAttention, which reads the weight past the layer "
                "and would never see an adapter: leave it out"
            )
        weight = module.weight
        if id(weight) in shared:
            raise ValueError(
                f"the weight of {path!r} is shared ({' = '.join(shared[id(weight)])}), and an "
                "update would change one use and, once merged, both: leave it out"
            )
    return found


def replace_layers(
    model: nn.Module, targets: tuple[str, ...] | str, make: Callable[[nn.Module], nn.Module]
) -> list[str]:
    """Put other layers in the place of those that are meant.

    All are found before the first is replaced: an old layer lives on in the new one, where a second
    look would find it again.

    Args:
        model: changed in place.
        targets: as in `matches`.
        make: from a layer to what shall stand for it.

    Returns:
        Their paths.

    Raises:
        ValueError: as `find_targets`.
    """
    found = find_targets(model, targets)
    for path, layer in {path: make(layer) for path, layer in found.items()}.items():
        put(model, path, layer)
    return list(found)


def put(model: nn.Module, path: str, layer: nn.Module) -> None:
    """Set what a path in a model leads to."""
    parent, _, child = path.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)


def inject(model: nn.Module, config: LoRAConfig, name: str = "default") -> list[str]:
    """Freeze a model, add an adapter to the layers that are meant, and use it alone.

    Args:
        model: any module; it is changed in place.
        config: of the adapter.
        name: of the adapter; a model may hold several.

    Returns:
        The paths of the adapted layers.

    Raises:
        ValueError: as `find_targets`; an adapter of that name; a name with a dot; a model that is
            merged; a rank that does not fit. The model is unchanged then.
    """
    check_name(name)
    model = plain(model)
    if name in adapters(model):
        raise ValueError(f"there is an adapter {name!r} already: choose another name")
    if any(layer.merged for layer in adapted_layers(model).values()):
        raise ValueError("adapters are merged: unmerge them before you add another")
    found = find_targets(model, config.targets)  # all of them, before anything is replaced
    learned = [p for p in model.parameters() if p.requires_grad]
    ready: dict[str, Adapted] = {}
    for path, module in found.items():
        wrapper = wrapper_of(module)
        layer = module if isinstance(module, Adapted) else wrapper(module)  # type: ignore[misc]
        try:
            with torch.device("meta"):  # does it fit? No dice are thrown for that
                layer.build(config)
        except ValueError as error:
            for parameter in learned:
                parameter.requires_grad_(True)
            raise ValueError(f"{path!r}: {error}") from None
        ready[path] = layer
    model.requires_grad_(False)
    for path, layer in ready.items():
        layer.train(found[path].training)
        layer.add(name, config)
        put(model, path, layer)
    use(model, name)
    return list(found)


def use(model: nn.Module, adapters_in_use: str | Mapping[str, float] | None) -> None:
    """Switch adapters at run time.

    What is in use takes gradients, everything else takes none.

    Args:
        model: with adapters.
        adapters_in_use: a name; names with shares, whose updates are then summed; or None for the
            base alone.

    Raises:
        ValueError: a name that the model has not, a share that is no number, adapters that are
            merged, or DoRA that would be mixed. The model is unchanged then.
    """
    chosen = adapters_in_use
    shares = {chosen: 1.0} if isinstance(chosen, str) else chosen or {}
    if not isinstance(shares, Mapping):
        raise ValueError(
            f"adapters to use are a name, names with shares like {{'a': 0.5}}, or None, got a "
            f"{type(chosen).__name__}: {chosen!r}"
        )
    known = adapters(model)
    for name, share in shares.items():
        if name not in known:
            raise ValueError(f"no adapter {name!r}; there are {', '.join(known) or 'none'}")
        if not is_number(share):
            raise ValueError(f"the share of adapter {name!r} is {share!r}, expected a number")
    layers = adapted_layers(model).values()
    for layer in layers:
        layer.check_use(shares)
    for layer in layers:
        layer.use(shares)
        for name, adapter in layer.adapters.items():
            adapter.requires_grad_(name in shares)


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that take gradients, for an optimiser.

    Raises:
        ValueError: there are none: the optimiser would be built too early.
    """
    found = [p for p in model.parameters() if p.requires_grad]
    if not found:
        raise ValueError("nothing is trainable: inject an adapter first, then build the optimiser")
    return found


def trainable_share(model: nn.Module) -> float:
    """Parameters that take gradients, as a share of all others.

    Raises:
        ValueError: there are no others, since nothing is frozen.
    """
    learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    if not frozen:
        raise ValueError("nothing is frozen, so there is no share of it: inject an adapter first")
    return learned / frozen


def deltas(model: nn.Module, name: str = "default") -> dict[str, Tensor]:
    """What an adapter adds to each weight that it changes, in float32, by the layers' paths.

    Raises:
        ValueError: the model has no such adapter.
    """
    if name not in adapters(model):
        there = ", ".join(adapters(model)) or "none"
        raise ValueError(f"no adapter {name!r}; there are {there}")
    layers = adapted_layers(model)
    return {path: m.delta(name) for path, m in layers.items() if name in m.adapters}


def check_name(name: str) -> None:
    """Refuse what can't be the name of an adapter.

    Raises:
        ValueError: in one line.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise ValueError(f"adapter name {name!r}: letters, digits, - and _ only, no dot")
    if hasattr(nn.ModuleDict(), name):
        raise ValueError(f"adapter name {name!r} is a word of PyTorch's own: choose another name")


def _outer(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """All modules but the insides of layers with adapters."""
    inside: tuple[str, ...] = ()
    for path, module in model.named_modules():
        if inside and path.startswith(inside):
            continue
        if isinstance(module, Adapted):
            inside = (*inside, f"{path}.")
        if path:
            yield path, module


def _adaptable(module: nn.Module) -> bool:
    return isinstance(module, Adapted) or wrapper_of(module) is not None


def _shared_weights(model: nn.Module) -> dict[int, list[str]]:
    """The names of each parameter that goes by several."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name.replace(".base.", "."))
    return {key: several for key, several in names.items() if len(several) > 1}
