"""Whether a new scene can be true: its facts, held against those before it."""

from __future__ import annotations

from collections.abc import Sequence

Triple = tuple[str, str, str]
FIXED = ("species", "colour", "kind")
"""What nobody and nothing can change."""
ENDS = {"lost": "has", "kept": "promised", "broke": "promised"}
"""What needs something before it: only who has a thing can lose it, only a promise can be kept."""


def contradictions(known: Sequence[Triple], said: Sequence[Triple]) -> list[int]:
    """Which facts of a scene contradict what was true before it.

    Three kinds cannot be true: a "species", "colour" or "kind" unlike the one that the subject has
    already; "lost" of a thing that the subject does not have (whoever "has" it last has it, and
    "lost" by that owner ends it); "kept" or "broke" of what the subject never promised, or of what
    was kept or broken since. A scene may tell things in any order that it likes: what it gives or
    promises itself counts for all of it, and a thing that changes hands in it may be lost by who
    had it before.

    Args:
        known: (subject, attribute, value) along the path, the oldest first, and without fault.
        said: those of the new scene, in their order.

    Returns:
        the places in `said`, in order, of facts that cannot be true.
    """
    looks: dict[tuple[str, str], str] = {}
    owner: dict[str, str] = {}
    open_: set[tuple[str, str]] = set()
    for subject, attribute, value in known:
        if attribute in FIXED:
            looks.setdefault((subject, attribute), value)
        elif attribute == "has":
            owner[value] = subject
        elif attribute == "lost" and owner.get(value) == subject:
            del owner[value]
        elif attribute == "promised":
            open_.add((subject, value))
        elif attribute in ("kept", "broke"):
            open_.discard((subject, value))
    before = {"has": {(who, thing) for thing, who in owner.items()}, "promised": open_}
    begun = {
        need: old | {(s, value) for s, attribute, value in said if attribute == need}
        for need, old in before.items()
    }
    found = []
    for i, (subject, attribute, value) in enumerate(said):
        if attribute in FIXED:
            wrong = looks.setdefault((subject, attribute), value) != value
        else:
            wrong = attribute in ENDS and (subject, value) not in begun[ENDS[attribute]]
        if wrong:
            found.append(i)
    return found
