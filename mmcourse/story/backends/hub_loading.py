"""Load pretrained models by name: from a folder, from the cache, and only then from the hub.

Without a network the hub's client tries for minutes. So the cache is asked first, and where a file
has to come from the hub, one short look says whether the hub can be reached at all.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

OFFLINE = "offline, use a folder that holds the model, or the backends `world` and `tiny`"
LOOK_SECONDS = 2.0
ENOUGH = 1.3
"""A model stays on the GPU if its weights, times this, fit into the memory that is free."""


@dataclass(frozen=True)
class Place:
    """Where a model runs. `offload` moves its parts to the GPU one after another."""

    device: str
    dtype: str
    offload: bool = False


def place_for(weight_bytes: int = 0, device: str | None = None) -> Place:
    """Device and number format: bfloat16 on a GPU that computes in it (compute capability 8 and
    up; a T4 has 7.5), float16 on an older one, float32 on a CPU.

    Args:
        weight_bytes: how large the model is, to decide whether its parts take turns on the GPU.
        device: "cpu" or "cuda"; None takes a GPU if there is one.
    """
    import torch

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return Place("cpu", "float32")
    major, _ = torch.cuda.get_device_capability()
    free, _ = torch.cuda.mem_get_info()
    return Place(device, "bfloat16" if major >= 8 else "float16", ENOUGH * weight_bytes > free)


def reachable(seconds: float = LOOK_SECONDS) -> bool:
    """Whether the hub, or the proxy before it, answers at all."""
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    address = urlsplit(proxy or os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        port = address.port or (80 if address.scheme == "http" else 443)
        with socket.create_connection((address.hostname or "", port), timeout=seconds):
            return True
    except (OSError, ValueError):  # a port that is no number is a ValueError
        return False


def find_model(name: str, revision: str | None = None) -> Path:
    """The folder of a model.

    Args:
        name: a folder, or a hub id "organisation/name".
        revision: for a hub id, the commit, branch or tag.

    Raises:
        ValueError: in one line, if it is neither here nor to be had.
    """
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return folder
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ValueError(f"there is no folder {name!r}, and it is no hub id like 'owner/model'")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, FileNotFoundError):
        pass
    except HFValidationError as error:
        raise ValueError(f"{name!r} is no hub id: {str(error).splitlines()[0]}") from None
    if not reachable():
        raise ValueError(f"{name!r} is not in the cache, and the hub cannot be reached; {OFFLINE}")
    try:
        return Path(snapshot_download(name, revision=revision))
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name!r} did not come from the hub ({reason}); {OFFLINE}") from None


def weight_bytes(folder: Path) -> int:
    """How large a model's weights are."""
    return sum(f.stat().st_size for f in folder.rglob("*.safetensors"))


def load(auto: Any, name: str, revision: str | None = None, device: str | None = None) -> Any:
    """A transformers model by one of its Auto classes, in eval mode, where it runs best.

    Raises:
        ValueError: it cannot be found, is damaged, or has weights of another architecture.
    """
    import torch

    folder = find_model(name, revision)
    place = place_for(weight_bytes(folder), device)
    options: dict[str, Any] = {"dtype": getattr(torch, place.dtype), "local_files_only": True}
    if place.offload:
        options["device_map"] = "auto"
    try:
        model, report = auto.from_pretrained(folder, output_loading_info=True, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name!r} cannot be loaded: {reason}") from None
    if report["missing_keys"] or report["mismatched_keys"]:
        lost = sorted(report["missing_keys"]) or sorted(map(str, report["mismatched_keys"]))
        raise ValueError(f"{name!r} lacks weights of its architecture, such as {lost[0]}")
    model = model.eval()
    return model if place.offload else model.to(place.device)


def load_processor(name: str, revision: str | None = None) -> Any:
    """The processor of a model: tokenizer, picture preparation, chat template.

    Raises:
        ValueError: there is none in the folder.
    """
    from transformers import AutoProcessor

    folder = find_model(name, revision)
    try:
        return AutoProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name!r} has no processor that loads: {reason}") from None


def plain_text(text: str, specials: list[str]) -> str:
    """A text in which no control string of a model is left: `<image>` becomes `< image>`."""
    for token in sorted(specials, key=len, reverse=True):
        if len(token) > 1:
            text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def revision_of(name: str, revision: str | None) -> str:
    """What a record says of a model: its name, and its revision where that is pinned."""
    shown = Path(name).name if Path(name).expanduser().is_dir() else name
    return f"{shown}@{revision}" if revision else f"{shown}@unpinned"
