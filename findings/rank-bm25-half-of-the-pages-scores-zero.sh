#!/usr/bin/env bash
# rank-bm25 0.2.2: a word that stands in exactly half of the documents has no weight at all.
# Guessed: in a story of two pages, the page with the word wins.
# Seen: BM25Okapi gives both pages 0.0, since its inverse document frequency log((N - n + 0.5) / (n + 0.5)) is log 1 for
# n = N / 2; two of four pages likewise. BM25L and BM25Plus, of the same package, and bm25s 0.3.16 rank them rightly.
# What it costs: retrieval by words over a young story returns its pages in the order in which they were told.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'rank-bm25==0.2.2' 'bm25s==0.3.16' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
import sys

import bm25s
from rank_bm25 import BM25L, BM25Okapi, BM25Plus

two = [["a", "fox", "finds", "a", "lantern"], ["an", "owl", "sleeps"]]
four = [["fox", "lantern"], ["owl", "tree"], ["fox", "song"], ["mouse", "home"]]
okapi = [BM25Okapi(pages).get_scores(["fox"]).tolist() for pages in (two, four)]
others = [kind(two).get_scores(["fox"]) for kind in (BM25L, BM25Plus)]
index = bm25s.BM25()
index.index(bm25s.tokenize([" ".join(page) for page in two], show_progress=False), show_progress=False)
others.append(index.get_scores(["fox"]))
print("BM25Okapi, two pages and four:", okapi, "others:", [list(map(float, s)) for s in others])
if any(any(scores) for scores in okapi) or any(s[0] <= s[1] for s in others):
    sys.exit("changed: a word in half of the pages has a weight in BM25Okapi, or none in the others")
PY
