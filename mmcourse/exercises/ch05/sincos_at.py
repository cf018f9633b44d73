"""Core: say where a patch is, by sines and cosines of its row and its column."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.dit import patches
from mmcourse.exercises.kit import Broken, Task, close, holds, raw, tensor

STUB = '''
@exercise("ch05.sincos_at")
def sincos_at(places, dim):
    """A vector for each place of a grid.

    places: (T, 2), row and column of each, any numbers: a finer grid has halves.
    dim: width, a multiple of 4.
    With d = dim / 4 and frequencies w_k = 10000^(-k / d), k = 0, ..., d - 1, returns (T, dim),
    float32, on the device of places, four parts of d numbers:
    sin(column w_k), cos(column w_k), sin(row w_k), cos(row w_k).
    """
    raise NotImplementedError
'''


def by_hand(places: Tensor, dim: int) -> Tensor:
    """Number by number."""
    d = dim // 4
    rows = []
    for row, column in places.tolist():
        w = [10_000.0 ** (-k / d) for k in range(d)]
        rows.append(
            [f(place * wk) for place in (column, row) for f in (math.sin, math.cos) for wk in w]
        )
    return torch.tensor(rows, dtype=torch.float32)


@holds("the first place, row 0 and column 0: sines of 0, cosines of 1")
def corner(answer: Any) -> None:
    close(answer(torch.zeros(1, 2), 8), torch.tensor([[0.0, 0, 1, 1, 0, 0, 1, 1]]))


@holds("row 0, column 1, dim 4: sin 1, cos 1, then a row of 0")
def one_to_the_right(answer: Any) -> None:
    found = answer(torch.tensor([[0.0, 1.0]]), 4)
    close(found, torch.tensor([[math.sin(1), math.cos(1), 0.0, 1.0]]))


@holds("the slowest of 16 frequencies is 10000^(-15 / 16)")
def slowest(answer: Any) -> None:
    found = tensor(answer(torch.tensor([[1000.0, 0.0]]), 64), (1, 64))
    close(found[0, 47], math.sin(1000 * 10_000 ** (-15 / 16)), "Of row 1000.")


@holds("whole numbers as places, as a grid has them")
def whole_numbers(answer: Any) -> None:
    places = torch.cartesian_prod(torch.arange(298, 301), torch.arange(4))
    close(answer(places, 16), by_hand(places, 16))


@holds("how alike two places are depends on how far apart they are, not on where")
def distances(answer: Any) -> None:
    places = torch.tensor([[0.0, 0.0], [1.0, 2.0], [5.0, 3.0], [6.0, 5.0]])
    found = tensor(answer(places, 32), (4, 32))
    alike = found @ found.T
    if abs(float(alike[0, 1] - alike[2, 3])) > 1e-3:
        raise Broken(
            "Two pairs of places, each one row and two columns apart, are not equally alike.",
            [float(alike[0, 1]), float(alike[2, 3])],
            "two equal numbers",
        )


def _probes() -> list[tuple[Any, ...]]:
    grid = torch.tensor([[0.0, 1.0], [2.0, 0.0], [3.0, 5.0]])
    odd = torch.tensor([[1.5, 0.25], [7.0, 31.0], [-3.7, 99.9]])
    far, wide = (torch.tensor([[-1500.0, 2500.0]]), 4), (odd[:1], 72)
    found = [(torch.ones(1, 2), 4), far, wide, (odd, 8)]
    return [*found, (20 * raw(5, 2, seed=1).float(), 12), (grid, 16)]


def _formed(
    axes: tuple[int, int] = (1, 0),
    waves: tuple[Any, Any] = (torch.sin, torch.cos),
    frequencies: Any = lambda d: 10_000.0 ** (-torch.arange(d) / d),
    interleaved: bool = False,
    places_of: Any = lambda places: places.float(),
) -> Any:
    """A wrong answer, from what it may get wrong."""

    def answer(places: Tensor, dim: int) -> Tensor:
        w = frequencies(dim // 4).to(places.device)
        at = places_of(places)
        parts = [f(at[:, axis, None] * w) for axis in axes for f in waves]
        if interleaved:
            pairs = [torch.stack(parts[i : i + 2], -1).flatten(1) for i in (0, 2)]
            return torch.cat(pairs, 1).float()
        return torch.cat(parts, 1).float()

    return answer


def _raster_number(places: Tensor) -> Tensor:
    number = places[:, 0] * (places[:, 1].max() + 1) + places[:, 1]
    return torch.stack([number, number], 1).float()


MISTAKES = """
row first: _formed(axes=(0, 1))
    Row and column are exchanged: the first half tells the column. (Published weights were trained
    that way; with the halves exchanged every patch stands elsewhere.)
cosine first: _formed(waves=(torch.cos, torch.sin))
    Sines come first in each half, then cosines. (In the time's embedding it is the other way
    round.)
sine and cosine in turn: _formed(interleaved=True)
    sin w_0, cos w_0, sin w_1, ... is how the first transformer wrote them. Here all d sines of an
    axis stand together, then all its cosines.
frequencies that end at 1 / 10000:
        _formed(frequencies=lambda d: 10_000.0 ** (-torch.arange(d) / max(d - 1, 1)))
    The last exponent is -(d - 1) / d, not -1: divide k by d.
frequencies of a text's positions:
        _formed(frequencies=lambda d: 10_000.0 ** (-torch.arange(d) / (2 * d)))
    The exponents only reach -1/2. Each axis has dim / 4 frequencies, which use the whole range:
    divide k by d = dim / 4, not by dim / 2.
wavelengths for frequencies: _formed(frequencies=lambda d: 10_000.0 ** (torch.arange(d) / d))
    The exponent lost its minus: frequencies fall from 1, so that far places still differ slowly.
the number in raster order for both: _formed(places_of=_raster_number)
    Row and column became one number, so that the patch below is as far as the whole row is long.
    Keep two axes: that is what 2-D means.
places rounded down: _formed(places_of=lambda places: places.float().floor())
    Places between those of the grid fell onto it. A larger picture has halves.
"""

EXERCISE = Task(
    title="Where a patch is",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=patches.sincos_at,
    formula=by_hand,
    cases=_probes,
    learns=False,
    mistakes=MISTAKES,
    hints=(
        "Take one axis first: a column of places (T, 1) times a row of frequencies (1, d).",
        "`w = 10_000.0 ** (-torch.arange(d) / d)`, `angles = places[:, 1, None] * w` for columns.",
        "`torch.cat([f(places[:, axis, None] * w) for axis in (1, 0) for f in (torch.sin, "
        "torch.cos)], 1)`, w on the device of places.",
    ),
)
