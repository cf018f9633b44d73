#!/usr/bin/env bash
# myst-parser 3.0.1 (Sphinx 7.4.7): a list-table whose caption holds a role is no table, and no warning says so.
# Guessed: the directive's title is parsed like any line, so that {math}`n` or {term}`x` may stand in it; or the build warns.
# Seen: fenced with backticks, the whole block becomes a paragraph with inline code, and `sphinx-build -W -n` succeeds. CommonMark
# lets no backtick into the first line of a fence of backticks, so there is no directive that could complain. Fenced with
# tildes, the same lines are a table with the role in its caption.
# What it costs: a page whose table has turned into a run of text passes a build that takes every warning for an error. Only
# a reference to the table by number complains.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'myst-parser==3.0.1' 'sphinx==7.4.7'
mkdir "$work/book"
echo 'extensions = ["myst_parser"]' > "$work/book/conf.py"
for fence in '```' '~~~'; do
  printf '# Page\n\n%s{list-table} Of {math}`n` pictures\n* - a\n  - b\n%s\n' "$fence" "$fence" > "$work/book/index.md"
  "$work/venv/bin/sphinx-build" -q -W -n -E -b pseudoxml "$work/book" "$work/out$fence"
  grep -c '<table' "$work/out$fence/index.pseudoxml" >> "$work/tables" || true
done
tables=$(paste -sd' ' "$work/tables")
echo "tables with backticks, with tildes: $tables"
[ "$tables" = "0 1" ] || { echo "changed: a list-table with a role in its caption is $tables" >&2; exit 1; }
