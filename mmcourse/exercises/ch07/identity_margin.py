"""Core: is it really her, or only somebody like her?"""

from __future__ import annotations

import math
from typing import Any

from mmcourse.exercises.ch07.plain import near
from mmcourse.exercises.kit import Task, calls, dice, holds
from mmcourse.story.measure import identities

STUB = '''
@exercise("ch07.identity_margin")
def identity_margin(hero, doubles):
    """How much more a hero is like their first picture than a double would be.

    hero: N + 1 rows of D numbers, a vector of the hero on each page, N at least 1. The first row is
    their first picture, and all later pages are held against it.
    doubles: N rows of D numbers: somebody else with the same words, on each of the later pages.
    Rows may have any length but 0.
    Returns a float: the mean over the later pages of
    cos(hero on the page, first picture) - cos(double on the page, first picture).
    Lists in; numpy inside if you like.
    """
    raise NotImplementedError
'''

ROOT = math.sqrt(0.5)


@holds("a hero who stays [1, 0] beside a double who is [0, 1]: 1; a double in her place: -1")
def by_hand(answer: Any) -> None:
    near(answer, [[1.0, 0.0]] * 3, [[0.0, 1.0]] * 2, 1.0)
    near(answer, [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0]], -1.0)


@holds("somebody else on each page is no more like the first picture than a double: 0")
def nobody(answer: Any) -> None:
    near(answer, [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]], 0.0)


@holds("the length of a row says nothing")
def lengths(answer: Any) -> None:
    near(answer, [[5.0, 0.0], [2.0, 2.0], [0.1, 0.0]], [[0.0, 9.0], [-3.0, 0.0]], (ROOT + 2) / 2)
    near(answer, [[1e-6, 0.0], [1e-6, 1e-6]], [[0.0, 1e-6]], ROOT)


@holds("a hero who turns a little on each page has turned far from the first picture")
def drifting(answer: Any) -> None:
    hero = [[math.cos(0.3 * i), math.sin(0.3 * i)] for i in range(6)]
    mean = sum(math.cos(0.3 * i) for i in range(1, 6)) / 5
    near(answer, hero, [[0.0, 1.0]] * 5, mean)


@holds("thirty random heroes: as page by page")
def random_ones(answer: Any) -> None:
    for seed in range(30):
        hero, doubles = _random(seed)
        each = [_cos(h, hero[0]) - _cos(d, hero[0]) for h, d in zip(hero[1:], doubles)]
        near(answer, hero, doubles, sum(each) / len(each))


def _cos(a: Any, b: Any) -> float:
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


def _random(seed: int) -> tuple[list[list[float]], list[list[float]]]:
    pick = dice(seed)
    rows = [[pick.gauss(0, 1) * 2**i for _ in range(5)] for i in range(15)]
    return rows[:8], rows[8:]


def _probes() -> list[tuple[Any, ...]]:
    return [_random(seed) for seed in range(40, 60)]


def _without(doubles_count: bool, hero: Any, doubles: Any) -> float:
    rows = doubles if doubles_count else hero[1:]
    return sum(_cos(x, hero[0]) for x in rows) / len(rows)


MISTAKES = """
likeness alone: _without(False, hero, doubles)
    The doubles play no part. Any two orange foxes are alike; what counts is how much more alike she
    is than another one would be.
against the page before:
        each = [_cos(hero[i + 1], hero[i]) - _cos(d, hero[i]) for i, d in enumerate(doubles)]
        return sum(each) / len(each)
    Each page was held against the page before. Small steps add up, and nobody would notice: hold
    all of them against the first picture.
the first picture is counted:
        own = sum(_cos(h, hero[0]) for h in hero) / len(hero)
        return own - _without(True, hero, doubles)
    The first picture was compared with itself, which is 1 for any illustrator, and flatters. Only
    the later pages count.
no lengths:
        pairs = [(a, x - y) for h, d in zip(hero[1:], doubles) for a, x, y in zip(hero[0], h, d)]
        return sum(a * x for a, x in pairs) / len(doubles)
    The dot products were not divided by the lengths, so a long vector counts more. A cosine lies
    between -1 and 1.
doubles against the hero's later pages:
        each = [_cos(h, hero[0]) - _cos(h, d) for h, d in zip(hero[1:], doubles)]
        return sum(each) / len(each)
    The double was compared with the hero on that page. Both are held against the first picture.
the last page alone: _cos(hero[-1], hero[0]) - _cos(doubles[-1], hero[0])
    Only the last page was compared. The mean over all later pages is asked for.
the mean before the cosine:
        mean = [[sum(column) / len(rows) for column in zip(*rows)] for rows in (hero[1:], doubles)]
        return _cos(mean[0], hero[0]) - _cos(mean[1], hero[0])
    The vectors were averaged before they were compared. Noise of single pages averages out, and a
    hero who is somebody else each time looks steady: compare first.
turned round: -identities.identity_margin(hero, doubles)
    The sign is wrong: hero minus double, so that more is better.
a ratio: _without(False, hero, doubles) / (_without(True, hero, doubles) or 1e-12)
    The two were divided. Cosines can be 0 or negative, so a ratio can be anything; take the
    difference.
"""

EXERCISE = Task(
    title="Her, or somebody like her",
    level="core",
    difficulty=2,
    minutes=20,
    stub=STUB,
    reference=identities.identity_margin,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "Which rows are compared with which? Everything with `hero[0]`: `hero[1:]` and `doubles`.",
        "A cosine is a dot product divided by both lengths; divide each row by its length first.",
        "`(hero[1:] @ hero[0]).mean() - (doubles @ hero[0]).mean()`, once all rows have length 1.",
    ),
)
