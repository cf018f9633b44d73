"""Pictures as tokens: squares of a picture or of latents, one after another, and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mmcourse.nn import grid_positions


def grid_of(height: int, width: int, patch: int) -> tuple[int, int]:
    """Rows and columns of patches.

    Raises:
        ValueError: a side that the patch does not divide.
    """
    if patch < 1 or height % patch or width % patch:
        raise ValueError(
            f"a patch of {patch} does not divide {height} x {width}: take sides that are multiples "
            f"of {max(patch, 1)}"
        )
    return height // patch, width // patch


def patchify(x: Tensor, patch: int) -> Tensor:
    """Cut into squares, in raster order; a token is a square's numbers, channel by channel.

    Nothing is lost or mixed: `unpatchify` gives back every number.

    Source: Peebles & Xie, Scalable Diffusion Models with Transformers, 2023, section 3.2.

    Args:
        x: (B, C, H, W).
        patch: side p of a square.

    Returns:
        (B, H / p · W / p, C · p · p).

    Raises:
        ValueError: a side that the patch does not divide.
    """
    rows, columns = grid_of(x.shape[2], x.shape[3], patch)
    x = x.unflatten(3, (columns, patch)).unflatten(2, (rows, patch))  # (B, C, h, p, w, p)
    return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)  # (B, h w, C p p)


def unpatchify(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    """Put squares back in their places: the inverse of `patchify`.

    Args:
        tokens: (B, H / p · W / p, C · p · p).
        patch: side p of a square.
        height: H.
        width: W.

    Returns:
        (B, C, H, W).

    Raises:
        ValueError: a side that the patch does not divide, or another number of tokens or of numbers
            in each than fills this picture.
    """
    rows, columns = grid_of(height, width, patch)
    if tokens.shape[1] != rows * columns or tokens.shape[2] % patch**2:
        raise ValueError(
            f"{height} x {width} in patches of {patch} are {rows * columns} tokens of a multiple "
            f"of {patch**2} numbers, got {tokens.shape[1]} of {tokens.shape[2]}"
        )
    x = tokens.unflatten(2, (-1, patch, patch)).unflatten(1, (rows, columns))  # (B, h, w, C, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)  # (B, C, h p, w p)


def spread_positions(rows: int, columns: int, side: int) -> Tensor:
    """(rows · columns, 2) float32: the places of a grid of any size on one of `side` squares.

    A picture that is larger than those of the training is the same scene more finely cut, not a
    scene with more beside it. So its places lie closer, about the same middle.
    """
    places = grid_positions(rows, columns).float()
    longest = max(rows, columns)
    if rows == columns == side:
        return places
    middle = torch.tensor([rows - 1, columns - 1]) / 2
    return (places - middle) * (side / longest) + (side - 1) / 2


def square(tokens: int) -> tuple[int, int]:
    """Rows and columns of a square grid of so many tokens.

    Raises:
        ValueError: a number that is no square.
    """
    side = math.isqrt(tokens)
    if tokens < 1 or side**2 != tokens:
        raise ValueError(f"a reference is a square picture, got {tokens} places: crop it")
    return side, side


def beside_it(tokens: int, side: int) -> Tensor:
    """(tokens, 2): where the places of a square reference are, to the right of a picture of `side`
    by `side` patches."""
    return spread_positions(*square(tokens), side) + torch.tensor([0.0, side])


def sincos_at(places: Tensor, dim: int) -> Tensor:
    """`nn.sincos_positions` for places that need not be whole: (T, 2) rows and columns to (T, dim),
    float32.

    Raises:
        ValueError: a width that is no multiple of 4.
    """
    if dim % 4:
        raise ValueError(f"dim is {dim}, expected a multiple of 4: sines and cosines for two axes")
    power = torch.arange(dim // 4, dtype=torch.float64, device=places.device) / (dim // 4)
    angles = [places[:, axis].double()[:, None] * 10_000.0**-power for axis in (1, 0)]
    return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], 1).float()
