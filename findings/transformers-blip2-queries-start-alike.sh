#!/usr/bin/env bash
# transformers 5.23.0: a fresh Blip2ForConditionalGeneration starts all its query tokens at zero.
# Guessed: a model built from its config starts as it was trained from, its queries at random (the paper's code: deviation
# 0.02).
# Seen: all are zero, so their outputs are alike to the last digits, and the first norm divides by the root of 1e-12:
# gradients are 1e10 and more. They are not alike, since the language model reads each query at a place of its own; so one
# step sets the queries apart, and not by much.
# What it costs: clipping leaves nothing but the direction of such gradients. On sixteen queries of width 128, three seeds,
# outputs were a tenth of their size apart after 30 steps, where queries that start at random (0.02) are nearly all of it,
# and the loss was 2.8 to 3.0 in place of 2.4.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'transformers==5.23.0' 'torch==2.14.1'
"$work/venv/bin/python" - <<'PY'
import sys

import torch
from transformers import Blip2Config, Blip2ForConditionalGeneration

torch.manual_seed(0)
vision = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=1, image_size=16, patch_size=8)
former = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=1, encoder_hidden_size=32,
              vocab_size=50, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
text = dict(model_type="opt", hidden_size=32, word_embed_proj_dim=32, ffn_dim=64, num_hidden_layers=1,
            num_attention_heads=1, vocab_size=50, max_position_embeddings=64, dropout=0.0,
            pad_token_id=0, bos_token_id=1, eos_token_id=2)
config = Blip2Config(vision_config=vision, qformer_config=former, text_config=text, num_query_tokens=4, image_token_index=3)
model = Blip2ForConditionalGeneration(config)
ids = torch.tensor([[3, 3, 3, 3, 1, 7, 8, 2]])
model(input_ids=ids, pixel_values=torch.randn(1, 3, 16, 16), labels=ids.masked_fill(ids == 3, -100)).loss.backward()
queries, gradient = model.query_tokens.detach()[0].clone(), model.query_tokens.grad[0].norm().item()
vision_out = model.vision_model(torch.randn(1, 3, 16, 16)).last_hidden_state
seen = model.qformer(query_embeds=model.query_tokens, encoder_hidden_states=vision_out).last_hidden_state[0]
apart = (seen - seen[:1]).abs().max().item()
print(f"largest query {queries.abs().max():.3g}, outputs at most {apart:.2g} apart, gradient {gradient:.2g}")
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
torch.optim.AdamW(model.parameters(), lr=1e-3).step()
later = model.qformer(query_embeds=model.query_tokens, encoder_hidden_states=vision_out).last_hidden_state[0]
parted = ((later - later.mean(0)).norm() / later.norm()).item()
print(f"after one step of AdamW they are {parted:.2g} of their size apart")
if not (queries.abs().max() == 0 and apart < 1e-5 and gradient > 1e4 and parted > 1e-3):
    sys.exit("changed: fresh BLIP-2 queries are no longer all alike")
PY
