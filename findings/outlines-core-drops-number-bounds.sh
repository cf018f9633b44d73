#!/usr/bin/env bash
# outlines-core 0.2.14 (llguidance 1.9.1 beside it): a JSON schema's bounds of numbers vanish without a word.
# Guessed: {"type": "integer", "minimum": 1, "maximum": 3} makes an expression for 1, 2 and 3, or is refused.
# Seen: build_regex_from_schema gives the expression of any integer; 9 and -0 match. "uniqueItems" of a list is dropped
# too, while "maxLength" of a string is kept. llguidance keeps the bounds, and refuses "uniqueItems" by name.
# What it costs: structured output that "a schema accepts" has to be checked by the schema again after decoding.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'outlines-core==0.2.14' 'llguidance==1.9.1'
"$work/venv/bin/python" - <<'PY'
import json
import re
import sys

from llguidance import LLMatcher, LLTokenizer
from outlines_core import json_schema


def by_expression(schema, text):
    return bool(re.fullmatch(json_schema.build_regex_from_schema(json.dumps(schema)), text))


def by_grammar(schema, text):
    tokenizer = LLTokenizer("byte")
    matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_json_schema(schema))
    tokens = tokenizer.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


bounded = {"type": "integer", "minimum": 1, "maximum": 3}
unique = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
short = {"type": "string", "maxLength": 3}
seen = {
    "9 within 1 to 3": (by_expression(bounded, "9"), by_grammar(bounded, "9")),
    "2 within 1 to 3": (by_expression(bounded, "2"), by_grammar(bounded, "2")),
    "[1,1] of unique items": (by_expression(unique, "[1,1]"), by_grammar(unique, "[1,1]")),
    "four letters of three": (by_expression(short, '"abcd"'), by_grammar(short, '"abcd"')),
}
print(seen)
if list(seen.values()) != [(True, False), (True, True), (True, False), (False, False)]:
    sys.exit("changed: outlines-core keeps bounds or unique items, or llguidance does not")
PY
