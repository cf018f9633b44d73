#!/usr/bin/env bash
# num2words 0.5.14: a negative number between -1 and 0 is read aloud as a positive one.
# Guessed: "minus zero point five", as -1.5 is "minus one point five".
# Seen: num2words(-0.5) is "zero point five". Decimal("-0.5") too. The sign is taken from the part before the point,
# which is 0.
# What it costs: a narrator that spells numbers out for a voice tells a temperature of -0.5 degrees wrongly.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'num2words==0.5.14'
"$work/venv/bin/python" - <<'PY'
import sys
from decimal import Decimal

from num2words import num2words

said = [num2words(x) for x in (-1.5, -0.5, Decimal("-0.5"))]
print(said)
if said != ["minus one point five", "zero point five", "zero point five"]:
    sys.exit("changed: num2words reads the sign of numbers between -1 and 0")
PY
