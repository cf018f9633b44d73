"""One small transformer for what can be written as a row of tokens: the loop that trains it, and
the tables that it has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from mmcourse.checkpoints import load_checkpoint, save_checkpoint, save_now
from mmcourse.resuming import Settings, sample_of
from mmcourse.training import check_finite, cosine_schedule, evaluating
from mmcourse.vqvae.prior import CodePrior

Shown = tuple[Tensor, Tensor]
"""Tokens and their places, (B, T) each."""
SAVE_EVERY = 25
"""Steps between two checkpoints."""


def train_on(
    prior: CodePrior,
    shown: Callable[[int], Shown],
    *,
    steps: int,
    lr: float = 2e-3,
    checkpoint: Path | None = None,
) -> Iterator[dict[str, float]]:
    """Minimise the cross-entropy of the next token, in place; yield {"step", "loss"}.

    A step depends on its number alone, so a run that was killed goes on from its checkpoint.

    Args:
        prior: to be trained.
        shown: what a step is shown: a pure function of the step.
        steps: optimiser steps.
        lr: peak learning rate of AdamW.
        checkpoint: file to save to every `SAVE_EVERY` steps, and to resume from, with the same
            settings, if it is there.

    Raises:
        ValueError: a loss that is not finite, or a checkpoint of other settings.
    """
    optimiser = torch.optim.AdamW(prior.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.05)
    settings = Settings(steps=steps, lr=lr, data=sample_of(shown(0)[0]))
    state = {"settings": settings, "model": prior, "optimiser": optimiser}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, **state)
    prior.train()
    for step in range(start, steps):
        loss = prior.loss(*shown(step))
        check_finite(loss, step + 1)
        for group in optimiser.param_groups:
            group["lr"] = lr * cosine_schedule(step, steps, warmup=min(30, steps - 1))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimiser.step()
        if checkpoint is not None and save_now(step + 1, steps, SAVE_EVERY):
            save_checkpoint(checkpoint, step=step + 1, **state)
        yield {"step": step + 1, "loss": loss.item()}
    prior.eval()


@torch.no_grad()
def bits_of_codes(prior: CodePrior, ids: Tensor | None, codes: Tensor) -> float:
    """Mean bits of a code of grids (B, h, w), with texts (B, T) before them or without."""
    with evaluating(prior):
        if ids is None:
            tokens, places = prior.shared.of_codes(codes)
        else:
            tokens, places = prior.shared.join(ids, codes, True)
        chances = prior.code_logits(prior(tokens[:, :-1], places[:, :-1])).log_softmax(-1)
        first = prior.shared.words
        wanted = tokens[:, 1:]
        is_code = (wanted >= first) & (wanted < first + prior.shared.codes)
        chosen = chances.gather(-1, (wanted - first).clamp(0, prior.shared.codes - 1)[..., None])
        return -float(chosen[..., 0][is_code].mean()) / math.log(2)


@torch.no_grad()
def words_of(prior: CodePrior, codes: Tensor, start: int, end: int, longest: int) -> Tensor:
    """The likeliest words after pictures, one after another: grids (B, h, w) to ids (B, longest),
    0 after the end."""
    with evaluating(prior):
        tokens, places = prior.shared.of_codes(codes)
        said = torch.full((len(codes), 1), start)
        logits, cache = prior.step(tokens, places)
        done = torch.zeros(len(codes), dtype=torch.bool)
        for n in range(longest):
            place = torch.full((len(codes), 1), 1 + prior.shared.cells + n)
            logits, cache = prior.step(said[:, -1:], place, cache)
            word = logits[:, -1, : prior.shared.words].argmax(-1)
            said = torch.cat([said, torch.where(done, 0, word)[:, None]], 1)
            done |= word == end
    return said[:, 1:]


@torch.no_grad()
def draw_after(
    prior: CodePrior, ids: Tensor, temperature: float, generator: torch.Generator
) -> Tensor:
    """Codes (B, cells), one row after each text (B, T) of one length, drawn one after another.

    Raises:
        ValueError: texts with padding: what follows a gap was never learnt.
    """
    if (ids == 0).any():
        raise ValueError("these texts hold padding; draw after texts of one length together")
    opening = torch.full((len(ids), 1), prior.shared.picture)
    with evaluating(prior):
        words, where = prior.shared.of_words(ids)
        tokens = torch.cat([words, opening], 1)
        places = torch.cat([where, torch.zeros_like(opening)], 1)
        logits, cache = prior.step(tokens, places)
        drawn: list[Tensor] = []
        for cell in range(prior.shared.cells):
            chances = (prior.code_logits(logits[:, -1]) / temperature).softmax(-1)
            drawn.append(torch.multinomial(chances, 1, generator=generator))
            if cell + 1 < prior.shared.cells:
                place = torch.full_like(opening, cell + 1)
                logits, cache = prior.step(drawn[-1] + prior.shared.words, place, cache)
    return torch.cat(drawn, 1)


# -- tables ----------------------------------------------------------------------------------------


def bits_by_frequency(train: Tensor, test: Tensor, size: int) -> float:
    """Mean bits of a code of test (N, C), each code's chance being its share in train (M, C), with
    one more of each."""
    counts = torch.bincount(train.flatten(), minlength=size).double() + 1
    return -float((counts / counts.sum()).log2()[test].mean())


def bits_by_place(train: Tensor, test: Tensor, size: int, faith: float = 20.0) -> float:
    """The same with a table for each of the C places, which leans on the common one as if that had
    been seen `faith` times there."""
    whole = torch.bincount(train.flatten(), minlength=size).double() + 1
    whole = whole / whole.sum()
    total = 0.0
    for place in range(train.shape[1]):
        counts = torch.bincount(train[:, place], minlength=size).double() + faith * whole
        total -= float((counts / counts.sum()).log2()[test[:, place]].mean())
    return total / train.shape[1]


def bits_by_pair(train: Tensor, test: Tensor, size: int, faith: float = 20.0) -> float:
    """Mean bits of a code after the one before it: bigrams, leaning on frequencies. The first code
    of each row counts by its frequency."""
    whole = torch.bincount(train.flatten(), minlength=size).double() + 1
    whole = whole / whole.sum()
    pairs = (train[:, :-1] * size + train[:, 1:]).flatten()
    counts = torch.bincount(pairs, minlength=size * size).view(size, size).double()
    seen = counts.sum(1, keepdim=True)
    before, after = test[:, :-1], test[:, 1:]
    chance = (counts[before, after] + faith * whole[after]) / (seen[before, 0] + faith)
    first = whole[test[:, 0]].log2().sum()
    return -float((chance.log2().sum() + first) / test.numel())
