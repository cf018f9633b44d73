"""Adapters as files: the few megabytes that were learned, and whose they are.

The layout is peft's, so that either library reads what the other wrote: adapter_config.json and
adapter_model.safetensors. Beside the tensors stands a fingerprint of the base; an adapter of
another base is refused, since it would load without a word and answer nonsense.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from mmcourse.cards import read_json
from mmcourse.checkpoints import describe_mismatch, write_atomically
from mmcourse.lora.config import LoRAConfig
from mmcourse.lora.dora import DoRA
from mmcourse.lora.injection import adapted_layers, adapters, find_targets, inject
from mmcourse.lora.layer import Adapted, wrapper_of
from mmcourse.paths import user_path
from mmcourse.training import plain

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
SAMPLED = 256
"""Numbers of each tensor that the fingerprint looks at."""
UNKNOWN = ("modules_to_save", "rank_pattern", "alpha_pattern", "layers_to_transform",
           "layer_replication", "exclude_modules", "target_parameters", "trainable_token_indices",
           "lora_bias", "corda_config", "eva_config", "layers_pattern")  # fmt: skip
"""What peft's config may ask for and this package does not do."""


def fingerprint(model: nn.Module) -> str:
    """Twelve digits that tell the base weights of a model from others'.

    A sample of every tensor, rounded to bfloat16, so that float32 and bfloat16 copies of one model
    have the same. Names don't matter, adapters and merging neither.
    """
    known = getattr(model, "base_fingerprint", None)
    if known is not None:
        return known
    layers = adapted_layers(model)
    before = {id(m.base.weight): m.before for m in layers.values() if m.before is not None}
    mine = {id(p) for m in layers.values() for p in m.adapters.parameters()}
    parts = []
    for parameter in model.parameters():
        if id(parameter) in mine:
            continue
        flat = before.get(id(parameter), parameter).detach().flatten()
        at = torch.linspace(0, len(flat) - 1, min(SAMPLED, len(flat)), device=flat.device).long()
        some = flat[at].to(torch.bfloat16).cpu().view(torch.int16).numpy().tobytes()
        parts.append(hashlib.sha256(f"{tuple(parameter.shape)}".encode() + some).digest())
    return hashlib.sha256(b"".join(sorted(parts))).hexdigest()[:12]


def adapter_tensors(model: nn.Module, name: str = "default") -> dict[str, Tensor]:
    """An adapter's parameters by the names that files have for them.

    Raises:
        ValueError: the model has no such adapter.
    """
    if name not in adapters(model):
        there = ", ".join(adapters(model)) or "none"
        raise ValueError(f"no adapter {name!r}; there are {there}")
    out: dict[str, Tensor] = {}
    for path, layer in adapted_layers(plain(model)).items():
        if name in layer.adapters:
            adapter = layer.adapters[name]
            for key, parameter in zip(adapter.NAMES, adapter.parameters()):  # type: ignore[arg-type]
                out[f"{PREFIX}{path}.{key}"] = parameter
    return out


def save_adapter(model: nn.Module, folder: str | Path, config: LoRAConfig,
                 name: str = "default") -> None:  # fmt: skip
    """Write one adapter, without its base.

    Args:
        model: with the adapter.
        folder: where to; it is made if need be.
        config: what the adapter was injected with.
        name: which.

    Raises:
        ValueError: the model has no such adapter, or one of another rank, scale, kind or of other
            layers than the config says, or with NaN or infinity in it.
        OSError: if the disk is full; what was saved before is unharmed.
    """
    tensors = {k: v.detach().cpu().contiguous() for k, v in adapter_tensors(model, name).items()}
    model = plain(model)
    _check_config(model, config, name)
    _refuse_nan(tensors, "so nothing was saved: look at the training")
    text = json.dumps(to_peft(config), indent=2, sort_keys=True) + "\n"
    told = {"format": "pt", "base": fingerprint(model), "digest": _digest(tensors)}
    folder = user_path(folder)
    write_atomically({folder / CONFIG: text.encode(), folder / TENSORS: save(tensors, told)})


def _check_config(model: nn.Module, config: LoRAConfig, name: str) -> None:
    """Refuse to save an adapter beside a config by which it would load as another one."""
    held = {p: m.adapters[name] for p, m in adapted_layers(model).items() if name in m.adapters}
    for path, adapter in held.items():
        for what, found, said in (
            ("rank", adapter.rank, config.rank),
            ("a scale of", adapter.scale, config.scale),
            ("DoRA", isinstance(adapter, DoRA), config.dora),
        ):
            if found != said:
                raise ValueError(
                    f"adapter {name!r} has {what} {found}, the config says {said} (of {path}): "
                    "pass the config that it was injected with"
                )
    meant = set(find_targets(model, config.targets))
    if meant != set(held):
        path = min(meant ^ set(held))
        only = "the config alone means" if path in meant else "the config does not mean"
        raise ValueError(
            f"adapter {name!r} is on other layers than the config says: {only} {path}; pass the "
            "config that it was injected with"
        )


def load_adapter(model: nn.Module, folder: str | Path, name: str = "default") -> LoRAConfig:
    """Add a saved adapter to a model, and use it alone.

    Args:
        model: the base, with or without other adapters.
        folder: that `save_adapter` or peft has written.
        name: what to call it here.

    Returns:
        Its config.

    Raises:
        ValueError: in one line, if it belongs to another base, is damaged, has tensors too few or
            too many, or asks for what this package does not do. The model is unchanged then, but
            for being frozen.
    """
    config = read_config(folder)
    tensors, base = _read(user_path(folder) / TENSORS)
    model = plain(model)
    mine = fingerprint(model)
    if base and base != mine:
        raise ValueError(
            f"{folder} is an adapter of another base (its base is {base}, this is {mine}): load "
            "the model that it was trained on"
        )
    expected = expected_tensors(model, config)
    wrong = describe_mismatch(expected, tensors)
    if wrong:
        raise ValueError(f"{folder} does not fit the layers that it names: {wrong}")
    _refuse_nan(tensors, f"in {folder}: take an earlier save, or train it again")
    with torch.random.fork_rng():
        inject(model, config, name)
    with torch.no_grad():
        for key, parameter in adapter_tensors(model, name).items():
            parameter.copy_(tensors[key])
    return config


def expected_tensors(model: nn.Module, config: LoRAConfig) -> dict[str, Tensor]:
    """What a file must hold for a config to fit a model: names and, without numbers, shapes.

    Raises:
        ValueError: as `inject`.
    """
    out: dict[str, Tensor] = {}
    for path, module in find_targets(model, config.targets).items():
        wrapper: Any = wrapper_of(module)
        layer = module if isinstance(module, Adapted) else wrapper(module)
        try:
            with torch.device("meta"):
                update = layer.build(config)
        except ValueError as error:
            raise ValueError(f"{path!r}: {error}") from None
        for key, parameter in zip(update.NAMES, update.parameters()):
            out[f"{PREFIX}{path}.{key}"] = parameter
    return out


def read_config(folder: str | Path) -> LoRAConfig:
    """The config of a saved adapter.

    Raises:
        ValueError: it is missing, not LoRA's, or asks for what this package does not do.
    """
    told = read_json(user_path(folder) / CONFIG)
    if told.get("peft_type") != "LORA":
        raise ValueError(f"{folder} is {told.get('peft_type')!r}, expected a LoRA adapter")
    strange = [key for key in UNKNOWN if told.get(key)]
    if told.get("bias", "none") != "none":
        strange.append("bias")
    if strange:
        raise ValueError(f"{folder} uses {', '.join(strange)}, which is not done here: use peft")
    targets = told.get("target_modules") or ()
    missing = [key for key in ("r", "lora_alpha") if key not in told]
    if missing:
        raise ValueError(f"{folder}/{CONFIG} has no {missing[0]!r}: save the adapter again")
    named = isinstance(targets, list) and all(isinstance(target, str) for target in targets)
    for key in ("use_rslora", "use_dora"):
        if not isinstance(told.get(key, False), bool | None):
            raise ValueError(
                f"{folder}/{CONFIG} has {key} {told[key]!r}, expected true or false: save the "
                "adapter again"
            )
    return LoRAConfig(
        targets=tuple(sorted(targets)) if named else targets,
        rank=told["r"],
        alpha=told["lora_alpha"],
        dropout=told.get("lora_dropout", 0.0),
        rs=bool(told.get("use_rslora")),
        dora=bool(told.get("use_dora")),
    )


def to_peft(config: LoRAConfig) -> dict[str, Any]:
    """What peft calls the same numbers, for its `LoraConfig(**...)` or its file."""
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "inference_mode": True,
        "target_modules": config.targets if isinstance(config.targets, str) else [*config.targets],
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "use_rslora": config.rs,
        "use_dora": config.dora,
        "bias": "none",
        "init_lora_weights": True,
    }


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    """Tensors, and the fingerprint of their base where there is one."""
    if not path.is_file():
        raise ValueError(f"{path} is missing: save the adapter again")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            told = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged ({reason}): save the adapter again") from None
    if told.get("digest", digest := _digest(tensors)) != digest:  # peft's files have none
        raise ValueError(f"{path} is damaged (other numbers than were saved): save it again")
    return tensors, told.get("base", "")


def _digest(tensors: dict[str, Tensor]) -> str:
    """A sha256 over names, types, shapes and numbers, since the format itself has no checksum."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _refuse_nan(tensors: dict[str, Tensor], what_to_do: str) -> None:
    for name, value in tensors.items():
        if not value.is_floating_point():
            raise ValueError(f"{name} is {value.dtype}, expected floats, {what_to_do}")
        if not value.isfinite().all():
            held = "NaN" if value.isnan().any() else "infinity"
            raise ValueError(f"{name} holds {held}, {what_to_do}")
