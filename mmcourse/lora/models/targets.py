"""What LoRA adapts in each of the four, said as patterns of whole paths, and checked.

Names alone say too much: `q_proj` and `v_proj` are in LLaVA's vision tower as well, and peft's
"all-linear" takes the projector, the tower and the Q-Former along. peft has no defaults for three
of the four.
"""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from mmcourse.lora.injection import find_targets
from mmcourse.lora.models.folders import check_name

_ATTENTION = r"self_attn\.(q|k|v|o|out)_proj"
_MLP = r"(mlp\.(gate|up|down)_proj|mlp\.fc[12]|fc[12])"
TARGETS = {
    "clip": rf"(text|vision)_model\.encoder\.layers\.\d+\.({_ATTENTION}|{_MLP})",
    "blip2": rf"language_model\.model\.decoder\.layers\.\d+\.({_ATTENTION}|{_MLP})",
    "llava": rf"model\.language_model\.layers\.\d+\.({_ATTENTION}|{_MLP})",
    "qwen-vl": rf"model\.language_model\.layers\.\d+\.({_ATTENTION}|{_MLP})",
}
"""The transformer blocks of the language model; of CLIP, those of both towers."""
LANGUAGE_ALONE = {
    "clip": "text_model",
    "blip2": "language_model",
    "llava": "model.language_model",
    "qwen-vl": "model.language_model",
}
"""Where new words are learned; to learn a new style, CLIP's vision tower is adapted, too."""


def targets_of(name: str, model: nn.Module, part: str | None = None) -> str:
    """The pattern for a model, after it was seen to mean what it should.

    Args:
        name: one of the four.
        model: it.
        part: adapt this submodule alone, such as CLIP's "vision_model"; None: all that is meant.

    Raises:
        ValueError: the pattern means nothing here, or not every block alike.
    """
    check_name(name)
    pattern = TARGETS[name]
    if part is not None:
        pattern = rf"(?={re.escape(part)}\.){pattern}"
    paths = list(find_targets(model, pattern))
    blocks: dict[str, list[str]] = {}
    for path in paths:
        matched: Any = re.match(r"(.*\.layers)\.(\d+)\.", path)
        blocks.setdefault(matched[1], []).append(matched[2])
    for stack, numbers in blocks.items():
        depth = len(model.get_submodule(stack))  # type: ignore[arg-type]
        counts = {numbers.count(str(i)) for i in range(depth)}
        if len(counts) != 1 or 0 in counts:
            raise ValueError(
                f"in {stack} of {name} some blocks have other layers than others: give targets by "
                "hand"
            )
    return pattern
