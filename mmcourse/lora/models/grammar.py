"""Decode under a grammar: what a schema refuses cannot be written.

A model that answers in JSON forgets a bracket now and then, or makes a mood up. But at each token
we know which tokens could still lead to a text that the schema accepts; the others get probability
zero. Then every answer is valid, whatever the model has learned; how *true* it is stays its affair.

    grammar = json_grammar(SCHEMA, processor.tokenizer)
    answer(model, processor, examples, tokens=160, logits_processor=[Constrained(grammar, stop)])

Source: Willard and Louf, Efficient Guided Generation for Large Language Models, 2023. Theirs
follows a regular expression over characters; every word here is one token, so ours follows tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

Encode = Callable[[str], Sequence[int]]
"""A text to its tokens, without any mark before or behind."""


Narrowed = Callable[[Sequence[int], Sequence[int], frozenset[int]], frozenset[int]]
"""Of the tokens that a grammar allows those that a prompt leaves."""


@dataclass(frozen=True)
class OneOf:
    """A place where the text goes one of several ways, each a sequence of tokens and of places."""

    ways: tuple[tuple[int | OneOf, ...], ...]


Rest = tuple[int | OneOf, ...]
State = frozenset[Rest]
"""All that may still come: any of these sequences. The empty one says that it may end here."""


class Grammar:
    """What may be said, token by token.

    Args:
        whole: the sequences that it allows, with `OneOf` where they branch.
    """

    def __init__(self, whole: Sequence[int | OneOf]) -> None:
        self.start: State = _open(tuple(whole))
        self._after = lru_cache(maxsize=20_000)(self._advance)

    def allowed(self, state: State) -> frozenset[int]:
        """The tokens that may come next."""
        return frozenset(rest[0] for rest in state if rest)  # type: ignore[misc]

    def may_end(self, state: State) -> bool:
        """Whether the text may be over."""
        return () in state

    def after(self, state: State, token: int) -> State:
        """The state after one more token.

        Raises:
            ValueError: a token that may not come here.
        """
        return self._after(state, token)

    def _advance(self, state: State, token: int) -> State:
        ways = [_open(rest[1:]) for rest in state if rest and rest[0] == token]
        if not ways:
            raise ValueError(f"token {token} cannot come here; {len(self.allowed(state))} can")
        return frozenset().union(*ways)

    def accepts(self, tokens: Sequence[int]) -> bool:
        """Whether a whole sequence is allowed."""
        state = self.start
        for token in tokens:
            if token not in self.allowed(state):
                return False
            state = self.after(state, token)
        return self.may_end(state)


def _open(rest: Rest) -> State:
    """The same sequences, each with a token in front."""
    if not rest or not isinstance(rest[0], OneOf):
        return frozenset([rest])
    return frozenset().union(*(_open((*way, *rest[1:])) for way in rest[0].ways))


def json_grammar(schema: Mapping[str, Any], encode: Encode) -> Grammar:
    """The JSON texts that a schema accepts, with the properties in the schema's order.

    Args:
        schema: JSON Schema as far as a closed world needs it: "object" with `properties`, all of
            them required; "array" with `items` and `maxItems` (and `minItems`); `enum`.
        encode: of the tokenizer.

    Raises:
        ValueError: anything else in the schema.
    """
    return Grammar(_value(schema, encode))


def _value(schema: Mapping[str, Any], encode: Encode) -> Rest:
    if "enum" in schema:
        return (OneOf(tuple(tuple(encode(json.dumps(x))) for x in schema["enum"])),)
    kind = schema.get("type")
    if kind == "object":
        out: list[int | OneOf] = list(encode("{"))
        for i, (name, inner) in enumerate(schema["properties"].items()):
            out += [*encode(f"{', ' if i else ''}{json.dumps(name)}:"), *_value(inner, encode)]
        return (*out, *encode("}"))
    if kind == "array" and "maxItems" in schema:
        item, comma, close = _value(schema["items"], encode), encode(","), tuple(encode("]"))
        least, most = schema.get("minItems", 0), schema["maxItems"]
        tail: Rest = close
        for count in range(most - 1, -1, -1):  # what may follow so many items
            more = (*(comma if count else ()), *item, *tail)
            tail = more if count < least else (OneOf((close, more)),)
        return (*encode("["), *tail)
    raise ValueError(
        f"this schema says {dict(schema)}; expected an object, an array with maxItems, or an enum"
    )


class Constrained:
    """Sets the logits of all that a grammar forbids to minus infinity; for `generate`.

    Args:
        grammar: of the answers.
        stop: the token that ends an answer, allowed where the grammar may end, and from then on.
        start: tokens of the prompt, which the grammar says nothing about. None: those of the first
            call, so that one object serves one call of `generate`.
        narrowed: (the prompt's tokens, those said since, those allowed next) to those that this
            prompt leaves; where it leaves none, the grammar alone decides.
    """

    def __init__(
        self,
        grammar: Grammar,
        stop: int,
        start: int | None = None,
        narrowed: Narrowed | None = None,
    ) -> None:
        self.grammar, self.stop, self.start, self.narrowed = grammar, stop, start, narrowed
        self._states: dict[tuple[int, ...], State | None] = {(): grammar.start}

    def _state(self, said: tuple[int, ...]) -> State | None:
        """After these tokens; None once it is over."""
        if said not in self._states:
            before = self._state(said[:-1])
            over = before is None or said[-1] == self.stop
            self._states[said] = None if over else self.grammar.after(before, said[-1])  # type: ignore[arg-type]
        return self._states[said]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, T) tokens so far and (B, words) scores to scores of the same shape."""
        if self.start is None:
            self.start = input_ids.shape[1]
        kept = torch.full_like(scores, -torch.inf)
        for row, said in enumerate(input_ids[:, self.start :].tolist()):
            state = self._state(tuple(said))
            ids = [] if state is None else sorted(self.grammar.allowed(state))
            if self.narrowed is not None:
                asked = input_ids[row, : self.start].tolist()
                ids = sorted(self.narrowed(asked, said, frozenset(ids))) or ids
            if state is None or self.grammar.may_end(state):
                ids.append(self.stop)
            kept[row, ids] = scores[row, ids]
        return kept
