"""Stretch: of many guesses keep the surest, and guess the others again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, follows_device, holds, new, raw, whole
from mmcourse.vqgan.masked import maskgit_step

STUB = '''
@exercise("ch03.maskgit_step")
def maskgit_step(drawn, sureness, tokens, known, left):
    """One pass of MaskGIT: of the places that are missing, fill all but `left`, the surest first.

    drawn: (B, N) int64, what was drawn at each place in this pass.
    sureness: (B, N) float, the larger the surer; all different within a row.
    tokens: (B, N) int64, what stands at each place so far.
    known: (B, N) bool, True where that counts. What is known stays, whatever was drawn there.
    left: how many places of each row are still missing afterwards. A row with no more missing
    places than that is left as it is.
    Returns tokens and known after this pass, a pair of new tensors.
    """
    raise NotImplementedError
'''


def by_hand(
    drawn: Tensor, sureness: Tensor, tokens: Tensor, known: Tensor, left: int
) -> tuple[Tensor, Tensor]:
    """Row by row, in a loop."""
    tokens, known = tokens.clone(), known.clone()
    for b in range(len(tokens)):
        missing = [i for i in range(tokens.shape[1]) if not known[b, i]]
        surest = sorted(missing, key=lambda i: -float(sureness[b, i]))
        for i in surest[: max(0, len(missing) - left)]:
            tokens[b, i], known[b, i] = drawn[b, i], True
    return tokens, known


def _compare(answer: Any, inputs: tuple[Any, ...], message: str) -> None:
    got = answer(*inputs)
    if not (isinstance(got, tuple | list) and len(got) == 2):
        raise Broken("It did not return two things.", got, "tokens and known")
    tokens, known = by_hand(*inputs)
    found = got[1]
    if isinstance(found, Tensor) and found.dtype != torch.bool:
        raise Broken("`known` must be bool.", str(found.dtype), "torch.bool")
    as_numbers = found.long() if isinstance(found, Tensor) else found
    whole(as_numbers, known.long(), f"`known` is wrong. {message}")
    where = known  # what stands where nothing is known is nobody's business
    mine = got[0]
    if isinstance(mine, Tensor) and mine.shape == tokens.shape:
        mine = torch.where(where, mine, torch.zeros_like(mine))
    whole(mine, torch.where(where, tokens, torch.zeros_like(tokens)), f"Wrong tokens. {message}")


def _row(known: list[bool], left: int) -> tuple[Any, ...]:
    return (
        torch.tensor([[15, 16, 17, 18]]),
        torch.tensor([[-0.5, -0.1, -2.0, -1.0]]),
        torch.tensor([[1, 0, 0, 0]]),
        torch.tensor([known]),
        left,
    )


def _random(seed: int, left: int, b: int = 3, n: int = 7) -> tuple[Any, ...]:
    dice = torch.Generator().manual_seed(seed)
    return (
        torch.randint(100, 99_999, (b, n), generator=dice),
        raw(b, n, seed=seed + 100),
        torch.randint(1, 99_999, (b, n), generator=dice),
        torch.rand(b, n, generator=dice) < 0.3,
        left,
    )


@holds("nothing known, two left: the two surest of four are filled")
def from_nothing(answer: Any) -> None:
    _compare(answer, _row([False] * 4, 2), "The surest are places 1 and 0.")


@holds("what is known stays, though another token was drawn there")
def stays(answer: Any) -> None:
    _compare(answer, _row([True, False, False, False], 2), "Place 0 was known before.")


@holds("with 0 left everything is known")
def the_last(answer: Any) -> None:
    _compare(answer, _row([True, False, False, False], 0), "None should be missing.")


@holds("a row that misses no more than `left` is left as it is")
def enough(answer: Any) -> None:
    _compare(answer, _row([True, False, True, False], 2), "Two were missing, two are left.")
    _compare(answer, _row([True, True, True, False], 3), "Only one was missing.")
    for left in (4, 5):
        _compare(answer, _row([False] * 4, left), f"Four were missing, and {left} may be.")
        new(answer(*_row([False] * 4, left)), answer)
    pairs = zip(_row([True, True, True, False], 2)[:4], _row([False] * 4, 2)[:4])
    _compare(answer, (*(torch.cat(pair) for pair in pairs), 2), "Beside it another misses four.")


@holds("a known place is known however unsure the model is of it now")
def unsure(answer: Any) -> None:
    _compare(answer, _row([False, False, True, False], 2), "Place 2 was known before.")


@holds("0 is a token like any other")
def zero(answer: Any) -> None:
    drawn, sureness, tokens, known, left = _row([False] * 4, 2)
    _compare(answer, (0 * drawn, sureness, tokens + 5, known, left), "Token 0 was drawn.")


@holds("sureness may be any numbers, huge, tiny or nearly equal: only their order counts")
def any_numbers(answer: Any) -> None:
    known = torch.tensor([[False, True, False, False, False]])
    for sureness in (
        [1e30, -1e30, 3e20, 200.0, 2e20], [-1e3, -1e30, -2e3, -800.0, -900.0],
        [1e-30, 0.0, 2e-30, -1e-30, 3e-30], [0.5, -1.0, 0.5 + 1e-6, 0.5 - 1e-6, 0.5 + 2e-6],
    ):  # fmt: skip
        drawn = torch.tensor([[15, 16, 17, 18, 19]])
        given = drawn, torch.tensor([sureness]), drawn + 10, known, 2
        _compare(answer, given, "Another order:")


@holds("each row counts by itself")
def rows(answer: Any) -> None:
    for seed, left in ((0, 3), (1, 0), (2, 5), (3, 1)):
        _compare(answer, _random(seed, left), "Rows with other places known:")


on_a_gpu = follows_device(lambda: _random(0, 3))


def _probes() -> list[tuple[Any, ...]]:
    return [_random(seed, left) for seed, left in ((4, 2), (5, 3), (6, 0), (7, 4), (8, 1))]


def _probe(function: Any) -> list[Any]:
    """Tokens where they count, and what is known."""
    seen: list[Any] = []
    for inputs in _probes():
        copies = tuple(x.clone() if isinstance(x, Tensor) else x for x in inputs)
        try:
            tokens, known = function(*copies)
            seen.append(torch.where(known, tokens, torch.zeros_like(tokens)).tolist())
            seen.append(known.tolist())
        except Exception as error:
            seen.append(type(error).__name__)
    return seen


MISTAKES = """
the least sure: maskgit_step(drawn, -sureness, tokens, known, left)
    The places that the model is least sure of were filled. Those should wait until more is known:
    sort with the largest first.
known places are overwritten:
        now = maskgit_step(drawn, sureness, tokens, known, left)[1]
        return torch.where(now, drawn, tokens), now
    What was drawn replaced what was known already. Fill only places that become known in this pass.
known places compete again:
        now = maskgit_step(drawn, sureness, tokens, torch.zeros_like(known), left)[1]
        return torch.where(now & ~known, drawn, tokens), now
    Places that were known were ranked by this pass's sureness and could be forgotten. Give them an
    endless sureness first: `masked_fill(known, torch.inf)`.
`left` places are filled:
        masked = sureness.masked_fill(known, -torch.inf)
        rank = masked.argsort(dim=-1, descending=True).argsort(dim=-1)
        new = (rank < left) & ~known
        return torch.where(new, drawn, tokens), known | new
    `left` places were filled. It says how many are missing afterwards.
the batch in one:
        a, b, c, d = (x.reshape(1, -1) for x in (drawn, sureness, tokens, known))
        found = maskgit_step(a, b, c, d, left * len(drawn))
        return found[0].reshape(drawn.shape), found[1].reshape(drawn.shape)
    All rows were ranked together, so a sure picture was finished and an unsure one not begun. Rank
    along the last axis.
one too many: maskgit_step(drawn, sureness, tokens, known, max(0, left - 1))
    One place too many is filled. With N places, N - left of them are known afterwards.
only the new ones known:
        new, now = maskgit_step(drawn, sureness, tokens, known, left)
        return new, now & ~known
    `known` should tell of all places that count now, the old ones too.
the order taken for the rank:
        order = sureness.masked_fill(known, torch.inf).argsort(dim=-1, descending=True)
        now = known | (order < order.shape[-1] - left)
        return torch.where(now & ~known, drawn, tokens), now
    `argsort` says which place comes first, second, ...; here it was read as each place's rank. Its
    inverse is the rank: `argsort` once more.
nothing is filled in: tokens.clone(), maskgit_step(drawn, sureness, tokens, known, left)[1]
    `known` is right, but the tokens are the old ones. Put what was drawn where a place has become
    known.
everything at once: torch.where(known, tokens, drawn), torch.ones_like(known)
    All missing places were filled in one pass. Places that are drawn together know nothing of one
    another; keep the surest only.
"""

EXERCISE = Task(
    title="A pass of MaskGIT",
    level="stretch",
    difficulty=4,
    minutes=30,
    stub=STUB,
    reference=maskgit_step,
    probe=_probe,
    mistakes=MISTAKES,
    hints=(
        "Which places are known afterwards? Those that are known, and of the others the surest, so "
        "that `left` stay missing.",
        "With the sureness of known places at +inf, the N - left surest of a row are the ones. A "
        "rank is `x.argsort(dim=-1, descending=True).argsort(dim=-1)`.",
        "`now = known | (rank < N - left)`; the tokens are `torch.where(now & ~known, drawn, "
        "tokens)`.",
    ),
)
