"""Pictures with their captions, a new phrasing at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmcourse.devices import usable_cpus
from mmcourse.joint.glimpses import glimpse
from mmcourse.joint.negatives import true_of
from mmcourse.processes import leave_inherited, my_rows, pool_of
from mmcourse.refusals import whole
from mmcourse.storyworld import (
    Caption,
    Scene,
    Tokenizer,
    describe,
    from_bytes,
    render_bytes,
    sample_family,
)
from mmcourse.training import batch_indices

Captioner = Callable[[int, int], str]
"""(index of the picture, turn) to a caption of it; with one caption a picture, a turn is a step."""


@dataclass(frozen=True)
class Batch:
    """What a step is shown: N texts (N, T) and their mask, B pictures (B, 3, H, W) in [-1, 1].

    of (N,) is the picture of each text; step and index say which pictures these are. true (N, B)
    bool tells which texts are true of which pictures; None: each of its own alone. Of several
    processes each has all texts and what is true, but only the pixels of its own pictures.
    """

    index: list[int]
    step: int
    ids: Tensor
    mask: Tensor
    of: Tensor
    pixels: Tensor
    true: Tensor | None

    @property
    def ignored(self) -> Tensor | None:
        """(N, N) bool, for `masked_clip_loss` of each text and the picture of each text: pairs off
        the diagonal that are no negatives."""
        if self.true is None:
            return None
        own = torch.eye(len(self.of), dtype=torch.bool, device=self.of.device)
        return self.true[:, self.of] & ~own


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
    captions: int = 1
    """How many captions of each picture a step is shown: those of turns captions * step and on."""
    truth: Callable[[list[int], int], Tensor] | None = None
    """(indices of B pictures, step) to which of their captions are true of which of them, (B times
    captions, B) bool; by default each of its own alone."""

    def batch(self, step: int, batch_size: int, processes: int = 1) -> Tensor:
        """The indices (processes · batch_size,) of a step: whole families, in an order of their
        own, the first process's first.

        Raises:
            ValueError: a batch that would cut a family, or one larger than the data.
        """
        if batch_size % self.family:
            raise ValueError(
                f"batch_size is {batch_size}, expected a multiple of {self.family}, since families "
                "are shown whole"
            )
        families = len(self.pictures) // self.family
        parts = range(step * processes, (step + 1) * processes)
        each = batch_size // self.family
        chosen = torch.cat([batch_indices(part, each, families, self.seed) for part in parts])
        return (chosen[:, None] * self.family + torch.arange(self.family)).flatten()

    def tell(self, index: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Ids and mask of the captions of a step of these pictures (B,), and which are true of
        which: the part of `show` that takes long."""
        which, turns = index.tolist(), range(self.captions * step, self.captions * (step + 1))
        ids, mask = self.tokenizer.encode([self.captioner(i, t) for i in which for t in turns])
        return ids, mask, None if self.truth is None else self.truth(which, step)

    def show(
        self,
        index: Tensor,
        step: int,
        device: torch.device,
        told: tuple[Tensor, Tensor, Tensor | None] | None = None,
    ) -> Batch:
        """The pictures of these indices (B,), or this process's part of them, with the captions of
        all in a step, which may have been told before."""
        ids, mask, true = told or self.tell(index, step)
        pixels = from_bytes(self.pictures[index[my_rows(len(index))]].to(device))
        of = torch.arange(len(index), device=device).repeat_interleave(self.captions)
        true = None if true is None else true.to(device)
        return Batch(index.tolist(), step, ids.to(device), mask.to(device), of, pixels, true)

    def told_ahead(
        self, turns: Sequence[tuple[int, Tensor]], workers: int
    ) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """What `tell` tells of each (step, index), prepared by so many processes while a GPU
        computes; 0 of them: when it is asked for."""
        return iter(
            DataLoader(
                _Told(self, turns),
                batch_size=None,
                collate_fn=_as_it_is,
                num_workers=workers,
                multiprocessing_context="fork" if workers else None,  # captioners are no pickles
                worker_init_fn=leave_inherited,
            )
        )


class _Told(Dataset):
    def __init__(self, pairs: Pairs, turns: Sequence[tuple[int, Tensor]]) -> None:
        self.pairs, self.turns = pairs, turns

    def __len__(self) -> int:
        return len(self.turns)

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor, Tensor | None]:
        step, index = self.turns[k]
        return self.pairs.tell(index, step)


def _as_it_is(told: Any) -> Any:
    return told


def caption_for_training(scene: Scene, step: int) -> Caption:
    """Another phrasing at every step; three in ten tell only part of the scene."""
    return describe(scene, key=step, complete=step % 10 >= 3)


def _draw(
    families: Sequence[int], size: int, split: str, seed: int, family: int
) -> tuple[list[Scene], np.ndarray]:
    scenes = [s for i in families for s in sample_family(split, i, family, seed)]
    return scenes, render_bytes(scenes, size).numpy()


def draw(
    families: int,
    size: int = 64,
    split: str = "train",
    seed: int = 0,
    family: int = 1,
    workers: int | None = None,
) -> tuple[list[Scene], Tensor]:
    """Sample and draw so many families of scenes, many of them in several processes: the scenes,
    and their pictures (N, size, size, 3) uint8.

    Raises:
        ValueError: no families.
    """
    families = whole("families", families)
    job = partial(_draw, size=size, split=split, seed=seed, family=family)
    parts = [range(families)[start : start + 200] for start in range(0, families, 200)]
    workers = workers or min(usable_cpus(), 1 + families * family // 4_000)
    if workers == 1:
        drawn = list(map(job, parts))
    else:
        with pool_of(workers) as pool:
            drawn = list(pool.map(job, parts))
    pictures = torch.from_numpy(np.concatenate([rows for _, rows in drawn]))
    return [s for scenes, _ in drawn for s in scenes], pictures


def storyworld_pairs(
    n: int,
    size: int = 64,
    split: str = "train",
    seed: int = 0,
    family: int = 1,
    captions: int = 1,
    things: bool = False,
) -> Pairs:
    """Draw `n` scenes of a split once; their captions are made anew whenever one is asked for.

    With one caption a picture and `family` = 1, all scenes are strangers, and most details never
    decide which caption belongs to which. In families, of siblings that differ by one thing, every
    detail counts; so it does in further captions of each picture, which are glimpses: one or two
    things about one animal, or, with `things`, about a thing. Such texts are often true of other
    pictures of their batch too, so which are is looked up (`Pairs.truth`).
    """
    scenes, pictures = draw(n // family, size, split, seed, family)

    @lru_cache(4096)
    def told(index: int, turn: int) -> Caption:
        step, which = divmod(turn, captions)
        if which:
            return glimpse(scenes[index], turn, things)
        return caption_for_training(scenes[index], step + index)

    def truth(index: list[int], step: int) -> Tensor:
        turns = range(captions * step, captions * (step + 1))
        return true_of([told(i, t) for i in index for t in turns], [scenes[i] for i in index])

    return Pairs(
        pictures,
        lambda index, turn: told(index, turn).text,
        Tokenizer(),
        seed,
        family,
        captions,
        truth if family > 1 or captions > 1 else None,
    )
