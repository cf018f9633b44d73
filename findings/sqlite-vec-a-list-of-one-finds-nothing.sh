#!/usr/bin/env bash
# sqlite-vec 0.1.9 on SQLite 3.54.1 (through apsw): a nearest-neighbour search among given rows works for two rows and
# finds nothing for one.
# Guessed: `rowid in (9)` is a shorter `rowid in (8, 9)`, and both choose before the search.
# Seen: with k = 1, `rowid in (8, 9)` gives row 8, but `rowid in (9)`, `rowid = 9` and `rowid > 7` give no row. SQLite
# turns a list of one into an equality, which the extension does not take, so that it is asked of the k nearest of all
# rows afterwards. `rowid in (select 9)` works.
# What it costs: a memory that looks among the scenes of a path loses the one scene that a story begins with.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'sqlite-vec==0.1.9' 'apsw==3.54.1.0'
"$work/venv/bin/python" - <<'PY'
import struct
import sys

import apsw
import sqlite_vec

db = apsw.Connection(":memory:")
db.enable_load_extension(True)
db.load_extension(sqlite_vec.loadable_path())
db.execute("create virtual table memory using vec0(place float[2])")
for i in range(1, 11):
    db.execute("insert into memory(rowid, place) values (?, ?)", (i, struct.pack("2f", i, 0)))


def nearest(rows):
    found = db.execute(f"select rowid from memory where place match '[1, 0]' and k = 1 and {rows}")
    return [row for (row,) in found]


asked = ["rowid in (8, 9)", "rowid in (9)", "rowid = 9", "rowid > 7", "rowid in (select 9)"]
found = [nearest(rows) for rows in asked]
print(dict(zip(asked, found)))
if found != [[8], [], [], [], [9]]:
    sys.exit("changed: sqlite-vec chooses among rows otherwise")
PY
