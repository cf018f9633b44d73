"""How the writer's words are drawn: boldly where many will do, and not at all where few will."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from mmcourse.storyworld.world import vocabulary as v

TEMPERATURE = 0.5
"""Of all words."""
LEAST = 0.65
"""Share of the likeliest word's probability that any other word of the prose needs."""


def likely(scores: Tensor, least: float = LEAST) -> Tensor:
    """Scores without the words that are much less likely than the likeliest (min-p).

    Many beginnings of a sentence are equally good, and all of them stay. A name or a colour has one
    right answer, and what else a model half believes is cut off.

    Source: Nguyen et al., Turning Up the Heat: Min-p Sampling, 2025, section 3.

    Args:
        scores: (..., words), already divided by the temperature.
        least: of the likeliest word's probability, the share that a word needs.

    Returns:
        (..., words), -inf for what is cut off.
    """
    return scores.masked_fill(scores < scores.amax(-1, keepdim=True) + math.log(least), -torch.inf)


class Listed:
    """Which names of a page's facts are taken: whoever is listed is not listed again.

    The grammar has no memory, so it would let two animals be called Kit, and the prose then tells
    of both. Behind the list, where its animals act, every name may come again.

    Args:
        words: the writer's tokenizer.
    """

    def __init__(self, words: Any) -> None:
        self.names = set(words.convert_tokens_to_ids([name.lower() for name in v.NAMES]))
        self.end = words.convert_tokens_to_ids("points")

    def taken(self, said: Iterable[int]) -> set[int]:
        """The tokens that must not come next, after these of a page's facts."""
        before = set(said)
        return set() if self.end in before else self.names & before
