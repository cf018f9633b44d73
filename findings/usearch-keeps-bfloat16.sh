#!/usr/bin/env bash
# usearch 2.26.6: an index that is made without a dtype keeps vectors in bfloat16, whatever type they come in.
# Guessed: float32 in, float32 kept, as `get` gives float32 back.
# Seen: `Index(ndim=8, metric="cos").dtype` is BF16. Fifty unit vectors that differ by three ten-thousandths come back up to
# 0.0017 away, and 21 of the 50 are their own nearest neighbour; with dtype="f32" all 50 are.
# What it costs: a visual memory that must tell a hero from its double mixes them up although the search is exact.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'usearch==2.26.6' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from usearch.index import Index

dice = np.random.default_rng(0)
base = dice.normal(size=8).astype(np.float32)
base /= np.linalg.norm(base)
vectors = np.stack([base + 3e-4 * dice.normal(size=8).astype(np.float32) for _ in range(50)])


def looked_up(**options):
    index = Index(ndim=8, metric="cos", **options)
    index.add(np.arange(50), vectors)
    own = sum(int(index.search(v, 1).keys[0]) == i for i, v in enumerate(vectors))
    far = max(float(np.abs(index.get(i) - v).max()) for i, v in enumerate(vectors))
    return str(index.dtype), own, far


kept, own, far = looked_up()
_, own32, far32 = looked_up(dtype="f32")
print(f"default {kept}: {own} of 50 find themselves, kept up to {far:.4f} away; f32: {own32}, {far32:.4f}")
if not ("BF16" in kept.upper() and own < 50 and far > 1e-3 and own32 == 50 and far32 == 0):
    sys.exit("changed: usearch no longer keeps bfloat16 by default")
PY
