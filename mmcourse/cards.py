"""Cards: what made a result, so that a reader can tell and repeat it.

A shipped model has a `card.json` beside its weights: the command, seed, sources, device and data
that made it, and its metrics on the held-out split. The book prints no number that is not in one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import math
import platform
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from mmcourse._version import __version__
from mmcourse.checkpoints import write_atomically
from mmcourse.devices import usable_cpus
from mmcourse.paths import user_path


def sources_hash(modules: Iterable[str | ModuleType]) -> str:
    """The sha256 of the source of modules and packages, for the card of what they trained.

    A package stands for all the .py files beneath it. The order in which modules are given, line
    endings and the place of installation do not matter.

    Raises:
        ValueError: if a module does not exist or has no Python source.
    """
    files: dict[str, Path] = {}
    for module in modules:
        name = module if isinstance(module, str) else module.__name__
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            spec = None
        if spec is None or not (spec.origin or "").endswith(".py"):
            raise ValueError(f"{name!r} has no Python source: give the name of a module or package")
        source = Path(str(spec.origin))
        if spec.submodule_search_locations is None:
            files[name.replace(".", "/") + ".py"] = source
        else:
            root = source.parent
            for path in root.rglob("*.py"):
                files[f"{name.replace('.', '/')}/{path.relative_to(root).as_posix()}"] = path
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        text = path.read_text(encoding="utf-8")  # universal newlines
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """The versions that a result may depend on, for cards and banners."""
    versions = {"mmcourse": __version__, "python": platform.python_version()}
    for package in ("torch", "torchvision", "accelerate", "numpy", "pillow", "safetensors"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def device_name(device: str | torch.device) -> str:
    """The device in words, for cards and banners: "NVIDIA T4", "2 cores of AMD EPYC"."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{usable_cpus()} cores of {model}"


CARD_FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "command": str,
    "seed": int,
    "sources": str,
    "tier": str,
    "device": str,
    "wall_time_s": (int, float),
    "data": str,
    "licence": str,
    "versions": dict,
    "metrics": dict,
}
"""The fields that every card has, and their types."""

METRIC_FIELDS = ("value", "n", "chance", "band")
"""The numbers of a metric: it, its sample size, what guessing gives, and the band around the value
that a new measurement may fall in. Only `chance` may be null, where guessing has no meaning."""


def check_card(card: dict[str, Any]) -> None:
    """Check that a card has all its fields, of the right types, with finite metrics.

    Raises:
        ValueError: in one line, naming the field, what it is and what it should be.
    """
    for field, kind in CARD_FIELDS.items():
        if field not in card:
            raise ValueError(f"the card has no {field!r}: it needs {', '.join(CARD_FIELDS)}")
        entry = card[field]
        if not isinstance(entry, kind) or isinstance(entry, bool) or entry == "":
            expected = "a number" if isinstance(kind, tuple) else f"a {kind.__name__}"
            raise ValueError(f"the card's {field!r} is {entry!r}, expected {expected}, not empty")
    for name, metric in card["metrics"].items():
        for field in METRIC_FIELDS:
            value: Any = metric.get(field, "missing") if isinstance(metric, dict) else "missing"
            if value is None and field == "chance":
                continue
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and math.isfinite(value)):
                raise ValueError(
                    f"the card's metric {name!r} has {field} {value!r}, expected a finite number"
                )


def write_card(folder: str | Path, card: dict[str, Any]) -> None:
    """Write `card.json` beside a model's weights, with the sha256 of these weights as "weights".

    Raises:
        ValueError: if a field is missing or wrong, or the folder holds no weights.
        OSError: if the disk is full; the previous card is unharmed.
    """
    check_card(card)
    folder = user_path(folder)
    whole = {**card, "weights": file_hash(folder / "model.safetensors")}
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically({folder / "card.json": text.encode()})


def load_card(folder: str | Path) -> dict[str, Any]:
    """Read the card in a model's folder.

    Raises:
        ValueError: if it is missing, incomplete, or belongs to other weights than those beside it.
    """
    folder = user_path(folder)
    path = folder / "card.json"
    card = read_json(path)
    try:
        check_card(card)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if card.get("weights") != file_hash(folder / "model.safetensors"):
        raise ValueError(f"{path} describes other weights than those beside it: write it again")
    return card


def file_hash(path: str | Path) -> str:
    """The sha256 of a file, in hexadecimal.

    Raises:
        ValueError: if there is no such file.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}: save the model first")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        ValueError: in one line, if the file is missing or not a JSON object.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: is {Path(path).parent} a saved model?") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"{path} is not readable as JSON ({error}): save the model again"
        ) from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds a {type(value).__name__}, expected a JSON object")
    return value
