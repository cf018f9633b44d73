"""Running means with a bug each: known mistakes of an exercise."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.vqvae import ema

Three = tuple[Tensor, Tensor, Tensor]


def _batch(counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """How many rows chose each code, and their sum."""
    here = torch.zeros_like(counts).index_add(0, index, torch.ones_like(rows[:, 0]))
    return here, torch.zeros_like(sums).index_add(0, index, rows)


def _moved(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float
) -> tuple[Tensor, Tensor]:
    here, total = _batch(counts, sums, rows, index)
    return decay * counts + (1 - decay) * here, decay * sums + (1 - decay) * total


def unsmoothed(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    counts, sums = _moved(counts, sums, rows, index, decay)
    return counts, sums, sums / counts[:, None]


def clamped(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    counts, sums = _moved(counts, sums, rows, index, decay)
    return counts, sums, sums / counts.clamp(min=epsilon)[:, None]


def wrong_way(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    return ema.ema_update(counts, sums, rows, index, 1 - decay, epsilon)


def mean_of_rows(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    here, total = _batch(counts, sums, rows, index)
    counts = decay * counts + (1 - decay) * here
    sums = decay * sums + (1 - decay) * total / here.clamp(min=1)[:, None]
    return counts, sums, ema.running_means(counts, sums, epsilon)


def undecayed(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    here, total = _batch(counts, sums, rows, index)
    counts, sums = decay * counts + (1 - decay) * here, sums + (1 - decay) * total
    return counts, sums, ema.running_means(counts, sums, epsilon)


def unweighted_batch(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    here, total = _batch(counts, sums, rows, index)
    counts, sums = decay * counts + here, decay * sums + total
    return counts, sums, ema.running_means(counts, sums, epsilon)


def of_this_batch(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    here, total = _batch(counts, sums, rows, index)
    moved = _moved(counts, sums, rows, index, decay)
    return *moved, ema.running_means(here, total, epsilon)


def shares(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    counts, sums = _moved(counts, sums, rows, index, decay)
    smooth = (counts + epsilon) / (counts.sum() + len(counts) * epsilon)
    return counts, sums, sums / smooth[:, None]


def only_added(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    counts, sums = _moved(counts, sums, rows, index, decay)
    return counts, sums, sums / (counts + epsilon)[:, None]


def smoothed_kept(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    counts, sums, codebook = ema.ema_update(counts, sums, rows, index, decay, epsilon)
    n = counts.sum()
    return (counts + epsilon) / (n + len(counts) * epsilon) * n, sums, codebook


def once_each(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    here, total = torch.zeros_like(counts), torch.zeros_like(sums)
    here[index] += 1
    total[index] += rows
    counts, sums = decay * counts + (1 - decay) * here, decay * sums + (1 - decay) * total
    return counts, sums, ema.running_means(counts, sums, epsilon)


def in_place(
    counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float, epsilon: float
) -> Three:
    ema.add_batch_(counts, sums, rows, index, decay)
    return counts, sums, ema.running_means(counts, sums, epsilon)
