"""Masked language modelling: hide words, and ask for them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.storyworld.language.tokenizer import SPECIAL, Tokenizer

IGNORED = -100
"""The label of a word that is not asked for; `cross_entropy` leaves it out."""


def mask_words(
    ids: Tensor, vocab_size: int, generator: torch.Generator, rate: float = 0.25
) -> tuple[Tensor, Tensor]:
    """Choose words to ask for; of these 80 % are hidden, 10 % replaced, 10 % left as they are.

    Source: Devlin et al., BERT, 2019, section 3.1. Their rate is 0.15; a higher one gives more to
    learn from each caption (Wettig et al., Should You Mask 15% in Masked Language Modeling?, 2023).

    Args:
        ids: (B, T) int64; special tokens, padding among them, are never chosen.
        vocab_size: replacements are drawn from the words below it.
        generator: of the choice, on the CPU.
        rate: share of the words that are asked for; in each text that has a word, at least one.

    Returns:
        what the model is shown (B, T), a new tensor, and the labels (B, T): the word where it is
        asked for, -100 elsewhere.

    Raises:
        ValueError: a rate that is not in (0, 1].
    """
    if not 0 < rate <= 1:
        raise ValueError(f"rate is {rate}, expected more than 0 and at most 1")
    if ids.numel() == 0:
        return ids.clone(), ids.clone()
    word = ids >= len(SPECIAL)
    chance = torch.rand(ids.shape, generator=generator).to(ids.device).masked_fill(~word, torch.inf)
    likeliest = chance == chance.min(1, keepdim=True).values  # at least one a text
    chosen = word & ((chance < rate) | likeliest)
    fate = torch.rand(ids.shape, generator=generator).to(ids.device)
    other = torch.randint(len(SPECIAL), vocab_size, ids.shape, generator=generator).to(ids.device)
    shown = torch.where(chosen & (fate < 0.8), Tokenizer.mask, ids)
    shown = torch.where(chosen & (fate >= 0.9), other, shown)
    return shown, torch.where(chosen, ids, IGNORED)


def masked_word_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the words that are asked for.

    Args:
        logits: (B, T, V).
        labels: (B, T) int64, -100 where nothing is asked.

    Returns:
        A scalar, in nats a word; 0 where no word is asked for.
    """
    asked = (labels != IGNORED).sum().clamp(min=1)
    return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), reduction="sum") / asked
