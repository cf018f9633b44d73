"""Words to numbers: a closed vocabulary, so that nothing is ever silently unknown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property

import torch
from torch import Tensor

from mmcourse.storyworld.language.phrases import phrasebook, tokens
from mmcourse.storyworld.language.plots import PLOTS, lines_of
from mmcourse.storyworld.language.plots.slots import SLOT
from mmcourse.storyworld.language.plots.voices import TRAITS, VOICES
from mmcourse.storyworld.language.questions import TEMPLATES, missing
from mmcourse.storyworld.language.words import PRONOUNS, TIME_TOLD, WEATHER_TOLD
from mmcourse.storyworld.world import vocabulary

SPECIAL = ("[pad]", "[start]", "[end]", "[mask]")
PICTURE = "a an one picture scene where what who of"
"""Words that prompts to models add to the world's own."""


def _words() -> list[str]:
    """Every word of the phrase tables, the plots, the voices and the questions."""
    texts = [" ".join(phrase) for phrase in phrasebook()]
    texts += [value for values in vocabulary.ATTRIBUTES.values() for value in values]
    told = [*TIME_TOLD.values(), *WEATHER_TOLD.values(), *PRONOUNS.values()]
    texts += [phrase for group in told for phrase in group]
    for plot in PLOTS:
        texts += [plot.title, plot.goal, *lines_of(plot.beats)]
    for voice in VOICES:
        texts += [line for group in vars(voice).values() if isinstance(group, tuple)
                  for line in group]  # fmt: skip
    for template in TEMPLATES:
        texts += [*template.forms, *template.answers, missing("")]
    texts += [*TRAITS, PICTURE]
    names = [f"{name}'s" for name in vocabulary.NAMES]
    return sorted(
        {word for text in (*texts, *names) for word in tokens(SLOT.sub(" ", text))} - {"'s"}
    )


class Tokenizer:
    """Lower-cased words and punctuation to int64 ids; 0 pads.

    A text becomes `[start] words [end]`. A word outside the vocabulary is an error that names it
    and the nearest words inside.

    Args:
        words: the vocabulary (default: every word that StoryWorld's texts use).
    """

    pad, start, end, mask = range(4)

    def __init__(self, words: Iterable[str] | None = None) -> None:
        self.words = (*SPECIAL, *(_words() if words is None else sorted(set(words))))
        """Every token by its id, special ones first."""
        self.ids = {word: i for i, word in enumerate(self.words)}

    @staticmethod
    def split(text: str) -> list[str]:
        return tokens(text)

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
            text = re.sub(r" ([,.;:!?])", r"\1", text)
            texts.append(re.sub(r'" ([^"]*?) ?(?:"|$)', r'"\1"', text))
        return texts
