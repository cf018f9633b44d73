"""Core: where does each word look?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, calls, close, gradients, holds, raw, zero
from mmcourse.nn import attention

STUB = '''
@exercise("ch01.attention_maps")
def attention_maps(query, key, heads, mask=None):
    """Where does each word look? One map over the cells of a picture for each word and head.

    query: (B, T, D), a row for each word.  key: (B, S, D), a row for each cell.
    heads: a divisor of D. Head 0 works on the first D / heads numbers of every vector, head 1 on
    the next, and so on.
    mask: (B, S) bool, True where there is a cell to look at, or None: everywhere.
    Returns (B, heads, T, S): the softmax over cells of the dot products, divided by the square
    root of the length of a head's vectors. Cells that are not there get exactly 0.
    """
    raise NotImplementedError
'''


def by_hand(query: Tensor, key: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Head by head, word by word."""
    rows, size = [], query.shape[-1] // heads
    for b in range(len(query)):
        there = torch.arange(key.shape[1]) if mask is None else mask[b].nonzero().flatten()
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            for word in query[b, :, part]:
                force = (key[b, there, part] * word).sum(1) / size**0.5
                rows.append(torch.zeros_like(key[b, :, 0]).index_put((there,), force.softmax(0)))
    return torch.stack(rows).view(len(query), heads, query.shape[1], key.shape[1])


def _mask() -> Tensor:
    return torch.tensor([[True, True, False, True, False], [False, True, False, False, False]])


@holds("one word, two cells, one head, by hand")
def two_cells(answer: Any) -> None:
    query = torch.tensor([[[2.0, 0.0, 0.0, 0.0]]])
    key = torch.tensor([[[math.log(3.0), 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0]]])
    close(answer(query, key, 1), torch.tensor([[[[0.75, 0.25]]]]))


@holds("each word's weights over the cells sum to 1")
def sums(answer: Any) -> None:
    maps = answer(raw(2, 3, 6, seed=1), raw(2, 5, 6, seed=2), 2, _mask())
    close(maps.sum(-1), torch.ones(2, 2, 3, dtype=torch.float64), "The rows do not sum to 1.")


@holds("a cell that is not there gets exactly 0, and what stands in it does not matter")
def masked(answer: Any) -> None:
    query, key = raw(2, 3, 6, seed=3), raw(2, 5, 6, seed=4)
    maps = answer(query, key, 3, _mask())
    for value in (0.0, 30.0, 1e4, -1e4):
        other = key.clone()
        other[~_mask()] = value
        found = answer(query, other, 3, _mask())
        zero(found.transpose(1, 3)[~_mask()], "Cells whose mask is False were looked at.")
        close(found, maps, "What stands in a missing cell changed the maps.")


@holds("the heads work on consecutive parts of the vectors")
def parts(answer: Any) -> None:
    query, key = raw(1, 2, 6, seed=5), raw(1, 4, 6, seed=6)
    query[..., :3] = 0.0  # head 0 of 2 has no preference
    maps = answer(query, key, 2)
    close(maps[:, 0], torch.full((1, 2, 4), 0.25, dtype=torch.float64))


def _cases() -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for b, t, s, d, heads in ((1, 1, 1, 2, 1), (1, 1, 2, 4, 1), (2, 4, 5, 8, 4), (2, 3, 5, 6, 2)):
        inputs = raw(b, t, d, seed=t), raw(b, s, d, seed=s + 10), heads
        found += [inputs, (*inputs, _mask()[:b, :s])]
    return found


def _ends() -> list[tuple[Any, ...]]:
    """Scores of 800, of both signs; a masked cell that outweighs all others, and one far below."""
    query = torch.tensor([[[40.0, 0.0], [-40.0, 0.0]]])
    key = torch.tensor([[[1.0, 0.0], [28.0, 0.0], [-28.0, 0.0]]])
    mask = torch.tensor([[True, False, True]])
    one = torch.tensor([[[10.0, 0.0]]]), torch.tensor([[[1.0, 0.0], [100.0, 0.0]]])
    return [(query, key, 1), (query, key, 1, mask), (query, key, 2),
            (*one, 1, torch.tensor([[True, False]]))]  # fmt: skip


@holds("the gradients are those of the definition")
def learns(answer: Any) -> None:
    weight = raw(2, 2, 3, 5, seed=9)  # the maps alone sum to a constant
    inputs = _cases()[-1]
    mine, right = (gradients(lambda *x, f=f: f(*x) * weight, inputs) for f in (answer, by_hand))
    for name, got, expected in zip(("query", "key"), mine, right):
        if got is None:
            raise Broken(f"No gradient reaches `{name}`.", "none", expected)
        assert expected is not None
        close(got, expected, f"The gradient to `{name}` is wrong.")


def _probes() -> list[tuple[Any, ...]]:
    plain = (raw(2, 3, 6, seed=11), raw(2, 5, 6, seed=12), 2)
    return [plain, (*plain, _mask()), (raw(1, 4, 8, seed=13), raw(1, 3, 8, seed=14), 4)]


MISTAKES = """
no division by the square root: / math.sqrt(q.shape[-1]) =>
    The dot products were not divided. A dot product of d numbers grows like the square root of d,
    and a softmax of large numbers looks at one cell only.
divided by d: math.sqrt(q.shape[-1]) => q.shape[-1]
    The dot products were divided by d itself. They grow like its square root: divide by that.
divided by the square root of D: q.shape[-1] => query.shape[-1]
    A head's vectors have D / heads numbers, and it is the root of that by which their dot products
    are divided, not the root of D.
the mask the wrong way round: ~mask => mask
    Here True means: there is a cell, look. Cells whose mask is False have to be hidden.
    (`key_padding_mask` of nn.MultiheadAttention means the opposite.)
hidden scores set to 0: -torch.inf => 0.0
    A score of 0 is an ordinary score: its exponential is 1. To get no weight at all, a score has to
    be minus infinity before the softmax.
hidden after the softmax:
        maps = attention.attention_maps(query, key, heads)
        return maps if mask is None else maps * mask[:, None, None]
    The missing cells had already taken their share when they were set to 0, so the rest sums to
    less than 1. Hide them before the softmax.
the mask unused: mask is not None => False
    The mask makes no difference here. Cells that are not there must get no weight.
softmax over the words:
        mask is not None => False
        .softmax(-1) => .softmax(-2)
    The weights of each cell over the words sum to 1. Each word chooses among the cells: the softmax
    runs over the last dimension of (B, heads, T, S).
interleaved heads:
        q, k = split(query, heads), split(key, heads) =>
            q, k = (x.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2) for x in (query, key))
    Every heads-th number went to the same head. Head 0 has the first D / heads numbers: unflatten
    the last dimension to (heads, D / heads), in this order.
one head for all:
        split(query, heads), split(key, heads) => split(query, 1), split(key, 1)
        .softmax(-1) => .softmax(-1).expand(-1, heads, -1, -1)
    All heads give the same map, from the whole vectors. Each works on its own part.
scores, no softmax: .softmax(-1) =>
    These are the scores. The softmax over the cells turns them into weights.
"""

EXERCISE = Task(
    title="Where words look",
    level="core",
    difficulty=3,
    minutes=15,
    stub=STUB,
    reference=attention.attention_maps,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    learns=False,
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    hints=(
        "Bring query and key to (B, heads, T or S, D / heads); then it is one matrix product, a "
        "division, a mask and a softmax.",
        "x.unflatten(-1, (heads, -1)).transpose(1, 2) splits the heads. The mask (B, S) has to be "
        "broadcast over heads and words: mask[:, None, None, :].",
        "scores = q @ k.transpose(-1, -2) / d**0.5; where the mask is False, -inf; then "
        "scores.softmax(-1).",
    ),
)
