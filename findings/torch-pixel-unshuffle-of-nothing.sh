#!/usr/bin/env bash
# torch 2.14.1: PixelUnshuffle leaves an empty batch as it is, in its old shape.
# Guessed: (0, 3, 16, 16) by 4 becomes (0, 48, 4, 4), as every other layer keeps an empty batch's own shape.
# Seen: (0, 3, 16, 16) comes back, and so it does where a side is 0. PixelShuffle, the way back, is right.
# What it costs: the convolution behind it says that it expected 48 channels and got 3, so the reader looks for a wrong
# picture and not for an empty list.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'torch==2.14.1'
"$work/venv/bin/python" - <<'PY'
import sys

import torch

cut = torch.nn.PixelUnshuffle(4)
one, none = cut(torch.zeros(1, 3, 16, 16)).shape, cut(torch.zeros(0, 3, 16, 16)).shape
print(f"one picture {tuple(one)}, none {tuple(none)}")
if tuple(none) != (0, 3, 16, 16):
    sys.exit("changed: an empty batch is cut like any other")
PY
