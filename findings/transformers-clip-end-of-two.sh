#!/usr/bin/env bash
# transformers 5.23.0: a CLIP whose eos_token_id is 2 takes a text's vector at its largest id, not at its end.
# Guessed: the vector of a text is read where its end token stands, whatever number that token has.
# Seen: 2 is an old convention, for which the place is `input_ids.argmax()`. With 3, the end is looked for.
# What it costs: a small vocabulary that numbers its marks 0, 1, 2 gets a CLIP that reads each caption up to its word of the
# largest id; retrieval is poor, and nothing says why.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'transformers==5.23.0' 'torch==2.14.1'
"$work/venv/bin/python" - <<'PY'
import sys

import torch
from transformers import CLIPTextConfig, CLIPTextModel


def read_at(end):
    torch.manual_seed(0)
    sizes = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, vocab_size=50)
    model = CLIPTextModel(CLIPTextConfig(**sizes, pad_token_id=0, bos_token_id=1, eos_token_id=end)).eval()
    out = model(torch.tensor([[1, 40, 5, end, 0], [1, 7, 30, 9, end]]))
    return [(row - vector).abs().sum(-1).argmin().item() for row, vector in zip(out.last_hidden_state, out.pooler_output)]


two, three = read_at(2), read_at(3)
print(f"ends stand at [3, 4]; with the end numbered 2 texts are read at {two}, numbered 3 at {three}")
if not (two == [1, 2] and three == [3, 4]):
    sys.exit("changed: transformers no longer reads a CLIP's text at its largest id when its end is number 2")
PY
