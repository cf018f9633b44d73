"""The paper's transformer in the names of diffusers, and back.

    theirs = DiTTransformer2DModel(**diffusers_config(ours))
    theirs.load_state_dict(to_diffusers(ours))
    ours = from_diffusers(theirs.config, theirs.state_dict())

Three things differ beside the names. Theirs keeps a copy of the time's and label's embedding in
each block, and uses them all; a patch's numbers leave it channel last; and the wavelengths of the
time end at 10,000 exactly, where the paper's end one step before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmcourse.dit.class_dit import WAVES, ClassDiT
from mmcourse.dit.conditionings import AdaLNZeroBlock

LONGEST = 10_000.0 ** (WAVES / 2 / (WAVES / 2 - 1))
"""`ClassDiT(longest=LONGEST)` has the wavelengths of diffusers."""
EMBEDDINGS = {
    "time.0": "timestep_embedder.linear_1",
    "time.2": "timestep_embedder.linear_2",
    "label": "class_embedder.embedding_table",
}
IN_BLOCK = {
    "modulation": "norm1.linear",
    "attention.to_q": "attn1.to_q",
    "attention.to_k": "attn1.to_k",
    "attention.to_v": "attn1.to_v",
    "attention.to_out": "attn1.to_out.0",
    "mlp.0": "ff.net.0.proj",
    "mlp.2": "ff.net.2",
}
OUTSIDE = {"to_tokens": "pos_embed.proj", "modulation": "proj_out_1", "to_numbers": "proj_out_2"}


def diffusers_config(model: ClassDiT) -> dict[str, Any]:
    """The arguments of diffusers' `DiTTransformer2DModel` of the same architecture.

    Raises:
        ValueError: a model that has no counterpart there.
    """
    channels, height, width = model.shape
    if height != width or not isinstance(model.blocks[0], AdaLNZeroBlock):
        raise ValueError("diffusers knows square pictures and adaLN-Zero only")
    heads = model.blocks[0].attention.heads
    return {
        "num_attention_heads": heads,
        "attention_head_dim": model.to_tokens.out_features // heads,
        "in_channels": channels,
        "num_layers": len(model.blocks),
        "sample_size": height,
        "patch_size": model.patch,
        "num_embeds_ada_norm": model.classes,
        "norm_eps": 1e-6,
    }


def to_diffusers(model: ClassDiT) -> dict[str, Tensor]:
    """The state dict that `DiTTransformer2DModel(**diffusers_config(model))` loads.

    Raises:
        ValueError: a model that has no counterpart there.
    """
    config, state = diffusers_config(model), model.state_dict()
    if model.longest != LONGEST:
        raise ValueError(
            f"longest is {model.longest}; diffusers' wavelengths are those of convert.LONGEST"
        )
    found = {}
    for ours, theirs, kind in _names(config["num_layers"]):
        value = state[f"{ours}.{kind}"]
        found[f"{theirs}.{kind}"] = _patched(f"{theirs}.{kind}", value, config)
    return found


def from_diffusers(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> ClassDiT:
    """Our model of the weights of a `DiTTransformer2DModel`.

    Args:
        config: its `config`.
        state: its state dict.

    Raises:
        ValueError: blocks whose embeddings of time or label differ, where ours has one for all, or
            more channels out than in.
    """
    if config.get("out_channels") not in (None, config["in_channels"]):
        raise ValueError(
            f"these weights predict {config['out_channels']} channels of {config['in_channels']} "
            "(a variance too): ours predicts as many as it is given"
        )
    depth = config["num_layers"]
    for name in EMBEDDINGS.values():
        for i in range(1, depth):
            first, here = (f"transformer_blocks.{k}.norm1.emb.{name}.weight" for k in (0, i))
            if not torch.equal(state[first], state[here]):
                raise ValueError(
                    f"block {i} has another {name} than block 0; ours shares one among all blocks"
                )
    size, heads = config["sample_size"], config["num_attention_heads"]
    with torch.random.fork_rng():
        model = ClassDiT(
            (config["in_channels"], size, size),
            config["patch_size"],
            heads * config["attention_head_dim"],
            depth,
            heads,
            config["num_embeds_ada_norm"],
            longest=LONGEST,
        )
    mine = {
        f"{ours}.{kind}": _patched(f"{theirs}.{kind}", state[f"{theirs}.{kind}"], config, back=True)
        for ours, theirs, kind in _names(depth)
    }
    model.load_state_dict(mine)
    return model


def _names(depth: int) -> list[tuple[str, str, str]]:
    """(ours, theirs, weight or bias) of every tensor; each embedding once for each block."""
    pairs = [*OUTSIDE.items()]
    for i in range(depth):
        block = f"transformer_blocks.{i}"
        pairs += [(ours, f"{block}.norm1.emb.{name}") for ours, name in EMBEDDINGS.items()]
        pairs += [(f"blocks.{i}.{ours}", f"{block}.{name}") for ours, name in IN_BLOCK.items()]
    kinds = ("weight", "bias")
    return [(a, b, kind) for a, b in pairs for kind in kinds if (a, kind) != ("label", "bias")]


def _patched(name: str, value: Tensor, config: Mapping[str, Any], back: bool = False) -> Tensor:
    """A tensor in their layout, or back in ours: a convolution in, channels last out."""
    channels, p = config["in_channels"], config["patch_size"]
    if name == "pos_embed.proj.weight":
        return value.flatten(1) if back else value.unflatten(1, (channels, p, p))
    if name.startswith("proj_out_2"):
        rest = list(range(3, value.ndim + 2))  # what comes behind the patch's three axes
        if back:
            return value.unflatten(0, (p, p, channels)).permute(2, 0, 1, *rest).flatten(0, 2)
        return value.unflatten(0, (channels, p, p)).permute(1, 2, 0, *rest).flatten(0, 2)
    return value
