"""Core: which code is nearest?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, column, holds, raw, tensor, unchanged, whole
from mmcourse.vqvae import nearest

STUB = '''
@exercise("ch02.nearest_codes")
def nearest_codes(vectors, codebook):
    """For each vector, the index of the code that is nearest to it.

    vectors: (N, D), what the encoder said, a row for each place.
    codebook: (K, D), a row for each code.
    Returns (N,) int64: which row of the codebook has the smallest Euclidean distance to the
    vector, also in float32 and where all lie far from the origin, around 1,000. Of several that
    are equally near, any will do. No gradient is asked for.
    """
    raise NotImplementedError
'''


def by_hand(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Vector by vector, code by code."""
    rows = [[float((v - c).square().sum()) for c in codebook] for v in vectors]
    return torch.tensor([row.index(min(row)) for row in rows])


@holds("on the number line with codes at 0 and 10: 1 goes to 0, 7 to 10, -3 to 0")
def number_line(answer: Any) -> None:
    whole(answer(column(1, 7, -3), column(0, 10)), torch.tensor([0, 1, 0]))


@holds("each code is nearest to itself, be it long or short")
def themselves(answer: Any) -> None:
    codes = torch.tensor([[1.0, 0.0], [4.0, 0.0], [4.0, 3.0], [-1.0, 2.0], [0.0, 0.0]])
    whole(answer(codes, codes), torch.arange(5), "A code is nearest to itself, at distance 0.")


@holds("a code in the same direction may be the farther one")
def directions(answer: Any) -> None:
    codes = torch.tensor([[9.0, 9.0], [1.0, 0.0]])
    whole(answer(torch.tensor([[1.0, 1.0], [8.0, 7.0]]), codes), torch.tensor([1, 0]))


@holds("the distance is the Euclidean one: (3, 3) is nearer to (0, 0) than (5, 0) is")
def euclidean(answer: Any) -> None:
    codes = torch.tensor([[5.0, 0.0], [3.0, 3.0]])
    whole(answer(torch.zeros(1, 2), codes), torch.tensor([1]))


moved = unchanged(
    "moving vectors and codes together changes nothing",
    lambda: (raw(6, 3, seed=1), raw(5, 3, seed=2)),
    lambda vectors, codes: (vectors + 20, codes + 20),
    "Moved by 20, the indices are others.",
)


@holds("far from the origin the nearer code still wins, in float32")
def far(answer: Any) -> None:
    ones = torch.ones(4)
    for offset in (1000 * ones, 1000 * torch.tensor([1.0, -1.0, 1.0, -1.0])):
        vectors, codes = raw(30, 4, seed=11).float(), raw(40, 4, seed=12).float()
        if tensor(answer(vectors, codes)).tolist() != by_hand(vectors, codes).tolist():
            return  # wrong near the origin too: that is not what rounding does
        vectors, codes = vectors + offset, codes + offset
        whole(
            answer(vectors, codes),
            by_hand(vectors.double(), codes.double()),
            "Moved by 1,000, other codes are chosen. If |v|² - 2 v·c + |c|² is computed "
            "(`torch.cdist` does), its terms become millions, and their difference drowns in "
            "rounding. Subtract one point, such as codebook.mean(0), from vectors and codes first: "
            "no distance changes.",
        )


def _cases() -> list[tuple[Any, ...]]:
    sizes = ((1, 1, 1), (1, 4, 2), (5, 1, 3), (30, 40, 4), (7, 4, 3))
    return [(2 * raw(n, d, seed=n), raw(k, d, seed=k + 10) + 0.5) for n, k, d in sizes]


def _ends() -> list[tuple[Any, ...]]:
    """Distances of a hundred and of a million, and of a thousandth."""
    column = torch.tensor([[0.0], [150.0], [-1e6]])
    return [
        (torch.tensor([[300.0], [-9e5], [70.0]]), column),
        (torch.tensor([[0.001], [0.0]]), torch.tensor([[0.0], [0.0011], [0.003]])),
    ]


def _probes() -> list[tuple[Any, ...]]:
    return [
        (2 * raw(7, 3, seed=5), raw(4, 3, seed=6) + 0.5),
        (column(1, 7, -3), column(0, 10)),
        (2 * raw(9, 4, seed=7), 2 * raw(6, 4, seed=8)),
    ]


def _distances(vectors: Tensor, codebook: Tensor) -> Tensor:
    return (vectors[:, None] - codebook[None]).square().sum(2)  # (N, K)


MISTAKES = """
the largest dot product: (vectors @ codebook.T).argmax(1)
    A dot product grows with the length of the code, so one long code draws everything. The squared
    distance is |v|² - 2 v·c + |c|²: the term |c|² differs from code to code and can't be left out.
the largest cosine: (F.normalize(vectors, dim=1) @ F.normalize(codebook, dim=1).T).argmax(1)
    Brought to length 1, vectors and codes are compared by direction alone, and a code three times
    as long counts as near. (A cosine codebook does this on purpose. Here the distance is asked
    for.)
the farthest code: _distances(vectors, codebook).argmax(1)
    argmax of a distance is the code farthest away. Take argmin of distances, or argmax of something
    that is larger where the code is nearer.
for each code the nearest vector: _distances(vectors, codebook).argmin(0)
    The minimum was taken over the vectors. In a table (N, K) of distances the codes run along
    dimension 1, and it is among them that each vector chooses.
one-hot rows:
        index = _distances(vectors, codebook).argmin(1)
        return F.one_hot(index, len(codebook)).to(vectors.dtype)
    These are one-hot rows, (N, K). The index itself is asked for: it reads the code out of the
    codebook without an N by K matrix of zeros.
the distance itself: _distances(vectors, codebook).amin(1)
    `min` gives how far away the nearest code is; `argmin` gives which one it is.
the code itself: codebook[_distances(vectors, codebook).argmin(1)]
    These are the chosen codes. Their indices are asked for; `codebook[index]` comes afterwards.
the factor 2 missing: (codebook.square().sum(1) - vectors @ codebook.T).argmin(1)
    |v - c|² is |v|² - 2 v·c + |c|². Without the 2, short codes are preferred: a vector that lies on
    a long code no longer finds it.
a plus for the minus: (codebook.square().sum(1) + 2 * vectors @ codebook.T).argmin(1)
    |v - c|² is |v|² - 2 v·c + |c|². With a plus before v·c it is the distance to -c.
sums of absolute differences: (vectors[:, None] - codebook[None]).abs().sum(2).argmin(1)
    This is the distance along the axes. The Euclidean one sums the squares.
"""

EXERCISE = Task(
    title="The nearest code",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=nearest.nearest_codes,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    result="indices",
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    hints=(
        "Make a table (N, K) of the distances of all vectors to all codes. Along which dimension "
        "does a vector choose?",
        "`vectors[:, None] - codebook[None]` is (N, K, D). Squared and summed over D it is the "
        "table, and the square root would change no order.",
        "With less memory: the argmin over codes of `c.square().sum(1) - 2 * v @ c.T`; |v|² is the "
        "same for all codes. Take `codebook.mean(0)` off both first, `v = vectors - mean` and "
        "`c = codebook - mean`, or rounding chooses where all are far from the origin.",
    ),
)
