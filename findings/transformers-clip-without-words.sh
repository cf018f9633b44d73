#!/usr/bin/env bash
# transformers 5.23.0: AutoProcessor of a CLIP folder whose tokenizer's files are missing makes a tokenizer without words.
# Guessed: an error that names the missing files, as for a missing config.json or missing weights.
# Seen: a CLIPProcessor that knows two tokens. Every text becomes the start and a row of ends, as many as it has letters.
# What it costs: after a download that was cut short all captions of one length have one embedding, retrieval is chance,
# and nothing says so. (Ask: len(processor.tokenizer) beside the config's vocab_size.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'transformers==5.23.0' 'torch==2.14.1' 'torchvision==0.29.1' pillow
"$work/venv/bin/python" - <<'PY'
import sys
import tempfile
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoProcessor, CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, PreTrainedTokenizerFast

words = {"[pad]": 0, "[start]": 1, "[end]": 2, **{f"word{i}": i for i in range(3, 50)}}
plain = Tokenizer(models.WordLevel(words, unk_token="[end]"))
plain.pre_tokenizer = pre_tokenizers.Whitespace()
tokens = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[pad]", bos_token="[start]", eos_token="[end]")
side = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=1)
text = dict(side, vocab_size=50, pad_token_id=0, bos_token_id=1, eos_token_id=2)
model = CLIPModel(CLIPConfig(text_config=text, vision_config=dict(side, image_size=16, patch_size=8)))
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessor(), tokens).save_pretrained(folder)
    for file in Path(folder).glob("*token*"):
        file.unlink()
    try:
        found = AutoProcessor.from_pretrained(folder)
    except Exception as error:
        sys.exit(f"changed: it says now that files are missing ({type(error).__name__})")
    ids = found(text=["word7 word8", "word30 word31 word32"], padding=True)["input_ids"]
    print(f"tokens known: {len(found.tokenizer)}; ids of two texts: {ids}")
if len(found.tokenizer) >= 50:
    sys.exit("changed: the tokenizer has its words")
PY
