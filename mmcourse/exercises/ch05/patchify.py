"""Core: cut a picture into tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.dit import patches
from mmcourse.exercises.kit import Broken, Task, close, holds, raw, tensor

STUB = '''
@exercise("ch05.patchify")
def patchify(x, patch):
    """Cut each picture into squares, and write each square as one row of numbers.

    x: (B, C, H, W).
    patch: the side p of a square; it divides H and W, which may differ.
    Returns (B, H / p * W / p, C * p * p): the squares in raster order, from left to right and then
    down; of a square first all numbers of its first channel, row by row, then the second's, ...
    Gradients flow back.
    """
    raise NotImplementedError
'''


def by_hand(x: Tensor, patch: int) -> Tensor:
    """Square by square."""
    rows, columns = x.shape[2] // patch, x.shape[3] // patch
    squares = [
        x[:, :, i * patch : (i + 1) * patch, j * patch : (j + 1) * patch].reshape(len(x), -1)
        for i in range(rows)
        for j in range(columns)
    ]
    return torch.stack(squares, 1)


def _counted(*shape: int) -> Tensor:
    """0, 1, 2, ... in this shape."""
    return torch.arange(torch.tensor(shape).prod().item(), dtype=torch.float64).view(shape)


@holds("one channel, 2 by 4, patches of 2: the numbers 0 1 4 5 and 2 3 6 7")
def two_squares(answer: Any) -> None:
    close(answer(_counted(1, 1, 2, 4), 2), torch.tensor([[[0.0, 1, 4, 5], [2, 3, 6, 7]]]))


@holds("squares follow each other from left to right, then down")
def raster(answer: Any) -> None:
    found = tensor(answer(_counted(1, 1, 4, 6), 2), (1, 6, 4))
    close(found[0, :, 0], torch.tensor([0.0, 2, 4, 12, 14, 16]), "The first number of each square.")


@holds("within a square a channel is told to its end before the next one begins")
def channels(answer: Any) -> None:
    x = torch.stack([torch.full((2, 2), float(c)) for c in range(3)])[None]
    close(answer(x, 2), torch.tensor([[[0.0] * 4 + [1.0] * 4 + [2.0] * 4]]))


@holds("a patch of 1 lists the places; a patch as large as the picture is one token")
def ends(answer: Any) -> None:
    x = raw(2, 3, 4, 4, seed=1)
    close(answer(x, 1), x.flatten(2).transpose(1, 2))
    close(answer(x, 4), x.flatten(1)[:, None])


@holds("numbers are moved, not computed: to their last digit")
def exact(answer: Any) -> None:
    x = 1 + 1e-12 * _counted(1, 2, 4, 4)
    if not torch.equal(tensor(answer(x, 2), (1, 4, 8)), by_hand(x, 2)):
        raise Broken("The last digits have changed.", "nearly the numbers", "the numbers")


def _probes() -> list[tuple[Any, ...]]:
    shapes = (
        ((1, 2, 6, 6), 3), ((2, 1, 4, 4), 2), ((3, 2, 9, 3), 3), ((1, 3, 8, 4), 4),
        ((1, 1, 10, 5), 5), ((1, 1, 22, 20), 2), ((2, 5, 4, 2), 2), ((2, 3, 4, 6), 2),
    )  # fmt: skip
    return [(1e4 * raw(*shape, seed=sum(shape)), patch) for shape, patch in shapes]


MISTAKES = """
reshaped without a permutation:
        n = (x.shape[2] // patch) * (x.shape[3] // patch)
        return x.reshape(len(x), n, -1)
    reshape alone cuts the picture into stripes: numbers that are neighbours in memory. Give height
    and width two axes each, then bring the axes into order by permute.
channels last in a token: (0, 2, 4, 1, 3, 5) => (0, 2, 4, 3, 5, 1)
    Each token lists all channels of a place, then the next place. Here a channel is told to its end
    first. (DiT's own output is channels last, its input is not.)
squares column by column: (0, 2, 4, 1, 3, 5) => (0, 4, 2, 1, 3, 5)
    The squares go down first, then right. In raster order the column changes fastest.
squares told column by column: (0, 2, 4, 1, 3, 5) => (0, 2, 4, 1, 5, 3)
    The numbers inside a square go down first: its two axes are exchanged.
the patch's axis taken for the grid's:
        (0, 2, 4, 1, 3, 5) => (0, 3, 5, 1, 2, 4)
        .flatten(3).flatten(1, 2) => .reshape(len(x), rows * columns, -1)
    Height splits into (H / p, p), in this order: the first part says which square, the second where
    in it. Here they are exchanged, and a token is scattered over the picture.
every so many pixels:
        rows, columns = x.shape[2] // patch, x.shape[3] // patch
        parts = [x[:, :, i::rows, j::columns] for i in range(rows) for j in range(columns)]
        return torch.stack([part.reshape(len(x), -1) for part in parts], 1)
    x[:, :, i::rows, j::columns] takes pixels that lie far apart. A token is a square of neighbours.
unfold's own order: F.unfold(x, patch, stride=patch)
    F.unfold returns (B, C p p, N), tokens last. Transpose the last two axes.
squares that overlap: F.unfold(x, patch).transpose(1, 2)
    Without stride=patch the window moves by one pixel: squares overlap, and there are far too many.
a square's mean: F.avg_pool2d(x, patch).flatten(2).transpose(1, 2)
    A token keeps all C p p numbers of its square. Their mean can't be turned back.
"""

EXERCISE = Task(
    title="A picture as tokens",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=patches.patchify,
    formula=by_hand,
    cases=_probes,
    mistakes=MISTAKES,
    hints=(
        "Split H into (H / p, p) and W into (W / p, p): six axes. Which two say which square?",
        "`x.reshape(B, C, h, p, w, p)`, then permute to (B, h, w, C, p, p).",
        "`.permute(0, 2, 4, 1, 3, 5).reshape(B, h * w, C * p * p)`.",
    ),
)
