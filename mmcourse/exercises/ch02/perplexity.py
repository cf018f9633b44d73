"""Core: how many codes are in use, counted by how often?"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, gives, near, unchanged
from mmcourse.vqvae.usage import perplexity

STUB = '''
@exercise("ch02.perplexity")
def perplexity(indices, num_codes):
    """How many codes are in use: e to the entropy of how often each is chosen.

    indices: int64, any shape, such as (B, h, w); at least one, all from 0 to num_codes - 1.
    num_codes: K.
    Returns a number (a scalar tensor will do) from 1 to K: with p_k the share of all indices that
    are k, e to the power of minus the sum of p_k ln p_k. A code that is never chosen adds nothing
    to the sum. Always the same code gives 1, all K equally often gives K.
    """
    raise NotImplementedError
'''


def by_hand(indices: Tensor, num_codes: int) -> float:
    """Counted in a dictionary."""
    counts = Counter(indices.flatten().tolist())
    shares = [count / indices.numel() for count in counts.values()]
    return math.exp(-sum(p * math.log(p) for p in shares))


def _of(*indices: int) -> Tensor:
    return torch.tensor(indices)


def _grids() -> Tensor:
    """Two pictures of 2 by 3 that share one code only."""
    return torch.tensor([[[0, 0, 1], [2, 0, 0]], [[4, 4, 4], [4, 0, 4]]])


two_of_four = gives(
    "two codes of four, equally often: 2, and the unused ones do no harm",
    ((_of(0, 3, 3, 0), 4), 2.0),
    compare=near,
)
one_code = gives("always the same code: 1", ((_of(2, 2, 2), 4), 1.0), compare=near)
all_codes = gives(
    "all K codes equally often: K",
    ((torch.arange(6), 6), 6.0),
    ((torch.arange(6).repeat(3), 6), 6.0),
    compare=near,
)
uneven = gives(
    "three of one and one of another: 4 / 3^0.75 = 1.7548",
    ((_of(1, 1, 0, 1), 2), 4 / 3**0.75),
    compare=near,
)
larger_codebook = unchanged(
    "a larger codebook of which the same codes are used gives the same",
    lambda: (_of(0, 1, 1, 4, 4, 4), 5),
    lambda indices, k: (indices, 50),
    "With num_codes = 50 for 5 it is another.",
)
together = unchanged(
    "the shape of the indices does not matter: all are counted together",
    lambda: (_grids(), 5),
    lambda indices, k: (indices.flatten(), k),
    "In a row, the same indices give something else.",
)


def _cases() -> list[tuple[Any, ...]]:
    """Also of more codes than a byte can number."""
    dice = torch.Generator().manual_seed(0)
    drawn = [(torch.randint(k, (2, 4, 4), generator=dice) % (k - 1), k) for k in (3, 8, 30, 3000)]
    return [(_of(0), 1), (_of(0, 256), 512), (torch.arange(700), 700), *drawn, (_grids(), 5)]


def _probes() -> list[tuple[Any, ...]]:
    dice = torch.Generator().manual_seed(3)
    return [
        (_grids(), 5),
        (torch.randint(6, (3, 4, 4), generator=dice), 6),
        (torch.arange(4).repeat(2)[None], 4),
    ]


def _shares(indices: Tensor, num_codes: int) -> Tensor:
    return torch.bincount(indices.flatten(), minlength=num_codes) / indices.numel()


def _entropy(shares: Tensor) -> Tensor:
    return torch.special.entr(shares).sum()


MISTAKES = """
log2 with exp: (_entropy(_shares(indices, num_codes)) / math.log(2)).exp()
    The entropy was taken in bits and raised to e. Base and logarithm belong together: 2 to the
    bits, or e to the nats.
log10 with exp: (_entropy(_shares(indices, num_codes)) / math.log(10)).exp()
    The entropy was taken with log10 and raised to e. Base and logarithm belong together.
1 divided by the sum of squares: 1 / _shares(indices, num_codes).square().sum()
    That counts codes too, but by the chance that two draws are alike, which frequent codes decide.
    Perplexity is e to the entropy.
a mean for the sum: (_entropy(_shares(indices, num_codes)) / num_codes).exp()
    The terms p ln p were averaged over the codes. The entropy is minus their sum.
2 to the power of nats: 2 ** _entropy(_shares(indices, num_codes))
    The entropy was taken with the natural logarithm and raised to 2. Base and logarithm belong
    together: e to the nats, or 2 to the bits.
how many codes were chosen at least once: float(len(indices.unique()))
    This counts every code that was chosen, though it be once in a million. Perplexity weighs each
    by its share: a codebook that lives on two codes should not look full.
the entropy itself: _entropy(_shares(indices, num_codes))
    This is the entropy, from 0 to ln K. e to its power is the number of codes that, used equally
    often, would have it.
0 times the logarithm of 0:
        p = _shares(indices, num_codes)
        return (-(p * p.log()).sum()).exp()
    For a code that is never chosen, 0 * log(0) is 0 times minus infinity: NaN. Such a code adds 0.
    Leave it out, or use `torch.special.entr`, which knows.
divided by K: _entropy(_shares(indices, num_codes) * indices.numel() / num_codes).exp()
    The counts were divided by the number of codes. Shares sum to 1: divide by how many indices
    there are.
counts instead of shares: _entropy(_shares(indices, num_codes) * indices.numel()).exp()
    The formula needs shares that sum to 1. These are counts: divide them by how many indices there
    are.
picture by picture: sum(by_hand(one, num_codes) for one in indices) / len(indices)
    Each picture got a perplexity of its own, and the mean was taken. One picture needs few codes,
    the data needs many. Count the whole batch together.
the minus lost: (-_entropy(_shares(indices, num_codes))).exp()
    p ln p is negative, and the entropy is minus its sum. Without the minus the result lies below 1,
    where a perplexity can't be.
as a share of K: by_hand(indices, num_codes) / num_codes
    Divided by K it is a share of the codebook. The number of codes is asked for.
"""

EXERCISE = Task(
    title="Perplexity of a codebook",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=perplexity,
    formula=by_hand,
    cases=_cases,
    result="number",
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    hints=(
        "How often is each code chosen? Flatten the indices, count, divide by how many there are.",
        "`torch.bincount(indices.flatten(), minlength=num_codes)` counts, unused codes included. "
        "Mind that 0 * log(0) is NaN.",
        "With p the shares that are greater than 0: `(-(p * p.log()).sum()).exp()`.",
    ),
)
