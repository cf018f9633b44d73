"""Core: are those in the pictures who should be there?"""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.ch07.plain import near
from mmcourse.exercises.kit import Task, calls, dice, holds
from mmcourse.story.measure import characters

STUB = '''
@exercise("ch07.character_f1")
def character_f1(asked, seen):
    """How well the characters of a story's frames agree with those who should be there, as F1.

    asked: [[name, ...], ...], for each frame who should be there; nobody twice in a frame.
    seen: the same of those whom a reader of the pictures found there, in any order.
    All frames are counted together: precision is the share of those seen who should be in that
    frame, recall the share of those asked for who are seen in it. A frame with three characters
    weighs three times as much as one with one.
    Returns a float, 2 / (1 / precision + 1 / recall): 0 if nobody is rightly there, and 1 if no
    frame should have anybody and none has.
    """
    raise NotImplementedError
'''

ASKED = [["Pip", "Wren", "Fern"], ["Pip"], ["Wren"]]


@holds("three frames as asked for: 1, in whatever order somebody is seen")
def perfect(answer: Any) -> None:
    near(answer, ASKED, [frame[::-1] for frame in ASKED], 1.0)


@holds("Wren missing from the frame of three: precision 1, recall 4/5, F1 8/9")
def missing(answer: Any) -> None:
    near(answer, ASKED, [["Pip", "Fern"], ["Pip"], ["Wren"]], 8 / 9)


@holds("Fern in every frame, who belongs in one: precision 5/7, recall 1, F1 10/12")
def too_many(answer: Any) -> None:
    near(answer, ASKED, [["Pip", "Wren", "Fern"], ["Pip", "Fern"], ["Wren", "Fern"]], 10 / 12)


@holds("the right people in the wrong frames are wrong")
def exchanged(answer: Any) -> None:
    near(answer, [["Pip"], ["Wren"]], [["Wren"], ["Pip"]], 0.0)


@holds("empty frames: nobody asked for and nobody seen is 1, nobody seen of two asked for is 0")
def nobody(answer: Any) -> None:
    near(answer, [[], []], [[], []], 1.0)
    near(answer, [["Pip"], ["Wren"]], [[], []], 0.0)
    near(answer, [[]], [["Pip"]], 0.0)
    near(answer, [[], ["Pip"]], [["Wren"], ["Pip"]], 2 / 3)


@holds("names count whole and as they are written: Pippa is not Pip, nor is PIP, nor Pete")
def whole_names(answer: Any) -> None:
    near(answer, [["Pip", "Wren"]] * 3, [["Pippa", "Wren"], ["PIP"], ["Pete"]], 2 / 10)


@holds("forty random stories: as by precision and recall")
def random_ones(answer: Any) -> None:
    for seed in range(40):
        asked, seen = _random(seed)
        hits = sum(name in b for a, b in zip(asked, seen) for name in a)
        precision = hits / max(1, sum(len(frame) for frame in seen))
        recall = hits / max(1, sum(len(frame) for frame in asked))
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        near(answer, asked, seen, f1)


def _random(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    pick = dice(seed)
    both = [[pick.sample("ABCD", pick.randrange(1, 4)) for _ in range(7)] for _ in range(2)]
    return both[0], both[1]


def _probes() -> list[tuple[Any, ...]]:
    return [*(_random(seed) for seed in range(50, 70)), ([[], []], [[], []]),
            ([["Pip"]], [[]])]  # fmt: skip


def _of(asked: Any, seen: Any) -> tuple[int, int, int]:
    hits = sum(len(set(a) & set(b)) for a, b in zip(asked, seen))
    return hits, sum(map(len, asked)), sum(map(len, seen))


def _recall(asked: Any, seen: Any) -> float:
    hits, all_asked, all_seen = _of(asked, seen)
    return hits / all_asked if all_asked else float(not all_seen)


def _precision(asked: Any, seen: Any) -> float:
    hits, all_asked, all_seen = _of(asked, seen)
    return hits / all_seen if all_seen else float(not all_asked)


MISTAKES = """
a mean over frames:
        each = [characters.character_f1([a], [b]) for a, b in zip(asked, seen)]
        return sum(each) / len(each)
    Each frame got an F1 of its own, and the mean was taken. Then a frame with one character weighs
    as much as one with three. Add up hits and numbers over all frames first, divide once.
whole frames: sum(set(a) == set(b) for a, b in zip(asked, seen)) / len(asked)
    That is the share of frames that are exactly right. It is worth knowing, too, but F1 gives
    credit for two of three.
recall alone: _recall
    Who draws everybody into every frame gets full marks. Those who should not be there have to cost
    something: precision.
precision alone: _precision
    Who draws one safe character a frame gets full marks. Those who are missing have to cost
    something: recall.
hits over the union:
        hits, all_asked, all_seen = _of(asked, seen)
        union = all_asked + all_seen - hits
        return hits / union if union else 1.0
    That is the Jaccard index. In F1 the hits count twice: 2 hits / (asked + seen).
the plain mean of the two: (_precision(asked, seen) + _recall(asked, seen)) / 2
    Precision and recall were averaged. The harmonic mean, 2 / (1/p + 1/r), is low if either of them
    is.
place by place:
        _, all_asked, all_seen = _of(asked, seen)
        hits = sum(x == y for a, b in zip(asked, seen) for x, y in zip(a, b))
        return 2 * hits / (all_asked + all_seen) if all_asked + all_seen else 1.0
    Names were compared by their place in the list. A reader finds them in any order: compare sets.
the story as one frame:
        cast = [{name for frame in frames for name in frame} for frames in (asked, seen)]
        return characters.character_f1([cast[0]], [cast[1]])
    All frames were thrown together, so somebody in the wrong frame is a hit. Compare frame by
    frame, then add up.
empty is wrong: characters.character_f1(asked, seen) if any(map(len, (*asked, *seen))) else 0.0
    Where nobody should be anywhere and nobody is, all is right: 1.
"""

EXERCISE = Task(
    title="Who is in the picture",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=characters.character_f1,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "Count three numbers over all frames: who is rightly there, who was asked for, who is "
        "seen.",
        "Of one frame, `set(asked) & set(seen)` are those who are rightly there.",
        "Put precision = hits / seen and recall = hits / asked into the formula: "
        "2 hits / (asked + seen).",
    ),
)
