"""Pictures with their captions, a new phrasing at every step."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from mmcourse.joint.negatives import is_true, true_of_siblings
from mmcourse.storyworld import (
    Caption,
    Scene,
    Tokenizer,
    describe,
    from_bytes,
    render_bytes,
    sample_family,
)
from mmcourse.storyworld.facts import truths
from mmcourse.training import batch_indices

Captioner = Callable[[int, int], str]
"""(index of the picture, step) to a caption of it."""


@dataclass(frozen=True)
class Batch:
    """What a step is shown: texts (B, T) and their mask, pictures (B, 3, H, W) in [-1, 1].

    index and step say which pairs these are; ignored (B, B) bool marks texts that are true of other
    pictures than their own (see `masked_clip_loss`), or is None.
    """

    index: list[int]
    step: int
    ids: Tensor
    mask: Tensor
    pixels: Tensor
    ignored: Tensor | None


@dataclass(frozen=True)
class Pairs:
    """Pictures (N, H, W, 3) uint8, for each a source of captions, and who reads these.

    Consecutive pictures form families of `family` members, which are shown in one batch.
    """

    pictures: Tensor
    captioner: Captioner
    tokenizer: Tokenizer
    seed: int = 0
    """Of the order in which they are shown."""
    family: int = 1
    ignored: Callable[[list[int], int], Tensor] | None = None
    """(indices of a batch, step) to the pairs (B, B) bool that are no negatives; none by default.
    """
    fits: Callable[[int, int, int], bool] | None = None
    """(i, step, j) to whether the caption of picture i at a step is true of picture j; by default
    only of its own."""

    def batch(self, step: int, batch_size: int) -> Tensor:
        """The indices (batch_size,) of a step: whole families, in an order of their own.

        Raises:
            ValueError: a batch that would cut a family, or one larger than the data.
        """
        if batch_size % self.family:
            raise ValueError(
                f"batch_size is {batch_size}, expected a multiple of {self.family}, since families "
                "are shown whole"
            )
        families = len(self.pictures) // self.family
        chosen = batch_indices(step, batch_size // self.family, families, self.seed)
        return (chosen[:, None] * self.family + torch.arange(self.family)).flatten()

    def show(self, index: Tensor, step: int, device: torch.device) -> Batch:
        """The pictures of these indices (B,) with their captions of a step."""
        which = index.tolist()
        ids, mask = self.tokenizer.encode([self.captioner(i, step) for i in which])
        ignored = None if self.ignored is None else self.ignored(which, step).to(device)
        pixels = from_bytes(self.pictures[index]).to(device)
        return Batch(which, step, ids.to(device), mask.to(device), pixels, ignored)


def caption_for_training(scene: Scene, step: int) -> Caption:
    """Another phrasing at every step; three in ten tell only part of the scene."""
    return describe(scene, key=step, complete=step % 10 >= 3)


def _draw(scenes: Sequence[Scene], size: int) -> np.ndarray:
    return render_bytes(scenes, size).numpy()


def draw(scenes: Sequence[Scene], size: int, workers: int | None = None) -> Tensor:
    """`render_bytes` for many scenes, by default in several processes from 10,000 on."""
    workers = workers or min(os.cpu_count() or 1, 1 + len(scenes) // 10_000)
    if workers == 1:
        return render_bytes(scenes, size)
    pictures = torch.empty(len(scenes), size, size, 3, dtype=torch.uint8)
    parts = [slice(start, start + 500) for start in range(0, len(scenes), 500)]
    with ProcessPoolExecutor(workers) as pool:
        drawn = pool.map(partial(_draw, size=size), [scenes[part] for part in parts])
        for part, rows in zip(parts, drawn, strict=True):
            pictures[part] = torch.from_numpy(rows)
    return pictures


def storyworld_pairs(
    n: int, size: int = 64, split: str = "train", seed: int = 0, family: int = 1
) -> Pairs:
    """Draw `n` scenes of a split once; their captions are made anew whenever one is asked for.

    With `family` = 1 all scenes are strangers, and most details never decide which caption belongs
    to which picture. In larger families, of siblings that differ by one thing, every detail counts.
    Where a caption is true of a sibling too, because it says nothing of what tells them apart, that
    sibling is no negative.
    """
    scenes = [s for i in range(n // family) for s in sample_family(split, i, family, seed)]

    @lru_cache(4096)
    def told(index: int, step: int) -> Caption:
        return caption_for_training(scenes[index], step + index)

    def ignored(index: list[int], step: int) -> Tensor:
        return true_of_siblings([told(i, step) for i in index], [scenes[i] for i in index], family)

    return Pairs(
        draw(scenes, size),
        lambda index, step: told(index, step).text,
        Tokenizer(),
        seed,
        family,
        ignored if family > 1 else None,
        lambda i, step, j: i == j or is_true(told(i, step).said, truths(scenes[j])),
    )
