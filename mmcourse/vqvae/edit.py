"""Cut and paste in the grid of codes: a region, a character, a sky."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from mmcourse.storyworld import Scene
from mmcourse.storyworld.drawing.depth import LABELS, segmentation


def cells_of(mask: Tensor, factor: int, least: float = 0.25) -> Tensor:
    """The cells of which a mask covers at least so much.

    Args:
        mask: (H, W) bool, True where the picture shows what is meant.
        factor: side of a cell in pixels.
        least: share of a cell, above 0.

    Returns:
        (H / factor, W / factor) bool.

    Raises:
        ValueError: sides that the factor does not divide.
    """
    height, width = mask.shape
    if height % factor or width % factor:
        raise ValueError(f"the factor {factor} does not divide a mask of {height} x {width}")
    tiles = mask.float().reshape(height // factor, factor, width // factor, factor)
    return tiles.mean((1, 3)) >= least


def cells_showing(
    scene: Scene, labels: Collection[str], size: int = 64, factor: int = 4, least: float = 0.25
) -> Tensor:
    """The cells where a scene shows things with these labels, (size / factor, size / factor) bool.

    Args:
        scene: whose picture was encoded.
        labels: of `depth.LABELS`, such as "sky" or "character:left".
        size: of the picture.
        factor: side of a cell in pixels.
        least: share of a cell that must show them.

    Raises:
        ValueError: a label that does not exist.
    """
    unknown = set(labels) - set(LABELS)
    if unknown:
        raise ValueError(
            f"no label is called {sorted(unknown)[0]!r}; choose from {', '.join(LABELS)}"
        )
    wanted = torch.tensor([LABELS.index(label) for label in labels])
    return cells_of(torch.isin(torch.from_numpy(segmentation(scene, size)), wanted), factor, least)


def transplant(codes: Tensor, other: Tensor, where: Tensor) -> Tensor:
    """A grid (h, w) with the codes of another one in the cells (h, w) where `where` is True.

    Raises:
        ValueError: shapes that differ.
    """
    if not codes.shape == other.shape == where.shape:
        raise ValueError(
            f"grids and cells must have one shape, got {tuple(codes.shape)}, {tuple(other.shape)} "
            f"and {tuple(where.shape)}"
        )
    return torch.where(where, other, codes)
