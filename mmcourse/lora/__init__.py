"""Chapter 6: large models adapted by small ones. LoRA from scratch, and what it adapts."""

from mmcourse.lora.config import LoRAConfig
from mmcourse.lora.dora import DoRA
from mmcourse.lora.files import fingerprint, load_adapter, save_adapter
from mmcourse.lora.fourbit import FourBitLinear, nf4_levels, pack, pack_model, unpack, unpack_weight
from mmcourse.lora.inject import (
    adapted_layers,
    adapters,
    deltas,
    find_targets,
    inject,
    trainable,
    trainable_share,
    use,
)
from mmcourse.lora.layer import Adapted, LoRAConv2d, LoRAEmbedding, LoRALinear, LoRATransposed
from mmcourse.lora.lowrank import LowRank, LowRankConv, LowRankEmbedding
from mmcourse.lora.merge import merge, strip, unmerge

__all__ = [
    "Adapted",
    "DoRA",
    "FourBitLinear",
    "LoRAConfig",
    "LoRAConv2d",
    "LoRAEmbedding",
    "LoRALinear",
    "LoRATransposed",
    "LowRank",
    "LowRankConv",
    "LowRankEmbedding",
    "adapted_layers",
    "adapters",
    "deltas",
    "find_targets",
    "fingerprint",
    "inject",
    "load_adapter",
    "merge",
    "nf4_levels",
    "pack",
    "pack_model",
    "save_adapter",
    "strip",
    "trainable",
    "trainable_share",
    "unmerge",
    "unpack",
    "unpack_weight",
    "use",
]
