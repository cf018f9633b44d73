"""A page as it comes: its facts at once, then sentence after sentence, each read before it is said.

A reader waits for the first words, not for the last. So nothing is shown that might have to be
taken back: a sentence with a fault is written anew from the place where it began, and only then
the next one. Where a grammar leaves a single token, the model isn't asked. Most of a page's JSON is
brackets and names of properties, and those are put in behind what was said and read together with
what comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from mmcourse.lora.models.grammar import Grammar
from mmcourse.lora.models.structure import page_grammar
from mmcourse.lora.models.words import tidy
from mmcourse.lora.sampling import LEAST, TEMPERATURE, Listed, likely
from mmcourse.lora.writer import EDGE, Memory, Writer, written
from mmcourse.lora.writing import TRIES

SENTENCE = 60
"""Tokens after which a sentence without an end is given up."""
PAGE = 320
"""Tokens of a page's prose at most."""
ENDS = (".", "!", "?")


class Telling:
    """One page being written by a writer, of what the page has to agree with.

    Args:
        seed: the same seed, the same page.
    """

    def __init__(self, writer: Writer, memory: Memory, seed: int) -> None:
        from transformers import DynamicCache

        self.model, self.tokens = writer.model, writer.processor.tokenizer
        self.listed = Listed(self.tokens)
        self.dice = torch.Generator().manual_seed(seed)
        self.cache: Any = DynamicCache()
        self.scores = torch.empty(0)  # (words,) of what comes next
        self.over = False
        self.length = 0
        self._say(self.tokens(memory.prompt())["input_ids"])

    def facts(self, grammar: Grammar) -> str:
        """The page's facts as JSON, which comes first."""
        state, said, waiting = grammar.start, list[int](), list[int]()
        while allowed := sorted(grammar.allowed(state) - self.listed.taken(said)):
            if len(allowed) == 1:
                token = allowed[0]
            else:
                if waiting:
                    self._say(waiting)
                    waiting = []
                token = allowed[self._draw(self.scores[allowed] / TEMPERATURE)]
            state = grammar.after(state, token)
            said.append(token)
            waiting.append(token)
        self._say([*waiting, self.tokens.convert_tokens_to_ids(EDGE)])
        return tidy(self.tokens.decode(said))

    def sentences(self, faults: Callable[[str], int], tries: int = TRIES) -> Iterator[str]:
        """The page's sentences as they are printed.

        Args:
            faults: how much is wrong with a page so far, 0 for nothing.
            tries: how often a sentence may be written; after that the best is taken.
        """
        page, self.wrong = "", 0
        most = min(self.length + PAGE, self.model.config.max_position_embeddings - SENTENCE)
        while not self.over and self.length < most:
            place, scores = self.length, self.scores
            best: tuple[int, list[int], str, bool] | None = None
            for attempt in range(tries):
                self._back(place, scores)
                ids, ended = self._sentence(LEAST / 4**attempt)  # who found none looks further
                text = written(tidy(self.tokens.decode(ids, skip_special_tokens=True)))
                wrong = faults(f"{page} {text}".strip()) if text else 0
                if best is None or wrong < best[0]:
                    best = wrong, ids, text, ended
                if not wrong:
                    break
            assert best is not None
            wrong, ids, text, ended = best
            if wrong:  # the last one written may not be the best one
                self._back(place, scores)
                self._say(ids)
                self.wrong += 1
            self.over = ended
            if text:
                page = f"{page} {text}".strip()
                yield text

    def _sentence(self, least: float) -> tuple[list[int], bool]:
        """Tokens up to a full stop that no quotation holds, drawn from what is `likely`, and
        whether the page ends with them."""
        ids, quoted = list[int](), False
        while len(ids) < SENTENCE:
            token = self._draw(likely(self.scores / TEMPERATURE, least))
            if token == self.tokens.eos_token_id:
                return ids, True
            ids.append(token)
            self._say([token])
            word = self.tokens.convert_ids_to_tokens(token)
            quoted ^= word == '"'
            if word in ENDS and not quoted:
                break
        return ids, False

    @torch.inference_mode()
    def _say(self, ids: Sequence[int]) -> None:
        """Go on by these tokens."""
        given = torch.tensor([list(ids)], device=self.model.device)
        out = self.model(input_ids=given, past_key_values=self.cache, use_cache=True)
        self.scores = out.logits[0, -1].float().cpu()
        self.length += len(ids)

    def _back(self, length: int, scores: Tensor) -> None:
        """Forget what was said after a place."""
        if self.length > length:
            self.cache.crop(length - self.length)  # so many off its end
        self.length, self.scores = length, scores

    def _draw(self, scores: Tensor) -> int:
        """One of the scores' places, by chance."""
        return int(torch.multinomial(scores.softmax(-1), 1, generator=self.dice))


@lru_cache(maxsize=2)
def grammar_of(writer: Writer) -> Grammar:
    """The grammar of a page's facts in a writer's tokens, made once."""
    return page_grammar(writer.processor)
