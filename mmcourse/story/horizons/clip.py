"""A short clip between two pictures: what moves, and what only fades."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.story.horizons.descent import descend
from mmcourse.storyworld import Scene, render, sample_scene
from mmcourse.storyworld.drawing.depth import LABELS, layers
from mmcourse.storyworld.drawing.stage import HEIGHT, STILL, Moment
from mmcourse.training import batch_indices

HOP = 0.4
"""How high the hero hops, in parts of their own height."""
SEEN = 12.0
"""Levels of 256 by which two pixels differ visibly."""


def hops(split: str, n: int) -> list[Scene]:
    """The first n scenes of a split in which one character stands in the middle, alone."""
    found = (sample_scene(split, i) for i in count())
    return list(islice((s for s in found if _can_hop(s)), n))


def _can_hop(scene: Scene) -> bool:
    hero = scene.characters[0]
    alone = len(scene.characters) == 1 and not scene.things and scene.camera == "medium"
    return alone and hero.action == "standing" and hero.position == "middle"


def risen(t: float) -> float:
    """How much of the way up is done at time t, 0 on the ground, 1 at the top: gravity brakes."""
    return 1 - (1 - t) ** 2


def height(t: float, size: int) -> float:
    """The same in pixels of a picture of so many."""
    return HOP * HEIGHT[1] * size * risen(t)


def frames(scene: Scene, n: int = 9, size: int = 128) -> Tensor:
    """(n, size, size, 3) uint8: the hero from the ground to the top of a hop, as the world draws
    it. The first and the last are the pictures that a clip is given."""
    moments = [Moment(bob=HOP * risen(i / (n - 1))) for i in range(n)]
    drawn = [np.asarray(render(scene, size, moment=moment)) for moment in moments]
    return torch.from_numpy(np.stack(drawn))


def hero_mask(scene: Scene, size: int = 128) -> Tensor:
    """(size, size) bool: where the hero is in the first frame."""
    found = layers(scene, size, moment=STILL)
    hero = found.labels == LABELS.index("character:middle")
    return torch.from_numpy(hero[found.index])


# -- three ways without learning -------------------------------------------------------------------


def cross_fade(first: Tensor, last: Tensor, t: float) -> Tensor:
    """Pictures (H, W, 3), or latents (D, h, w), of two moments, mixed: the baseline."""
    return torch.lerp(first.float(), last.float(), t)


def cut_out(first: Tensor, last: Tensor, t: float) -> Tensor:
    """A cut-out moved at constant speed, as far as it must have gone, over the background.

    Where the pictures differ, the move is looked for under which most pixels of the first are
    found again in the last; these pixels are the hero. Where they were, the last picture shows the
    background.

    Args:
        first: (H, W, 3), 0 to 255.
        last: (H, W, 3).
        t: 0 to 1.
    """
    a, b = first.float(), last.float()
    differ = (a - b).abs().mean(-1) > SEEN  # (H, W)
    best, move, hero = 0, 0, torch.zeros_like(differ)
    for dy in range(1, len(a) // 2):
        same = torch.zeros_like(differ)
        same[dy:] = (a[dy:] - b[:-dy]).abs().mean(-1) < SEEN
        same &= differ
        if int(same.sum()) > best:
            best, move, hero = int(same.sum()), dy, same
    wide = F.max_pool2d(hero[None].float(), 9, 1, 4)  # close the gaps: outlines match nothing
    hero = F.max_pool2d(-wide, 9, 1, 4)[0] < -0.5
    gone = F.max_pool2d(hero[None].float(), 5, 1, 2)[0] > 0.5  # with its rim
    out = torch.where(gone[..., None], b, a)
    shift = round(t * move)
    moved, there = a.roll(-shift, 0), hero.roll(-shift, 0)
    return torch.where(there[..., None], moved, out)


# -- a network between two latents -----------------------------------------------------------------


class Between(nn.Module):
    """From the latents of two moments and a time to the latents of that time.

    What it adds to their mixture starts at 0, so that it begins as the cross-fade of latents.

    Args:
        dim: of the latents.
        width: channels.
    """

    def __init__(self, dim: int = 8, width: int = 64) -> None:
        super().__init__()
        self.into = nn.Conv2d(2 * dim + 1, width, 3, padding=1)
        reach = (1, 2, 2, 1)
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=far, dilation=far) for far in reach
        )
        self.out = nn.Conv2d(width, dim, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)

    def forward(self, first: Tensor, last: Tensor, t: Tensor) -> Tensor:
        """(B, D, h, w) twice and times (B,), 0 to 1, to (B, D, h, w)."""
        when = t[:, None, None, None]
        x = torch.cat([first, last, when.expand(-1, 1, *first.shape[2:])], 1)  # (B, 2D + 1, h, w)
        x = F.silu(self.into(x))
        for layer in self.layers:
            x = x + F.silu(layer(x))
        return torch.lerp(first, last, when) + self.out(x)


def train_between(
    model: Between,
    latents: Tensor,
    *,
    steps: int,
    batch_size: int = 32,
    lr: float = 2e-3,
    seed: int = 0,
) -> Iterator[dict[str, float]]:
    """Train in place by the mean square, and yield {"step", "loss"} after each step.

    Args:
        model: to be trained.
        latents: (N, n, D, h, w), clips of n frames.
        steps: optimiser steps.
        batch_size: frames of a step.
        lr: peak learning rate of AdamW.
        seed: of clips and times.
    """
    many, n = latents.shape[:2]
    inner = n - 2

    def loss_at(step: int) -> Tensor:
        index = batch_indices(step, min(batch_size, many * inner), many * inner, seed)
        clip, frame = index // inner, 1 + index % inner
        drawn = model(latents[clip, 0], latents[clip, -1], frame / (n - 1))
        return F.mse_loss(drawn, latents[clip, frame])

    return descend(model, loss_at, steps=steps, lr=lr)


# -- measuring -------------------------------------------------------------------------------------


def where_is(frame: Tensor, first: Tensor, mask: Tensor, highest: int) -> tuple[int, float]:
    """How high the hero of a frame is, and how much it looks like the hero.

    The hero's pixels of the first frame are held against the frame at each height; the height with
    the smallest difference counts.

    Args:
        frame: (H, W, 3), 0 to 255.
        first: (H, W, 3), the first frame.
        mask: (H, W) bool, where the hero is in it.
        highest: heights from 0 to this one are tried, in pixels.

    Returns:
        the height, and the mean difference there in levels of 256.

    Raises:
        ValueError: a mask without a hero.
    """
    if not mask.any():
        raise ValueError("nobody is in the mask; give that of a scene with somebody in the middle")
    frame, first = frame.float(), first.float()
    rows, columns = mask.nonzero(as_tuple=True)
    hero = first[rows, columns]  # (M, 3)
    far = [
        float((frame[(rows - dy).clamp(min=0), columns] - hero).abs().mean())
        for dy in range(highest + 1)
    ]
    best = int(np.argmin(far))
    return best, far[best]


def psnr(frame: Tensor, truth: Tensor) -> float:
    """Peak signal to noise of pictures of 0 to 255, in decibels."""
    return float(10 * torch.log10(255**2 / (frame.float() - truth.float()).square().mean()))
