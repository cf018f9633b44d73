"""Load pretrained models by name, where they run best and in the numbers that suit the place."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmcourse.story.backends.hub_files import find_model
from mmcourse.story.backends.hub_memory import GIB, free, held, shapes, too_large
from mmcourse.story.backends.hub_names import KNOWN, Model

ENOUGH = 1.3
"""A model stays on the GPU if its weights, times this, fit into the memory that is free."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a model runs. `offload` moves its parts to the GPU one after another."""

    device: str
    dtype: str
    offload: bool = False


def place_for(model: Model, folder: Path, device: str | None = None) -> Place:
    """Device and number format: bfloat16 on a GPU that computes in it (compute capability 8 and
    up; a T4 has 7.5), float16 on an older one, float32 on a CPU.

    Args:
        model: as it was asked for.
        folder: where it is.
        device: "cpu" or "cuda"; None takes a GPU if there is one.

    Raises:
        ValueError: its weights fit nowhere.
    """
    import torch

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    weights = shapes(folder)
    room = free(device)
    if device == "cpu":
        need = held(weights, 32, model.four)
        if need > room:
            raise too_large(model.name, need, room, "of memory in float32 on this CPU")
        return Place("cpu", "float32")
    major, _ = torch.cuda.get_device_capability()
    dtype = "bfloat16" if major >= 8 else "float16"
    need = held(weights, 16, model.four)
    if need * ENOUGH <= room:
        return Place(device, dtype)
    if model.four or need > room + free("cpu"):
        raise too_large(model.name, need, room, "on the GPU")
    log.warning(
        "%r needs %.1f GiB, and %.1f GiB are free on the GPU: its parts take turns there, which is "
        "slow; with ,4bit it would need %.1f GiB",
        *(model.name, need / GIB, room / GIB, held(weights, 16, True) / GIB),
    )
    return Place(device, dtype, offload=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' bars and advice: what a reader has to know is said by this package,
    and the bar of a download, which is the hub's client's, stays."""
    from transformers.utils import logging as loud

    talkers = [loud]
    if "diffusers" in sys.modules:
        talkers.append(importlib.import_module("diffusers.utils.logging"))
    before = [(talker.get_verbosity(), talker.is_progress_bar_enabled()) for talker in talkers]
    try:
        for talker in talkers:
            talker.set_verbosity_error()
            talker.disable_progress_bar()
        yield
    finally:
        for talker, (verbosity, bar) in zip(talkers, before, strict=True):
            talker.set_verbosity(verbosity)
            if bar:
                talker.enable_progress_bar()


def load(auto: Any, model: Model, device: str | None = None) -> Any:
    """A transformers model by one of its Auto classes, in eval mode, where it runs best.

    Raises:
        ValueError: it cannot be found, does not fit, is damaged, or has weights of another
            architecture.
    """
    import torch

    folder = find_model(model.name, model.revision)
    place = place_for(model, folder, device)
    options: dict[str, Any] = {"dtype": getattr(torch, place.dtype), "local_files_only": True}
    if place.offload:
        options["device_map"] = "auto"
    if model.four:
        options |= {"device_map": {"": place.device}, "quantization_config": four_bits(place)}
    try:
        with quiet():
            made, report = auto.from_pretrained(folder, output_loading_info=True, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{model.name!r} cannot be loaded: {reason}") from None
    if report["missing_keys"] or report["mismatched_keys"]:
        lost = sorted(report["missing_keys"]) or sorted(map(str, report["mismatched_keys"]))
        raise ValueError(f"{model.name!r} lacks weights of its architecture, such as {lost[0]}")
    made = made.eval()
    return made if place.offload or model.four else made.to(place.device)


def four_bits(place: Place) -> Any:
    """NF4 with scales in eight bits, as chapter 6 computes it.

    Raises:
        ValueError: bitsandbytes is not installed.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ValueError("four bits need one more package: pip install bitsandbytes")
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, place.dtype),
    )


def load_processor(model: Model) -> Any:
    """The processor of a model: tokenizer, picture preparation, chat template.

    Raises:
        ValueError: there is none in the folder, or a tokenizer alone.
    """
    from transformers import AutoProcessor

    folder = find_model(model.name, model.revision)
    try:
        made = AutoProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{model.name!r} has no processor that loads: {reason}") from None
    if not hasattr(made, "tokenizer"):
        raise ValueError(
            f"{model.name!r} reads text alone: name a model that looks at pictures too, such as "
            f"{KNOWN['writer']}"
        )
    return made


def plain_text(text: str, specials: list[str]) -> str:
    """A text in which no control string of a model is left: `<image>` becomes `< image>`."""
    for token in sorted(specials, key=len, reverse=True):
        if len(token) > 1:
            text = text.replace(token, f"{token[0]} {token[1:]}")
    return text
