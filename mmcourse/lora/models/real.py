"""The same four as they were published: by name, with the same functions, where there is a GPU.

model, processor = load_real("llava", four_bit=True)
inject(model, LoRAConfig(targets_of("llava", model), rank=16))
loss = answer_loss(model, collate(processor, examples))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmcourse.lora.files import fingerprint
from mmcourse.lora.fourbit import pack_model
from mmcourse.lora.models.folders import check_name, check_pair
from mmcourse.lora.models.targets import targets_of
from mmcourse.training import pick_device

PUBLISHED = {
    "clip": "openai/clip-vit-base-patch32",
    "blip2": "Salesforce/blip2-opt-2.7b",
    "llava": "llava-hf/llava-1.5-7b-hf",
    "qwen-vl": "Qwen/Qwen2.5-VL-3B-Instruct",
}
REVISIONS: dict[str, str | None] = dict.fromkeys(PUBLISHED)
"""Commits, which a run with a network pins; None until it has."""


def load_real(
    name: str,
    source: str | Path | None = None,
    *,
    four_bit: bool = False,
    checkpointing: bool = False,
    pixels: int | None = None,
    device: str | torch.device | None = None,
) -> tuple[Any, Any]:
    """A published model and its processor, frozen, ready for adapters.

    Args:
        name: one of the four.
        source: a hub id or a folder (None: the published one).
        four_bit: pack the language model's blocks to four bits, with bitsandbytes on a GPU and by
            this package's arithmetic on a CPU.
        checkpointing: keep no activations within a block, and compute them again on the way back.
        pixels: the most of a picture that Qwen's kind is shown; its own limit is 12.8 million.
        device: where to (None: a GPU if there is one). There weights are bfloat16 where the GPU
            computes in it and float16 elsewhere; on a CPU they are float32.

    Raises:
        ValueError: a name that is not one of them; a model that is not to be had or lacks weights.
    """
    import transformers as t

    check_name(name)
    where = str(source or PUBLISHED[name])
    revision = REVISIONS[name] if source is None else None
    device = torch.device(device) if device is not None else pick_device()
    kind: Any = t.AutoModel if name == "clip" else t.AutoModelForImageTextToText
    try:
        model, report = kind.from_pretrained(
            where, revision=revision, output_loading_info=True, dtype=pick_dtype(device)
        )
        processor: Any = t.AutoProcessor.from_pretrained(where, revision=revision)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{where!r} cannot be loaded ({reason}); offline, give a folder, or use this course's "
            f"own {name}"
        ) from None
    lost = sorted([*report["missing_keys"], *map(str, report["mismatched_keys"])])
    if lost:
        raise ValueError(f"{where!r} lacks weights of a {name}, such as {lost[0]}")
    check_pair(model, processor)
    check_words(where, model, processor)
    if pixels is not None and name == "qwen-vl":
        size = {**dict(processor.image_processor.size), "longest_edge": pixels}
        processor.image_processor.size = size
    model.requires_grad_(False)
    if four_bit:
        pack_model(model, targets_of(name, model), twice=True, library=device.type == "cuda")
    else:
        model.base_fingerprint = fingerprint(model)
    if checkpointing:
        model.gradient_checkpointing_enable()
    return model.to(device), processor


def check_words(where: object, model: Any, processor: Any) -> None:
    """Refuse a processor that was made without its tokenizer's files: transformers builds one
    without words in their place, and says nothing.

    Raises:
        ValueError: a tokenizer with less than half of the model's words.
    """
    known, words = len(processor.tokenizer), model.config.get_text_config().vocab_size
    if 2 * known < words:
        raise ValueError(
            f"{where} has a tokenizer of {known} tokens for a model of {words}: its tokenizer.json "
            "is missing; get the folder again"
        )


def pick_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU that computes in it (compute capability 8 and up; a T4 has 7.5), float16 on
    an older one, float32 on a CPU."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


@dataclass(frozen=True)
class Memory:
    """Bytes that tuning takes, by what they are for."""

    weights: int
    learned: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.learned + self.activations


def tuning_memory(
    model: nn.Module,
    rows: int,
    tokens: int,
    *,
    bits: float | None = None,
    checkpointing: bool = False,
) -> Memory:
    """What a step of tuning holds, worked out by hand from a model's sizes.

    Weights as they are, or in so many bits; of what learns, float32 masters, their gradients and
    AdamW's two moments: 16 bytes each. Of activations about 16 widths a token and layer if
    they are kept in two bytes, or one width a layer and one layer's 16 with checkpointing.

    Args:
        model: with adapters; may live on the meta device, and so take no memory itself.
        rows: of a batch.
        tokens: of a row, pictures' pieces among them.
        bits: of a frozen weight; None: as the model holds it.
        checkpointing: as in `load_real`.
    """
    config: Any = model.config
    text = config.get_text_config()
    frozen = [p for p in model.parameters() if not p.requires_grad]
    held = sum(p.numel() * (p.element_size() if bits is None else bits / 8) for p in frozen)
    learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    width, layers = text.hidden_size, text.num_hidden_layers
    kept = layers + 16 if checkpointing else 16 * layers
    return Memory(round(held), 16 * learned, 2 * rows * tokens * width * kept)
