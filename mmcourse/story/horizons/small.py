"""Smaller models: fewer bits for each number, and a student that copies a larger teacher."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.joint.losses import clip_loss
from mmcourse.joint.towers import ImageTower
from mmcourse.story.horizons.descent import descend
from mmcourse.storyworld import from_bytes
from mmcourse.training import batch_indices, evaluating

M = TypeVar("M", bound=nn.Module)
SCALE_BITS = 16
"""Of each scale, and of each number that is not rounded, in a file."""


def round_rows(weight: Tensor, bits: int = 8) -> Tensor:
    """A matrix as it comes back from so many bits, with a scale for each row.

    A row's largest size becomes 2^(bits - 1) - 1, and each of its numbers is rounded to the nearest
    whole one.

    Args:
        weight: (R, ...), of two axes or more.
        bits: 2 to 16.

    Returns:
        the same shape; rows of zeros stay zeros.

    Raises:
        ValueError: fewer than two axes, or bits out of range.
    """
    return _rounded(weight, bits, by_row=True)


def round_tensor(weight: Tensor, bits: int = 8) -> Tensor:
    """The same with one scale for the whole matrix."""
    return _rounded(weight, bits, by_row=False)


def _rounded(weight: Tensor, bits: int, by_row: bool) -> Tensor:
    if weight.ndim < 2 or not 2 <= bits <= 16:
        raise ValueError(
            f"expected a matrix and 2 to 16 bits, got shape {tuple(weight.shape)} and bits={bits}"
        )
    top = 2 ** (bits - 1) - 1
    rows = weight.float().flatten(1)  # (R, ...)
    largest = rows.abs().amax(1, keepdim=True) if by_row else rows.abs().amax()
    scale = (largest / top).clamp(min=1e-12)
    return ((rows / scale).round() * scale).view(weight.shape).to(weight.dtype)


def rounded_model(model: M, bits: int, by_row: bool = True) -> M:
    """A copy of a model with every matrix rounded; vectors stay as they are."""
    found = copy.deepcopy(model)
    with torch.no_grad():
        for value in found.parameters():
            if value.ndim >= 2:
                value.copy_(_rounded(value, bits, by_row))
    return found


def size_in_bytes(model: nn.Module, bits: int, by_row: bool = True) -> int:
    """What the parameters take in a file: matrices in so many bits with their scales, all other
    numbers in 16. With bits=16 there are no scales."""
    total = 0
    for value in model.parameters():
        if value.ndim < 2 or bits == 16:
            total += SCALE_BITS * value.numel()
        else:
            total += bits * value.numel() + SCALE_BITS * (len(value) if by_row else 1)
    return -(-total // 8)


def rounding_error(model: nn.Module, bits: int, by_row: bool = True) -> float:
    """The error of the matrices against their size: the root of the ratio of sums of squares."""
    wrong = whole = 0.0
    for value in model.parameters():
        if value.ndim >= 2:
            x = value.detach().float()
            wrong += float((_rounded(x, bits, by_row) - x).square().sum())
            whole += float(x.square().sum())
    return (wrong / whole) ** 0.5


class Student(nn.Module):
    """A narrow image tower, and a linear map into the teacher's joint space.

    Args:
        dim: its width; the teacher's is 128.
        depth: transformer blocks.
        joint_dim: of the teacher's space.
        size: side of the pictures in pixels.
    """

    def __init__(self, dim: int = 32, depth: int = 1, joint_dim: int = 128, size: int = 64) -> None:
        super().__init__()
        self.tower = ImageTower(size, dim, depth)
        self.projection = nn.Linear(dim, joint_dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pictures (B, 3, size, size) in [-1, 1] to unit vectors (B, joint_dim)."""
        return F.normalize(self.projection(self.tower(pixels)[0]), dim=-1)

    @torch.no_grad()
    def look(self, pictures: Tensor, batch_size: int = 256) -> Tensor:
        """uint8 pictures (N, H, W, 3) to unit vectors (N, joint_dim)."""
        with evaluating(self):
            return torch.cat([self(from_bytes(part)) for part in pictures.split(batch_size)])


def distillation_loss(mine: Tensor, theirs: Tensor) -> Tensor:
    """One minus the cosine of the student's and the teacher's vectors (B, D), the mean.

    Source: Hinton et al., Distilling the Knowledge in a Neural Network, 2015, with vectors in the
    place of soft labels.
    """
    return 1 - F.cosine_similarity(mine, theirs, dim=-1).mean()


def train_student(
    student: Student,
    pictures: Tensor,
    targets: Tensor,
    *,
    steps: int,
    copies: bool = True,
    batch_size: int = 64,
    lr: float = 3e-3,
    seed: int = 0,
) -> Iterator[dict[str, float]]:
    """Train in place, and yield {"step", "loss"} after each step.

    Args:
        student: to be trained.
        pictures: (N, H, W, 3) uint8.
        targets: (N, D) unit vectors, one for each picture.
        steps: optimiser steps.
        copies: whether to copy them (`distillation_loss`); else each is to be told from the batch's
            others, by the symmetric contrastive loss.
        batch_size: pictures of a step.
        lr: peak learning rate of AdamW.
        seed: of their order.
    """

    def loss_at(step: int) -> Tensor:
        index = batch_indices(step, batch_size, len(pictures), seed)
        mine = student(from_bytes(pictures[index]))
        if copies:
            return distillation_loss(mine, targets[index])
        return clip_loss(targets[index], mine, torch.tensor(20.0))

    return descend(student, loss_at, steps=steps, lr=lr)


def multiply_adds(model: nn.Module, *inputs: Tensor) -> int:
    """How many multiply-add operations one call costs, whatever the machine."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad(), evaluating(model):
        model(*inputs)
    return counter.get_total_flops() // 2
