"""Core: what memory brings back, along one path."""

from __future__ import annotations

import math
from typing import Any

from mmcourse.exercises.ch07.plain import same
from mmcourse.exercises.kit import Broken, Task, calls, dice, holds
from mmcourse.story import vectors as memory

STUB = '''
@exercise("ch07.nearest_on_path")
def nearest_on_path(query, vectors, scenes, path, k):
    """The memories along a path that are most like a query.

    query: [float], D numbers.
    vectors: N rows of D numbers, one a memory. Rows may have any length, and so may the query.
    scenes: [int], N ids: of which scene each memory is. A scene may have several.
    path: [int], ids of the scenes that the reader has been through.
    k: int, how many memories at most, 0 or more.
    Returns [(row, similarity), ...]: only memories whose scene is on the path, the most alike
    first, of equal ones the earlier row; all of them where there are fewer than k. similarity is
    the cosine of the angle between the row and the query, 0 if one of the two is all zeros.
    Lists in, a list out; numpy inside if you like. row is an int that counts all N rows.
    """
    raise NotImplementedError
'''

ROWS = [[1.0, 0.0], [10.0, 10.0], [0.0, 2.0], [1.0, 0.1], [3.0, 0.0]]
SCENES = [1, 2, 3, 7, 5]


def _check(answer: Any, args: Any, expected: list[tuple[int, float]]) -> None:
    found = answer(*args)
    if not isinstance(found, list) or any(len(x) != 2 for x in found):
        raise Broken("A list of pairs (row, similarity) is asked for.", found, expected)
    same([int(i) for i, _ in found], [i for i, _ in expected], "These are not the rows.")
    for (i, x), (_, right) in zip(found, expected):
        if not abs(float(x) - right) < 1e-5:
            raise Broken(f"The similarity of row {i} is wrong.", float(x), right)


@holds("along the path 1, 2, 3 the likest to [1, 0]: row 0 (1), row 1 (0.7071), row 2 (0)")
def by_hand(answer: Any) -> None:
    args = [1.0, 0.0], ROWS, SCENES, [1, 2, 3], 3
    _check(answer, args, [(0, 1.0), (1, math.sqrt(0.5)), (2, 0.0)])


@holds("a long row is no more alike than a short one, and a long query changes nothing")
def lengths(answer: Any) -> None:
    args = [50.0, 0.0], ROWS[:2], [1, 2], [1, 2], 2
    _check(answer, args, [(0, 1.0), (1, math.sqrt(0.5))])


@holds("what is not on the path is not remembered, however alike it is")
def other_branch(answer: Any) -> None:
    args = [1.0, 0.0], ROWS, SCENES, [2, 3], 2
    _check(answer, args, [(1, math.sqrt(0.5)), (2, 0.0)])


@holds("k is counted on the path; fewer where there are fewer; none for k = 0 or an empty path")
def counted(answer: Any) -> None:
    _check(answer, ([1.0, 0.1], ROWS, SCENES, [3, 2], 1), [(1, 11 / math.sqrt(202))])
    _check(answer, ([1.0, 0.0], ROWS, SCENES, [7], 9), [(3, 1 / math.sqrt(1.01))])
    _check(answer, ([1.0, 0.0], ROWS, SCENES, [1], 0), [])
    _check(answer, ([1.0, 0.0], ROWS, SCENES, [], 3), [])


@holds("of equal ones the earlier row first, whatever the order of the path")
def ties(answer: Any) -> None:
    args = [1.0, 0.0], [[2.0, 0.0], [1.0, 1.0], [4.0, 0.0], [1.0, 0.0]], [9, 9, 4, 9], [4, 9], 3
    _check(answer, args, [(0, 1.0), (2, 1.0), (3, 1.0)])


@holds("a row or a query of zeros is like nothing, similarity 0")
def zeros(answer: Any) -> None:
    rows = [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]
    _check(answer, ([1.0, 0.0], rows, [1, 1, 1], [1], 3), [(1, 1.0), (0, 0.0), (2, -1.0)])
    _check(answer, ([0.0, 0.0], rows, [1, 1, 1], [1], 2), [(0, 0.0), (1, 0.0)])


@holds("rows of any length: a millionth or a million; hardly more alike is more alike")
def any_length(answer: Any) -> None:
    small, large = [3e-9, 4e-9], [6e8, 8e8]
    _check(answer, ([0.0, 2e-9], [small, large, [0.0, 1e-9]], [1, 1, 1], [1], 3),
           [(2, 1.0), (0, 0.8), (1, 0.8)])  # fmt: skip
    args = [1.0, 0.0], [[1.0, 4e-3], [1.0, 3e-3], [1.0, 5e-3]], [1, 1, 1], [1], 3
    _check(answer, args, [(i, 1 / math.hypot(1, x)) for i, x in ((1, 3e-3), (0, 4e-3), (2, 5e-3))])


@holds("twelve memories of eight numbers, all of them asked for")
def many(answer: Any) -> None:
    query = [0.0] * 7 + [1.0]
    rows = [[0.0, 0.0, 0.0, 12.0 - n, 0.0, 0.0, 0.0, 1.0 + n] for n in range(12)]
    right = [(n, (1 + n) / math.hypot(12 - n, 1 + n)) for n in range(11, -1, -1)]
    _check(answer, (query, rows, [*range(12)], [*range(12)], 12), right)


@holds("twenty random memories: as by comparing each with each")
def random_ones(answer: Any) -> None:
    for seed in range(20):
        args = _random(seed)
        query, rows, scenes, path, k = args
        angles = {i: sum(a * b for a, b in zip(query, row)) / math.hypot(*row) / math.hypot(*query)
                  for i, row in enumerate(rows) if scenes[i] in path}  # fmt: skip
        place = {i: sum(x > angles[i] for x in angles.values()) for i in angles}
        _check(answer, args, [(i, angles[i]) for i in sorted(place, key=lambda i: place[i])][:k])


def _random(seed: int) -> tuple[Any, ...]:
    pick = dice(seed)
    rows = [[pick.gauss(0, 1) * 3**n for _ in range(3)] for n in range(6)]
    scenes = [pick.randrange(1, 5) for _ in rows]
    return [pick.gauss(0, 2) for _ in range(3)], rows, scenes, [1, 3, 4], pick.randrange(1, 5)


def _probes() -> list[tuple[Any, ...]]:
    zero = [1.0, 0.0], [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [2.0, 0.0]], [1, 2, 2, 1], [1, 2], 4
    return [([1.0, 0.0], ROWS, SCENES, [1, 3, 5], 2), zero, *(_random(s) for s in range(30, 40))]


def _everywhere(query: Any, vectors: Any, scenes: Any, path: Any, k: int) -> Any:
    return memory.nearest_on_path(query, vectors, scenes, scenes, k)


MISTAKES = """
the whole tree is searched: _everywhere
    Memories of another branch came back. What never happened here must not be remembered: keep the
    rows whose scene is on the path.
filtered after choosing k:
        [x for x in _everywhere(query, vectors, scenes, path, k) if scenes[x[0]] in path]
    The k best of all were taken first, and those off the path thrown away afterwards, so that too
    few are left. Filter, then choose.
no lengths:
        found = [(i, float(sum(a * b for a, b in zip(query, row))))
                 for i, row in enumerate(vectors) if scenes[i] in path]  # fmt: skip
        return sorted(found, key=lambda x: -x[1])[:k]
    The dot product was not divided by the two lengths, so long rows win. A cosine lies between -1
    and 1.
the later of equals:
        found = memory.nearest_on_path(query, vectors, scenes, path, len(vectors))
        return sorted(found, key=lambda x: (-round(x[1], 9), -x[0]))[:k]
    Of equally alike memories the later row came first. Sort by minus the similarity with a stable
    sort, and the earlier stays in front.
the least alike:
        found = memory.nearest_on_path(query, vectors, scenes, path, len(vectors))
        return sorted(found, key=lambda x: round(x[1], 9))[:k]
    The least alike came first: sorting goes upwards. Sort by minus the similarity.
rows counted on the path:
        here = [i for i, s in enumerate(scenes) if s in path]
        found = memory.nearest_on_path(query, vectors, scenes, path, k)
        return [(here.index(i), x) for i, x in found]
    The rows were counted among those on the path. Whoever asks wants the row in `vectors`: keep the
    old number beside each.
"""

EXERCISE = Task(
    title="What comes to mind",
    level="core",
    difficulty=2,
    minutes=20,
    stub=STUB,
    reference=memory.nearest_on_path,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "First: which rows have a scene on the path? Keep their numbers.",
        "Cosine: the dot product divided by both lengths. What if one of them is 0?",
        "`sorted(here, key=lambda i: -similarity[i])[:k]` is stable.",
    ),
)
