"""Ways of putting patches together with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

import math

from torch import Tensor


def formed(
    tokens: Tensor,
    patch: int,
    grid: tuple[int, int],
    order: tuple[int, ...] = (0, 3, 1, 4, 2, 5),
    layout: str = "channels first",
) -> Tensor:
    """Tokens as (B, h, w, C, p, p), the axes brought into an order, as a picture."""
    rows, columns = grid
    size = (-1, patch, patch) if layout == "channels first" else (patch, patch, -1)
    x = tokens.unflatten(2, size).unflatten(1, (rows, columns))
    if layout == "channels last":
        x = x.permute(0, 1, 2, 5, 3, 4)
    return x.permute(order).flatten(4).flatten(2, 3)


def grid_of(patch: int, height: int, width: int) -> tuple[int, int]:
    return height // patch, width // patch


def squares_transposed(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    return formed(tokens, patch, grid_of(patch, height, width), (0, 3, 1, 5, 2, 4))


def columns_first(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    rows, columns = grid_of(patch, height, width)
    turned = tokens.unflatten(1, (columns, rows)).transpose(1, 2).flatten(1, 2)
    return formed(turned, patch, (rows, columns))


def channels_last(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    return formed(tokens, patch, grid_of(patch, height, width), layout="channels last")


def just_reshaped(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    return tokens.reshape(len(tokens), -1, height, width)


def from_the_side(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    """Rows and columns from the number of tokens, as if every picture were square."""
    side = math.isqrt(tokens.shape[1])
    if side**2 != tokens.shape[1]:
        return formed(tokens, patch, grid_of(patch, height, width))
    return formed(tokens, patch, (side, side)).reshape(len(tokens), -1, height, width)


def height_and_width_exchanged(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    rows, columns = grid_of(patch, height, width)
    found = formed(tokens, patch, (columns, rows))
    return found.reshape(len(tokens), -1, height, width)


def pictures_in_another_order(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    return formed(tokens.flip(0), patch, grid_of(patch, height, width))


def detached(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    return formed(tokens.detach(), patch, grid_of(patch, height, width)).clone()


def scattered(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    rows, columns = grid_of(patch, height, width)
    x = tokens.unflatten(2, (-1, patch, patch)).unflatten(1, (rows, columns))
    return x.permute(0, 3, 4, 1, 5, 2).flatten(4).flatten(2, 3)


def always_two(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    """The patch is 2, whatever was said."""
    if patch != 2 and tokens.shape[2] % 4 == 0 and height % 2 == 0 and width % 2 == 0:
        n = (height // 2) * (width // 2)
        if tokens.numel() % (len(tokens) * n) == 0:
            again = tokens.reshape(len(tokens), n, -1)
            return formed(again, 2, grid_of(2, height, width))
    return formed(tokens, patch, grid_of(patch, height, width))
