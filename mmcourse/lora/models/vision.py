"""One vision tower for several models: CLIP's, put into LLaVA and BLIP-2."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.hub import shipped, weights_hash
from mmcourse.lora.models.folders import load


def take_vision(model: Any, name: str, clip: Any = None) -> str:
    """Copy a CLIP's vision tower into a model of the same sizes, in place.

    Args:
        model: one of the four, untrained.
        name: which. CLIP and Qwen's kind, whose tower is another, are left as they are.
        clip: the CLIP model (None: the shipped one, if there is one).

    Returns:
        The hash of the shipped weights, "" where none were taken, "given" where `clip` was.
    """
    if name not in ("blip2", "llava"):
        return ""
    source = "given"
    if clip is None:
        if "clip" not in shipped():
            return ""
        source, clip = weights_hash("clip"), load_shipped()
    tower = model.vision_model if name == "blip2" else model.model.vision_tower
    state, own = clip.vision_model.state_dict(), tower.state_dict()
    found = for_blip2(state) if name == "blip2" else state
    if any(found[key].numel() != own[key].numel() for key in own):
        return ""  # a tower of another size
    tower.load_state_dict({key: found[key].view(own[key].shape) for key in own})
    return source


def load_shipped() -> Any:
    """The shipped CLIP."""
    from mmcourse.hub import find_folder

    return load(find_folder("clip"), "clip")[0]


def for_blip2(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """CLIP's names of a vision tower to BLIP-2's, which has one projection for queries, keys and
    values, and a bias at its patches.

    The norm before CLIP's first layer has no place there, so what comes out is near CLIP's and not
    the same: a start, from which the tower has to learn on.
    """
    out = {"embeddings.patch_embedding.bias": torch.zeros_like(state["post_layernorm.bias"])}
    for key, value in state.items():
        if ".q_proj." in key:
            parts = [state[key.replace(".q_proj.", f".{k}_proj.")] for k in "qkv"]
            out[key.replace(".q_proj.", ".qkv.")] = torch.cat(parts)
        elif ".out_proj." in key:
            out[key.replace(".out_proj.", ".projection.")] = value
        else:
            out[key.replace("position_embedding.weight", "position_embedding")] = value
    return out
