"""What a move is: one scene that a story may go on with, and what must be true for it.

Lines are written as in `mmcourse.storyworld.language.plots.grammar`, with A always the hero. An
underscore inside a fact without words is a space: {=A promised to_come_back}.

What a move needs is written in clauses between semicolons:

    B present      B was in the last scene              B away        known, but not there
    B new          nobody has met B yet                 B known       present or away
    A has T        a thing that A has                   T lost        a thing that A wants back
    T new K K      a new thing of one of these kinds    A here        always
    A sad          a mood                               A scarf       worn; A bare: nothing
    wants X        A wants X ("owner", "friend")        wants nothing
    promised X     A promised X, and it is open
    B awaits       B is who was promised that A comes back; so "hopes" for a present, "rivals"
    clear, night   what the last scene was like         not clear     what it was not like
"""

from __future__ import annotations

from dataclasses import dataclass

from mmcourse.storyworld.language.plots.grammar import Beat

KINDS = ("open", "trouble", "help", "turn", "quiet", "close")
"""A wish begins; something is in its way; somebody helps; it comes true; nothing much happens; the
story could end here."""


@dataclass(frozen=True)
class Move:
    """One scene that a story may go on with.

    label: what a reader is offered; reason: why the story would go there, in words with slots.
    needs: what must be true (see the top of this file).
    title: a title for a story that this move opens.
    """

    name: str
    kind: str
    label: str
    reason: str
    needs: tuple[str, ...]
    beat: Beat
    title: str = ""

    @property
    def letters(self) -> tuple[str, ...]:
        """Who is in the scene."""
        return tuple(state.split()[0] for state in self.beat.state.split(", "))


def move(name: str, label: str, reason: str, needs: str, told: Beat, title: str = "") -> Move:
    """A move, written as it reads; its kind stands before the colon of its name."""
    kind, _, short = name.partition(": ")
    if kind not in KINDS or not short:
        raise ValueError(f"a move is called 'kind: name' with one of {KINDS}, got {name!r}")
    clauses = tuple(filter(None, (clause.strip() for clause in needs.split(";"))))
    return Move(short, kind, label, reason, clauses, told, title)
