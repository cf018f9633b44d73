"""Rotary position embedding: a query and a key are turned by where they stand."""

from __future__ import annotations

import torch
from torch import Tensor


def grid_positions(height: int, width: int) -> Tensor:
    """(height · width, 2) int64: row and column of each place of a grid, in raster order."""
    return torch.cartesian_prod(torch.arange(height), torch.arange(width))


def rotary_angles(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    """By how much each pair of numbers is turned: position times frequency.

    The frequencies fall from 1 to about 1 / base in equal ratios. With several coordinates each
    turns its own share of the pairs, the first coordinate the first ones.

    Source: Su et al., RoFormer, 2021, equation 15; the share for each axis as in Wang et al.,
    Qwen2-VL, 2024, section 2.1.

    Args:
        positions: (T,) where tokens stand in a text, or (T, axes) in a grid; integers or not.
        dim: width of a head, a multiple of 2 · axes.
        base: of the frequencies.

    Returns:
        (T, dim / 2), float32, in radians, for `rotate`.

    Raises:
        ValueError: a width that the axes do not divide.
    """
    places = positions[:, None] if positions.ndim == 1 else positions  # (T, axes)
    axes = places.shape[1]
    if dim % (2 * axes):
        raise ValueError(f"dim is {dim}, expected a multiple of {2 * axes}: pairs for {axes} axes")
    pairs = dim // (2 * axes)
    power = torch.arange(pairs, dtype=torch.float32, device=places.device) / pairs
    return (places.float()[..., None] * base**-power).flatten(1)  # (T, axes · pairs)


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn each pair (x[i], x[i + dim / 2]) by its angle.

    Queries and keys are turned, values are not: a query's product with a key then depends on how
    far apart the two stand, and not on where. The angles keep it in float32: in bfloat16 a position
    of 300 would be off by a whole radian.

    Source: Su et al., RoFormer, 2021, equation 34, with the pairs as Llama lays them out.

    Args:
        x: (..., T, dim), such as queries (B, heads, T, dim).
        angles: (T, dim / 2), or with leading axes that broadcast, from `rotary_angles`.

    Returns:
        (..., T, dim), of the same type.

    Raises:
        ValueError: angles of another width.
    """
    if x.shape[-1] != 2 * angles.shape[-1]:
        raise ValueError(
            f"angles for a width of {2 * angles.shape[-1]}, got x of {x.shape[-1]}: give "
            "rotary_angles the width of a head"
        )
    cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, -1)  # (..., T, dim / 2)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1).to(x.dtype)
