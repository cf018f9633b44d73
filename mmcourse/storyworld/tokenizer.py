"""Words to numbers: a closed vocabulary, so that nothing is ever silently unknown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property

import torch
from torch import Tensor

from mmcourse.storyworld import captions, vocabulary

SPECIAL = ("[pad]", "[start]", "[end]", "[mask]")
EXTRA = (
    "a an and are bare head in is it of on one picture scene the there this we see where with , . ;"
)


def _words() -> list[str]:
    phrases = [
        *(phrase for table in (
            *(captions.WEARS, captions.DOES, captions.FEELS, captions.WHERE_CHARACTER),
            *(captions.PLACE, captions.TIME, captions.WEATHER),
        ) for group in table.values() for phrase in group),
        *(value for values in vocabulary.ATTRIBUTES.values() for value in values),
        *captions.THERE,
        *captions.JOIN,
        EXTRA,
    ]  # fmt: skip
    return sorted({word for phrase in phrases for word in Tokenizer.split(phrase)})


class Tokenizer:
    """Lower-cased words and punctuation to int64 ids; 0 pads.

    A text becomes `[start] words [end]`. A word outside the vocabulary is an error that names it
    and the nearest words inside.

    Args:
        words: the vocabulary (default: every word that StoryWorld's captions use).
    """

    pad, start, end, mask = range(4)

    def __init__(self, words: Iterable[str] | None = None) -> None:
        self.words = (*SPECIAL, *(_words() if words is None else sorted(set(words))))
        """Every token by its id, special ones first."""
        self.ids = {word: i for i, word in enumerate(self.words)}

    @staticmethod
    def split(text: str) -> list[str]:
        return re.findall(r"[^\W_]+(?:['-][^\W_]+)*|[^\w\s]|_", text.lower())

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the vocabulary does, so that weights never meet other words' ids."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()[:12]

    def _lookup(self, text: str) -> Iterator[int]:
        for word in self.split(text):
            if word not in self.ids:
                near = get_close_matches(word, self.words[len(SPECIAL) :], n=3, cutoff=0.5)
                hint = f"did you mean {', '.join(near)}?" if near else "see Tokenizer().words"
                raise ValueError(f"the vocabulary has no word {word!r} (in {text!r}); {hint}")
            yield self.ids[word]

    def encode(
        self, texts: Sequence[str] | str, length: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Texts to ids and mask.

        Args:
            texts: one text or several.
            length: pad to this many tokens (default: the longest text).

        Returns:
            ids (B, T) int64 and mask (B, T) bool, True where there is a token.

        Raises:
            ValueError: an unknown word, or a text longer than `length`.
        """
        rows = [
            [self.start, *self._lookup(t), self.end]
            for t in ([texts] if isinstance(texts, str) else texts)
        ]
        longest = max((len(r) for r in rows), default=0)
        if length is not None and longest > length:
            raise ValueError(f"a text has {longest} tokens, at most {length} fit; shorten it")
        ids = torch.zeros(len(rows), length or longest, dtype=torch.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        return ids, ids != self.pad

    def decode(self, ids: Tensor) -> list[str]:
        """(B, T) ids back to texts, special tokens left out.

        Raises:
            ValueError: an id that no word has.
        """
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < len(self):
            raise ValueError(f"ids must be 0 to {len(self) - 1}, got {ids.min()} to {ids.max()}")
        texts = []
        for row in ids.tolist():
            text = " ".join(self.words[i] for i in row if i >= len(SPECIAL))
            texts.append(re.sub(r" ([,.;])", r"\1", text))
        return texts
