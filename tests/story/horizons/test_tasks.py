"""The page's exercises: what is right passes, and each misconception is told by its name."""

from dataclasses import replace

import pytest
import torch

from mmcourse.story.horizons.arcs import open_wishes
from mmcourse.story.horizons.clip import cross_fade, cut_out, risen
from mmcourse.story.horizons.music import MANNERS, Manner
from mmcourse.story.horizons.reach import sliding_mask
from mmcourse.story.horizons.small import round_rows, round_tensor
from mmcourse.story.horizons.tasks import CHECKS, NotYet, check
from mmcourse.vqvae.sequence import SharedVocabulary


def slope(w, chosen, rejected, strength):
    d = chosen - rejected
    return d.T @ torch.sigmoid(-d @ w) - strength * w


def row(ids, codes, words, many, first):
    shared = SharedVocabulary(words, many, cells=4, longest=8)
    return shared.join(ids, codes, first)[0]


def braked(first, last, t):
    return cut_out(first, last, risen(t))


SLEEPY = Manner((0, 2), 130.0, (1, 1), 0, 4.0, 0.0)
RIGHT = {
    "sliding_mask": sliding_mask,
    "slope_of_taste": slope,
    "round_rows": round_rows,
    "open_wishes": open_wishes,
    "manner": SLEEPY,
    "between": braked,
    "one_row": row,
}


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_right_passes(name):
    assert check(name, RIGHT[name]).startswith("passed: ")


def everybody(told):
    wanted, found = set(), []
    for facts in told:
        for _, what, value in facts:
            (wanted.add if what == "wants" else wanted.discard)(value)
        found.append(len(wanted))
    return found


def never_ending(told):
    return [
        sum(f[1] == "wants" for facts in told[: i + 1] for f in facts) for i in range(len(told))
    ]


def unshifted(ids, codes, words, many, first):
    return torch.where(
        (found := row(ids, codes, words, many, first)) >= words, found - words, found
    )


WRONG = [
    ("sliding_mask", lambda n, w, s=0: torch.ones(n, n).bool(), "comes after it"),
    ("sliding_mask", lambda n, w, s=0: sliding_mask(n, w + 1, s), "two before it"),
    ("sliding_mask", lambda n, w, s=0: sliding_mask(n, w), "sinks, the first"),
    (
        "sliding_mask",
        lambda n, w, s=0: sliding_mask(n, w) | (torch.arange(n) < s),
        "before it has come",
    ),
    ("slope_of_taste", lambda *x: -slope(*x), "sign is turned"),
    ("slope_of_taste", lambda w, c, r, s: slope(w, c, r, 0.0), "belief before is missing"),
    ("slope_of_taste", lambda w, c, r, s: slope(w, c, r, 0) / len(c) - s * w, "averaged"),
    ("round_rows", round_tensor, "scale of the largest"),
    ("round_rows", lambda x, bits: round_rows(x, bits + 1), "3 bits leave 7 levels"),
    (
        "round_rows",
        lambda x, bits: x / x.amax(1, keepdim=True).clamp(min=1e-9),
        "come back exactly",
    ),
    ("open_wishes", everybody, "somebody's"),
    ("open_wishes", never_ending, "until it is got"),
    ("manner", replace(MANNERS["happy"], base=400.0), "make it more unlike|too near"),
    ("between", cut_out, "half of the time later"),
    ("between", cross_fade, "half of the time later"),
    ("one_row", unshifted, "another token than word 3"),
    ("one_row", lambda i, c, w, m, f: row(i, c, w, m, not f), "Another row|Padding"),
]


@pytest.mark.parametrize(("name", "answer", "says"), WRONG)
def test_a_misconception_is_named(name, answer, says):
    with pytest.raises(NotYet, match=says):
        check(name, answer)


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match="no exercise 'sing'"):
        check("sing", None)
