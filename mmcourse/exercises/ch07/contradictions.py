"""Stretch: which facts of a new scene cannot be true."""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.ch07.plain import same
from mmcourse.exercises.kit import Task, calls, dice, holds
from mmcourse.story import consistency

STUB = '''
@exercise("ch07.contradictions")
def contradictions(known, said):
    """Which facts of a new scene contradict the story so far.

    known: [(subject, attribute, value), ...], all that was told before, the oldest first. It holds
    no contradictions.
    said: the same of the new scene.
    Returns [int], the places in `said`, in order, of the facts that cannot be true:
    - "species", "colour" or "kind" with another value than the subject has already;
    - "lost" of a thing that the subject does not have. Whoever was last told to "has" a thing has
      it, until its owner "lost" it;
    - "kept" or "broke" of something that the subject has not "promised", or has kept or broken
      since.
    Anything else (a mood, a place) may change. A scene may tell things in any order: what it says
    somebody "has" or "promised" counts for the whole scene, and what somebody had before it they
    may lose in it, even if somebody else has it by then. Of two looks told in one scene of somebody
    new the first counts.
    """
    raise NotImplementedError
'''

KNOWN = [
    ("Pip", "species", "fox"), ("Pip", "mood", "sad"), ("Pip", "has", "red ball"),
    ("Pip", "promised", "to come back"), ("Wren", "species", "owl"),
]  # fmt: skip


@holds("a fox that is told to be an owl cannot be one; a fox may be told to be a fox again")
def looks(answer: Any) -> None:
    same(answer(KNOWN, [("Pip", "species", "owl"), ("Pip", "species", "fox")]), [0])


@holds("moods and places change, and that is no contradiction")
def may_change(answer: Any) -> None:
    said = [("Pip", "mood", "happy"), ("scene", "place", "forest"), ("Pip", "has", "lantern")]
    same(answer(KNOWN, said), [])


@holds("nobody loses what they do not have")
def losing(answer: Any) -> None:
    said = [("Wren", "lost", "red ball"), ("Pip", "lost", "red ball"), ("Pip", "lost", "kite")]
    same(answer(KNOWN, said), [0, 2])


@holds("what was given away, or lost, cannot be lost again")
def no_more(answer: Any) -> None:
    given = [*KNOWN, ("Wren", "has", "red ball")]
    same(answer(given, [("Pip", "lost", "red ball"), ("Wren", "lost", "red ball")]), [0])
    gone = [*KNOWN, ("Pip", "lost", "red ball")]
    same(answer(gone, [("Pip", "lost", "red ball")]), [0])
    odd = [*given, ("Pip", "lost", "red ball")]  # told late: it is Wren's by now
    same(answer(odd, [("Wren", "lost", "red ball")]), [])


@holds("a thing changes hands within a scene, in either order of telling")
def changing_hands(answer: Any) -> None:
    hands = [("Wren", "has", "red ball"), ("Pip", "lost", "red ball")]
    same(answer(KNOWN, hands), [])
    same(answer(KNOWN, hands[::-1]), [])


@holds("only an open promise is kept or broken, and only by who made it")
def promises(answer: Any) -> None:
    what = "to come back"
    same(answer(KNOWN, [("Pip", "kept", what), ("Wren", "kept", what)]), [1])
    same(answer([*KNOWN, ("Pip", "kept", what)], [("Pip", "broke", what)]), [0])
    same(answer(KNOWN, [("Pip", "kept", "to sing")]), [0])
    again = [*KNOWN, ("Pip", "broke", what), ("Pip", "promised", what)]
    same(answer(again, [("Pip", "kept", what)]), [])


@holds("somebody new: the first look counts, and what the scene itself promises can be kept in it")
def in_one_scene(answer: Any) -> None:
    said = [("Fern", "colour", "red"), ("Fern", "kept", "to sing"), ("Fern", "promised", "to sing"),
            ("Fern", "colour", "blue")]  # fmt: skip
    same(answer([], said), [3])
    same(answer([], [("Ash", "species", "elk"), ("Ash", "species", "owl")]), [1])


@holds("a thing's kind cannot change, nor a colour of the scene; names and values count whole")
def whole_values(answer: Any) -> None:
    known = [*KNOWN, ("lantern", "kind", "lamp"), ("scene", "colour", "blue"),
             *[("Wren", "mood", f"mood {n}") for n in range(99)]]  # fmt: skip
    said = [("lantern", "kind", "boat"), ("scene", "colour", "red"), ("Pip", "lost", "ball"),
            ("lantern", "kind", "".join(["la", "mp"])), ("Pip", "kept", "to come"),
            ("Pip", "lost", "Red Ball"), ("Pip the Elder", "lost", "red ball")]  # fmt: skip
    same(answer(known, said), [0, 1, 2, 4, 5, 6])


@holds("forty random scenes, one fact at a time: as asking about each by itself")
def one_by_one(answer: Any) -> None:
    for seed in range(40):
        known, said = _random(seed)
        expected = [i for i, fact in enumerate(said) if _wrong(known, said, i, fact)]
        same(answer(list(known), list(said)), expected)


def _wrong(known: Any, said: Any, i: int, fact: Any) -> bool:
    who, what, value = fact
    if what in ("species", "colour", "kind"):
        return next(x for s, a, x in [*known, *said] if (s, a) == (who, what)) != value
    if what == "lost":
        holder = None
        for s, a, x in known:
            if x == value and a == "has":
                holder = s
            elif x == value and (s, a) == (holder, "lost"):
                holder = None
        return who != holder and (who, "has", value) not in said
    if what in ("kept", "broke"):
        steps = [a for s, a, x in known if (s, x) == (who, value)
                 and a in ("promised", "kept", "broke")]  # fmt: skip
        return steps[-1:] != ["promised"] and (who, "promised", value) not in said
    return False


def _random(seed: int) -> tuple[list[Any], list[Any]]:
    pick = dice(seed)
    attributes = ("has", "lost", "promised", "kept", "broke", "colour", "mood")
    known: list[Any] = []
    while len(known) < 8:
        fact = pick.choice("AB"), pick.choice(attributes), pick.choice("xy")
        if not consistency.contradictions(known, [fact]):
            known.append(fact)
    said = [(pick.choice("ABC"), pick.choice(attributes), pick.choice("xy")) for _ in range(4)]
    return known, said


def _probes() -> list[tuple[Any, ...]]:
    return [_random(seed) for seed in range(50, 110)]


def _formed(kinds: Any = None, known: Any = lambda k: k, said: Any = lambda s: s) -> Any:
    """A wrong answer: right for some kinds, or of a known and a said that were changed."""

    def answer(before: Any, scene: Any) -> list[int]:
        found = consistency.contradictions(known(before), said(scene))
        return [i for i in found if i < len(scene) and (kinds is None or scene[i][1] in kinds)]

    return answer


def _ends_forgotten(known: Any) -> Any:
    return [f for f in known if f[1] not in ("lost", "kept", "broke")]


MISTAKES = """
never fails: return []
    It finds nothing, whatever it is given. A checker that never fails is as good as none: try it on
    a fox that is told to be an owl.
looks only: _formed(kinds=("species", "colour", "kind"))
    Looks are checked, and neither possessions nor promises: losing what one does not have, keeping
    what nobody promised.
promises go unchecked: _formed(kinds=("species", "colour", "kind", "lost"))
    A promise that nobody made can be kept here. Remember which are open: (who, what).
nothing may change:
        last = {(s, a): x for s, a, x in known if a in ("mood", "species", "colour", "kind")}
        right = consistency.contradictions(known, said)
        return [i for i, (s, a, x) in enumerate(said) if i in right or last.get((s, a), x) != x]
    A mood that changed was called a contradiction. Only species, colour and kind are for ever.
ends are forgotten: _formed(known=_ends_forgotten)
    What was lost long ago can be lost again, and a kept promise kept twice. "lost", "kept" and
    "broke" in `known` end what began before them.
the first one only: consistency.contradictions(known, said)[:1]
    It stopped at the first contradiction. All of them are asked for.
facts in the order of telling:
        so_far, found = list(known), []
        for i, fact in enumerate(said):
            if consistency.contradictions(so_far, [fact]):
                found.append(i)
            else:
                so_far.append(fact)
        return found
    Within the scene each fact changed what held for the next, so a thing that changes hands is a
    contradiction in one order of telling. Judge the whole scene against what was before it, plus
    what it begins itself.
the facts instead of their places: [said[i] for i in consistency.contradictions(known, said)]
    The facts themselves came back. Their places in `said` are asked for: two equal facts could not
    be told apart.
"""

EXERCISE = Task(
    title="A checker of facts",
    level="stretch",
    difficulty=4,
    minutes=35,
    stub=STUB,
    reference=consistency.contradictions,
    probe=calls(_probes),
    mistakes=MISTAKES,
    hints=(
        "Go through `known` once and keep three things: the looks of everybody, the owner of each "
        "thing, the open promises.",
        "Then add to the owners and promises what `said` begins, as pairs (who, what), and only "
        "then judge.",
        '"lost" is wrong if (who, thing) is neither a pair from before nor begun by the scene; '
        '"kept" and "broke" the same with promises.',
    ),
)
