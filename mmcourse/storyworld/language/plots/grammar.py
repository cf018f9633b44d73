"""What a plot is made of: beats in which something changes, and forks where it could go otherwise.

A line of a beat is a text with slots. A slot puts in what is true of the beat's scene and records
that the text has said so, and the parser reads the same slots back:

    {A} {B} {C}                 a character's name
    {A.he} {A.him} {A.his}      its pronouns
    {A.look} {A.species}        "a red fox" and "fox"
    {A!mood} {A!does}           a word for its mood, a past verb for its action
    {A!wears}                   "wearing a scarf"
    {T} {U}                     things: "red ball"; {T.kind} "ball"
    {place} {time} {weather}    phrases of the setting
    {=A has T}                  no words, a fact: (A, "has", T)

Alternatives of a line stand between bars, " | ".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Beat:
    """One scene of a plot: who is there, how they feel, what is done and told.

    where: a role of a place ("home", "away", "far").
    state: "A happy waving, B sad": mood and action (default standing) of everyone present.
    act: an interaction, such as "give A B T" or "hug A B".
    wear: changes of accessories, such as "A none, B scarf".
    things: what lies where, such as "T@A, U@ground".
    time, weather: what they change to; empty keeps what was.
    """

    where: str
    state: str
    lines: tuple[str, ...]
    act: str = ""
    wear: str = ""
    things: str = ""
    time: str = ""
    weather: str = ""


@dataclass(frozen=True)
class Fork:
    """A point where the plot goes one of several ways; each has a label to choose it by."""

    options: tuple[tuple[str, tuple[Beat | Fork, ...]], ...]


@dataclass(frozen=True)
class Plot:
    """A plot: a goal that is wanted for a reason, what stands in its way, and how it ends.

    things: the kinds that T (and U) may be.
    places: the places that each role may be.
    starts: accessories at the beginning, such as "A scarf"; everyone else wears none.
    """

    name: str
    title: str
    goal: str
    cast: str
    beats: tuple[Beat | Fork, ...]
    things: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    starts: str = ""


def beat(where: str, state: str, *lines: str, **changes: str) -> Beat:
    """A beat, written as it reads."""
    return Beat(where, state, lines, **changes)


def fork(**options: tuple[Beat | Fork, ...]) -> Fork:
    """A fork; an underscore in a label is a space."""
    return Fork(tuple((label.replace("_", " "), path) for label, path in options.items()))


def lines_of(path: tuple[Beat | Fork, ...]) -> list[str]:
    """Every line that a plot may tell, on every way through it."""
    out: list[str] = []
    for step in path:
        if isinstance(step, Beat):
            out += [alternative for line in step.lines for alternative in line.split(" | ")]
        else:
            for _, way in step.options:
                out += lines_of(way)
    return out
