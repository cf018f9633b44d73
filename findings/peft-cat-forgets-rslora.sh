#!/usr/bin/env bash
# peft 0.21.2: `add_weighted_adapter(..., combination_type="cat")` makes a mix of rsLoRA adapters too strong.
# Guessed: "cat" puts the factors side by side and is the weighted sum of the updates, exactly.
# Seen: it is for plain LoRA. The new adapter's alpha is set to its rank, so that alpha / rank = 1; but its config still
# says use_rslora, and alpha / sqrt(rank) is sqrt(rank). Two rsLoRA adapters of rank 4 come out 2.83 times too strong.
# What it costs: a mix of two styles that works with LoRA shouts with rsLoRA, without a warning.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'peft==0.21.2' 'transformers==5.23.0' 'torch==2.14.1'
"$work/venv/bin/python" - <<'PY'
import sys

import torch
from peft import LoraConfig, get_peft_model
from torch import nn


def too_strong(rslora):
    torch.manual_seed(0)

    def config():
        return LoraConfig(target_modules=["0"], r=4, lora_alpha=5, use_rslora=rslora, init_lora_weights=False)

    model = get_peft_model(nn.Sequential(nn.Linear(8, 8)), config(), "style")
    model.add_adapter("heroes", config())
    layer = model.base_model.model[0]
    wanted = 0.3 * layer.get_delta_weight("style") + 0.9 * layer.get_delta_weight("heroes")
    model.add_weighted_adapter(["style", "heroes"], [0.3, 0.9], "both", "cat")
    return (layer.get_delta_weight("both") / wanted).mean().item()


plain, stabilised = too_strong(False), too_strong(True)
print(f"the mix by the sum of its parts: LoRA {plain:.3f}, rsLoRA {stabilised:.3f} (square root of 8: {8**0.5:.3f})")
if not (abs(plain - 1) < 1e-3 and abs(stabilised - 8**0.5) < 1e-3):
    sys.exit("changed: peft no longer makes a mix of rsLoRA adapters stronger than its parts")
PY
