# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""What is told when a wish comes true."""

from __future__ import annotations

import re

AFTER = (
    "{A} thought about it for as long as it takes to peel an egg.",
    "{A} nodded, although nobody had asked.",
    "It was just as {A} would have wished it, only with more wind.",
    "{A} decided to remember this, and looked at it very hard.",
    '"Well," said {A}, "here we are."',
    "Nobody could have said why, but it felt like the middle of something.",
)
GIVES = ("{X} gave {Y} the {T}. {=Y has T} {=X lost T} {=X give Y}",)
HUGS = ("{X} and {Y} hugged, and neither let go first. {=X hug Y}",)
QUARRELS = ("{X} and {Y} quarrelled until the birds moved out. {=X quarrel Y}",)
FOLLOWS = ("{X} followed {Y}, three steps behind. {=X follow Y}",)
FINDS = ("{X} found a {T}. {=X has T}", "There lay a {T}, and {X} picked it up. {=X has T}")
HAS = ("{X} had a {T}. {=X has T}",)
LOSES = ("The {T} of {X} was gone. {=X has T} {=X lost T} {=X wants T} {X} looked under every leaf.",
         "{X} had lost a {T}, and did not know where one begins to look. {=X has T} {=X lost T} {=X wants T}")  # fmt: skip
LENT = "{X} had borrowed the {T}, and not for long. {=X has T}"
FRIENDS = ("{X} and {Y} were friends now, and nobody had to say so. {=X friend_of Y} {=Y friend_of X}",
           "{X} asked {Y} whether they were friends, and they were. {=X friend_of Y} {=Y friend_of X}")  # fmt: skip
GOES = ("{X} set off, and the feet knew the way.", "It was a good way to go, and {X} went all of it.",
        "{X} walked, and the path came along.")  # fmt: skip
STILL = "{X} still had the {T}. {=X has T}"
AGAIN = ("There was the {T} again. {=A has T} {=A got T} {A} could hardly believe it.",)


SEEN = ("{X} came by.", "{X} had nothing on {X.his} head.", "Here came {X}, {X!wears}.",
        "{X} was {X!mood}.", "{X} {X!does}.")  # fmt: skip


def lettered(line: str, x: str, y: str = "") -> str:
    """A line with its X and Y as letters of the cast."""
    return re.sub(r"\bY\b", y, re.sub(r"\bX\b", x, line))


def every_line() -> list[str]:
    """All lines that a granted wish may tell, for reading them back."""
    lines = [*AFTER, *AGAIN]
    for line in (
        *GIVES,
        *HUGS,
        *QUARRELS,
        *FOLLOWS,
        *FINDS,
        *HAS,
        *GOES,
        *LOSES,
        *FRIENDS,
        STILL,
        *SEEN,
    ):
        pairs = (("A", "B"), ("B", "A"), ("A", "C"), ("B", "C")) if "Y" in line else (("A", ""),)
        lines += [lettered(line, x, y) for x, y in pairs]
    return lines
