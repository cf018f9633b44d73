"""Chapter 6: large models adapted by small ones. LoRA from scratch, and what it adapts."""

from mmcourse.lora.config import LoRAConfig
from mmcourse.lora.dora import DoRA
from mmcourse.lora.files import fingerprint, load_adapter, save_adapter
from mmcourse.lora.formulas import lora_linear, merged_weight, update_scale
from mmcourse.lora.fourbit import (
    FourBitLinear,
    nf4_levels,
    pack,
    pack_model,
    round_to_levels,
    unpack,
    unpack_weight,
)
from mmcourse.lora.injection import (
    adapted_layers,
    adapters,
    deltas,
    find_targets,
    inject,
    replace_layers,
    trainable,
    trainable_share,
    use,
)
from mmcourse.lora.layer import (
    Adapted,
    LoRAConv2d,
    LoRAEmbedding,
    LoRALinear,
    LoRATransposed,
    lora_layer,
)
from mmcourse.lora.loss import IGNORED, answer_labels, answer_loss, next_token_loss
from mmcourse.lora.lowrank import LowRank, LowRankConv, LowRankEmbedding
from mmcourse.lora.merging import merge, strip, unmerge

__all__ = [
    "IGNORED",
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
    "answer_labels",
    "answer_loss",
    "deltas",
    "find_targets",
    "fingerprint",
    "inject",
    "load_adapter",
    "lora_layer",
    "lora_linear",
    "merge",
    "merged_weight",
    "next_token_loss",
    "nf4_levels",
    "pack",
    "pack_model",
    "replace_layers",
    "round_to_levels",
    "save_adapter",
    "strip",
    "trainable",
    "trainable_share",
    "unmerge",
    "unpack",
    "unpack_weight",
    "update_scale",
    "use",
]
