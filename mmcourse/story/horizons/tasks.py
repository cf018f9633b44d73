"""The exercises of the page about horizons, each with a check that says what is not right yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import torch
from torch import Tensor

from mmcourse.story.horizons.arcs import open_wishes
from mmcourse.story.horizons.clip import (
    cut_out,
    frames,
    height,
    hero_mask,
    hops,
    where_is,
)
from mmcourse.story.horizons.music import MANNERS, Listener, Manner, piece
from mmcourse.story.horizons.reach import sliding_mask
from mmcourse.story.horizons.small import round_rows
from mmcourse.story.horizons.taste import fit_taste
from mmcourse.storyworld.world.vocabulary import PLACES
from mmcourse.vqvae.sequence import SharedVocabulary

SIDE = 64
"""Of the pictures of `between`, in pixels."""


class NotYet(AssertionError):
    """What is not right yet, in a sentence."""


def _want(holds: bool, says: str) -> None:
    if not holds:
        raise NotYet(says)


def _dice(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _mask(answer: Callable[..., Tensor]) -> str:
    own = answer(6, 3)
    _want(own.shape == (6, 6) and own.dtype == torch.bool, "Return a (length, length) bool mask.")
    _want(not own.triu(1).any(), "A token sees what comes after it: True above the diagonal.")
    _want(bool(own.diagonal().all()), "A token does not see itself.")
    _want(int(own[5].sum()) == 3, "A window of 3 is the token itself and the two before it.")
    _want(bool(answer(6, 1, 2)[5, :2].all()), "The sinks, the first tokens, are seen by all later.")
    _want(
        not answer(6, 1, 4).triu(1).any(),
        "A sink is seen before it has come: the mask must stay causal there too.",
    )
    for case in product((1, 2, 7), (1, 2, 9), (0, 1, 3)):
        _want(bool((answer(*case) == sliding_mask(*case)).all()), f"Wrong for {case}.")
    return "passed: causal, windows of every width, sinks"


def _gradient(answer: Callable[..., Tensor]) -> str:
    for n, d in ((1, 2), (4, 3), (10, 6)):
        chosen, rejected = (torch.randn(n, d, generator=_dice(n + i)).double() for i in (0, 50))
        w = torch.randn(d, generator=_dice(7)).double().requires_grad_()
        gain = torch.nn.functional.logsigmoid((chosen - rejected) @ w).sum()
        gain = gain - 0.7 / 2 * w.square().sum()
        (wanted,) = torch.autograd.grad(gain, w)
        with torch.no_grad():
            found = answer(w.detach(), chosen, rejected, 0.7)
        _want(found.shape == w.shape, f"Return {tuple(w.shape)}, one number for each feature.")
        _want(not torch.allclose(found, -wanted), "The sign is turned: this walks downhill.")
        plain = wanted + 0.7 * w.detach()
        _want(not torch.allclose(found, plain), "The belief before is missing: - strength · w.")
        _want(
            not torch.allclose(found, plain / n - 0.7 * w.detach()) or n == 1,
            "The choices were averaged. Each of them counts whole: sum, then take the belief off.",
        )
        _want(torch.allclose(found, wanted), "Compare with autograd: this is another slope.")
    best = fit_taste(chosen, rejected, 0.7)
    _want(float(answer(best, chosen, rejected, 0.7).norm()) < 1e-6, "It is not 0 at the top.")
    return "passed: autograd's slope, and 0 where fit_taste ends"


def _rows(answer: Callable[..., Tensor]) -> str:
    two = torch.tensor([[1.0, 0.5, -0.25], [100.0, -50.0, 10.0]])
    _want(
        not torch.allclose(answer(two, 4)[0], torch.zeros(3)),
        "A row of small numbers became 0: all rows share the scale of the largest.",
    )
    _want(float(answer(-two, 8)[1].min()) == -100, "The largest of a row must come back exactly.")
    levels = answer(torch.linspace(-1, 1, 999)[None], 3).unique()
    _want(len(levels) == 7, f"3 bits leave 7 levels, from -3 to 3 steps; found {len(levels)}.")
    _want(bool((answer(torch.zeros(2, 3), 8) == 0).all()), "A row of zeros is divided by zero.")
    for shape, bits in (((5, 7), 8), ((3, 4, 2, 2), 4), ((1, 1), 2)):
        weight = torch.randn(shape, generator=_dice(bits))
        same = torch.allclose(answer(weight, bits), round_rows(weight, bits), atol=1e-6)
        _want(same, f"Wrong for a weight {shape} in {bits} bits.")
    return "passed: a scale for each row, the right number of levels, zeros, convolutions"


def _wishes(answer: Callable[..., list[int]]) -> str:
    want, got = ("Fern", "wants", "ball"), ("Fern", "got", "ball")
    _want(answer([[want], [], [got]]) == [1, 1, 0], "A wish stays open until it is got.")
    _want(answer([[want], [want]]) == [1, 1], "The same wish made twice is one wish.")
    _want(answer([[got]]) == [0], "What nobody wanted cannot lower the tension.")
    others = [[want], [("Gus", "wants", "ball")], [got]]
    _want(answer(others) == [1, 2, 1], "Gus still wants the ball: a wish is somebody's.")
    _want(answer([[want, got, want]]) == [1], "In one scene the order of facts counts.")
    _want(answer(others) == open_wishes(others), "Another count than the package's.")
    return "passed: opened, made twice, got, somebody else's"


def _manner(answer: Manner) -> str:
    """A fifth mood: does a listener tell it from the four?"""
    kinds: list[str | Manner] = [*MANNERS, answer]

    def made(seeds: range) -> tuple[Tensor, Tensor]:
        rows = [(i, seed) for seed in seeds for i in range(len(kinds))]
        sounds = [piece(kinds[i], PLACES[seed % len(PLACES)], seed) for i, seed in rows]
        return torch.stack(sounds), torch.tensor([(i, 0) for i, _ in rows])

    train, test = made(range(42)), made(range(100, 121))
    heard = Listener(*train, moods=len(kinds)).hear(test[0])[:, 0]
    new = test[1][:, 0] == len(kinds) - 1
    share = float((heard[new] == len(kinds) - 1).double().mean())
    taken = [name for i, name in enumerate(MANNERS) if bool((heard[new] == i).any())]
    says = f"The listener hears it {share:.0%} of the time"
    _want(share >= 0.8, f"{says}, and else {', '.join(taken)}: make it more unlike.")
    others = float((heard[~new] == test[1][~new, 0]).double().mean())
    _want(
        others >= 0.85, f"The other moods are now heard {others:.0%} of the time: it is too near."
    )
    return f"passed: {says[len('The listener ') :]}, the others {others:.0%}"


@cache
def _films() -> tuple[tuple[Tensor, Tensor], ...]:
    """Two hops of five frames, each with the hero's mask in the first."""
    return tuple((frames(s, 5, SIDE), hero_mask(s, SIDE)) for s in hops("test", 2))


def _far(way: Callable[[Tensor, Tensor, float], Tensor]) -> float:
    """How many pixels from gravity's the hero is, in frames of `_films`, the mean."""
    off = []
    for film, mask in _films():
        for i, t in ((1, 0.25), (2, 0.5)):
            drawn = way(film[0], film[-1], t)
            _want(drawn.shape == film[i].shape, f"Return {tuple(film[i].shape)} for t = {t}.")
            at, _ = where_is(drawn, film[0], mask, round(height(1, SIDE)) + 2)
            off.append(abs(at - height(t, SIDE)))
    return sum(off) / len(off)


@cache
def _steady() -> float:
    return _far(cut_out)


def _between(answer: Callable[[Tensor, Tensor, float], Tensor]) -> str:
    """Frames between two: is the hero where gravity has it?"""
    mine = _far(answer)
    says = f"{mine:.1f} pixels off; a cut-out at constant speed is {_steady():.1f} off"
    _want(mine < 0.6, f"The hero is {says}. Where is somebody who jumped, half of the time later?")
    return f"passed: {says}"


def _one_row(answer: Callable[..., Tensor]) -> str:
    ids, codes = torch.tensor([[1, 7, 5, 2], [1, 6, 2, 0]]), torch.tensor([[[0, 3], [2, 1]]] * 2)
    for first in (True, False):
        found = answer(ids, codes, 10, 4, first)
        wanted, _ = SharedVocabulary(10, 4, cells=4, longest=8).join(ids, codes, first)
        _want(found.shape == wanted.shape, f"Return {tuple(wanted.shape)}: words, 14, four codes.")
        _want(
            int((found == 7).sum()) <= 1 and 13 in found,
            "Code 3 must be another token than word 3: codes come after the words, word 10 and on.",
        )
        _want(14 in found, "The token that opens a picture, words + codes, is missing.")
        _want(int(found[1, -1]) == 0, "Padding goes last, behind words and codes.")
        _want(
            bool((found == wanted).all()), f"Another row than expected for words first = {first}."
        )
    return "passed: no token means two things, both orders, padding last"


CHECKS: dict[str, Callable[[Any], str]] = {
    "sliding_mask": _mask,
    "slope_of_taste": _gradient,
    "round_rows": _rows,
    "open_wishes": _wishes,
    "manner": _manner,
    "between": _between,
    "one_row": _one_row,
}


def check(name: str, answer: Any) -> str:
    """Look at an answer to an exercise of the page.

    Args:
        name: of the exercise, as the page gives it.
        answer: a function; for "manner" a `Manner`.

    Returns:
        what was verified.

    Raises:
        NotYet: what is not right yet.
        ValueError: there is no such exercise.
    """
    if name not in CHECKS:
        raise ValueError(f"there is no exercise {name!r}; there are {', '.join(CHECKS)}")
    return CHECKS[name](answer)
