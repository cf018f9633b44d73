"""Core: what of the past fits into a budget."""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.ch07.plain import same
from mmcourse.exercises.kit import Broken, Task, calls, dice, holds
from mmcourse.story import context

STUB = '''
@exercise("ch07.pack")
def pack(pieces, budget):
    """Choose what a writer is told of the past, and say what was dropped and why.

    pieces: [(worth, tokens, scene), ...]: how much a piece is worth, what it costs, and the scene
    that it tells again; scene 0 for a piece that is no scene's (a portrait, a promise).
    budget: how many tokens there is room for in all.
    The worthiest piece is looked at first, of equal ones the earlier in the list. It is kept whole
    if it still fits. Otherwise it is dropped, and a smaller one behind it may still fit.
    Returns (kept, dropped).
    kept: [int], places in `pieces`, in the order in which they were taken.
    dropped: {place: why}: "told already" if a piece of the same scene was kept before it, whether
    it would fit or not, else "no room".
    """
    raise NotImplementedError
'''


def _check(answer: Any, pieces: Any, budget: int, kept: list[int], dropped: Any) -> None:
    found = answer(pieces, budget)
    if not (isinstance(found, tuple | list) and len(found) == 2):
        raise Broken("Two things are asked for: kept, dropped.", found, (kept, dropped))
    same(found[0], kept, "What is kept, or its order, is wrong.")
    same(found[1], dropped, "What is dropped, or why, is wrong.")


@holds("room for all: the worthiest first, nothing is dropped")
def all_fit(answer: Any) -> None:
    _check(answer, [(1, 5, 0), (3, 5, 0), (2, 5, 0)], 15, [1, 2, 0], {})
    worths = 0.001, 0.004, 11, 12, 2**24, 2**24 + 1, *range(13, 18)
    kept = [5, 4, 10, 9, 8, 7, 6, 3, 2, 1, 0]
    _check(answer, [(worth, 1, 0) for worth in worths], 11, kept, {})


@holds("of two of one worth the earlier goes first")
def ties(answer: Any) -> None:
    _check(answer, [(2, 6, 0), (2, 6, 0), (5, 1, 0)], 7, [2, 0], {1: "no room"})


@holds("a piece that is too large is dropped, and a smaller one behind it still fits")
def goes_on(answer: Any) -> None:
    _check(answer, [(9, 4, 0), (8, 20, 0), (1, 3, 0)], 8, [0, 2], {1: "no room"})


@holds("worth, not worth by token: the dear and worthy goes before the cheap")
def worth(answer: Any) -> None:
    _check(answer, [(1, 1, 0), (5, 10, 0)], 10, [1], {0: "no room"})


@holds("no scene is told twice; scene 0 is no scene")
def once(answer: Any) -> None:
    _check(answer, [(3, 2, 4), (2, 2, 4), (1, 2, 0), (1, 2, 0)], 9, [0, 2, 3], {1: "told already"})


@holds("a scene whose first piece had no room may be told by a smaller one")
def second_chance(answer: Any) -> None:
    _check(answer, [(3, 50, 4), (2, 5, 4), (1, 50, 4)], 9, [1], {0: "no room", 2: "told already"})


@holds("a budget that is filled to the last token; pieces that cost nothing")
def edges(answer: Any) -> None:
    _check(answer, [(2, 5, 0), (1, 0, 0), (0, 1, 0)], 5, [0, 1], {2: "no room"})
    _check(answer, [], 5, [], {})


@holds("any worth, any scene, any budget: fractions, below 0, scene 20, no token at all")
def any_numbers(answer: Any) -> None:
    _check(answer, [(0.25, 2, 0), (0.5, 2, 0), (-1, 1, 0)], 3, [1, 2], {0: "no room"})
    _check(answer, [(3, 2, 4), (2, 2, 20), (1, 2, 20)], 9, [0, 1], {2: "told already"})
    _check(answer, [(2, 0, 3), (2, 1, 0), (1, 0, 3)], 0, [0], {1: "no room", 2: "told already"})


@holds("forty random lists: within the budget, and nothing is dropped that would have fitted")
def audited(answer: Any) -> None:
    for seed in range(40):
        pieces, budget = _random(seed)
        kept, dropped = answer(list(pieces), budget)
        same(sorted([*kept, *dropped]), list(range(len(pieces))), "Each piece is one or the other.")
        order = [(-pieces[i][0], i) for i in kept]
        same(order, sorted(order), "The order is wrong.")
        for i, (w, tokens, scene) in enumerate(pieces):
            before = [j for j in kept if (-pieces[j][0], j) < (-w, i)]
            left = budget - sum(pieces[j][1] for j in before)
            told = scene != 0 and scene in {pieces[j][2] for j in before}
            why = "told already" if told else "no room" if tokens > left else "kept"
            same(dropped.get(i, "kept"), why, f"Piece {i} was not dealt with as it should be.")


def _random(seed: int) -> tuple[list[tuple[int, int, int]], int]:
    pick = dice(seed)
    n = pick.randrange(1, 9)
    pieces = [(pick.randrange(4), pick.randrange(1, 12), pick.randrange(4)) for _ in range(n)]
    return pieces, pick.randrange(5, 30)


def _probes() -> list[tuple[Any, ...]]:
    return [_random(seed) for seed in range(60, 90)]


def _formed(
    key: Any = lambda p: -p[0], stop: bool = False, once: bool = True, marks: str = "kept",
    room: Any = lambda tokens, left: tokens <= left,
) -> Any:  # fmt: skip
    """A wrong answer by what it does otherwise."""

    def answer(pieces: Any, budget: int) -> Any:
        kept: list[int] = []
        dropped: dict[int, str] = {}
        told: set[int] = set()
        full = False
        for i in sorted(range(len(pieces)), key=lambda i: key(pieces[i])):
            _, tokens, scene = pieces[i]
            if once and scene in told and (scene or marks == "zero"):
                dropped[i] = "told already"
            elif full or not room(tokens, budget):
                dropped[i] = "no room"
                full = stop
                told |= {scene} if marks == "seen" else set()
            else:
                kept.append(i)
                budget -= tokens
                told.add(scene)
        return kept, dropped

    return answer


MISTAKES = """
in the order of the list: _formed(key=lambda p: 0)
    The pieces were taken as they came. Look at the worthiest first: sort their places by worth,
    downwards.
the least worthy first: _formed(key=lambda p: p[0])
    It begins with what is worth least, so the promise goes and the weather stays. `sorted` goes
    upwards: use the worth with a minus.
worth by token: _formed(key=lambda p: -p[0] / max(p[1], 1))
    The pieces were sorted by worth divided by cost. Here worth alone decides: a promise does not
    matter less because it takes more words.
full is full: _formed(stop=True)
    After the first piece that did not fit, nothing more was tried. A smaller one behind it may fit:
    go on.
scenes told twice: _formed(once=False)
    A scene was kept twice. Remember which scenes are told, and drop the others as "told already".
scene 0 counts as a scene: _formed(marks="zero")
    Pieces of scene 0 shut each other out. 0 says that a piece is no scene's: those are never told
    already.
dropped counts as told: _formed(marks="seen")
    A scene was called told though its piece had been dropped. Only what is kept is told.
one token unused: _formed(room=lambda tokens, left: tokens < left)
    A piece that fills the room exactly was dropped. It fits: `tokens <= left`.
kept in the order of the list:
        kept, dropped = context.pack(pieces, budget)
        return sorted(kept), dropped
    The right ones are kept, in the order of the list. They are wanted in the order in which they
    were taken, the worthiest first.
"""

EXERCISE = Task(
    title="What fits",
    level="core",
    difficulty=2,
    minutes=20,
    stub=STUB,
    reference=context.pack,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "Sort the places 0 to n - 1, not the pieces. `sorted` leaves equal ones in their order.",
        "Go through them with two memories: how many tokens are left, which scenes are told.",
        "`sorted(range(len(pieces)), key=lambda i: -pieces[i][0])`; then told already, no room or "
        "kept, in this order of asking.",
    ),
)
