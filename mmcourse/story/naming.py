"""Names of the reader's own: everything that is shown has the name that they typed.

The world knows 24 names, and its grammar and its stage know no others. So whoever is called
otherwise is played by one of the world's: the story's texts, facts and records say "Mia", and only
where the world itself works (see `backends.world_names`) does a table put "Alma" in her place and
take it away again. The table is a fact of the story, (Mia, played by, Alma), so it belongs to the
scene in which she came, and follows her into every branch, copy and file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar

from mmcourse.story.facts import PLAYED, Fact
from mmcourse.story.state import State
from mmcourse.storyworld.language.words import SHE
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice

T = TypeVar("T")
MOST = 40
"""How long a name may be."""
OWN = ("plan", "identity", "hash")
"""Fields that are the world's own notes: no names of readers are in them."""


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def clean_name(name: str) -> str:
    """A name as it is shown: one line, with a capital.

    Raises:
        ValueError: an empty name, or one that is too long.
    """
    said = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not said or len(said) > MOST:
        raise ValueError(
            f"a name has 1 to {MOST} characters, got {len(said)}; choose a shorter one"
        )
    return said[:1].upper() + said[1:]


@dataclass(frozen=True)
class Table:
    """Who plays whom: names as they are shown, each with the world's name in its place.

    Nobody is there twice. A name of the world stands for itself, unless it plays somebody.
    """

    players: Mapping[str, str]

    @classmethod
    def of(cls, state: State | None) -> Table:
        """The table of a story."""
        facts = state.facts if state else ()
        return cls({f.subject: f.value for f in facts if f.attribute == PLAYED})

    def taken(self, state: State | None) -> set[str]:
        """The world's names that are somebody's already."""
        here = state.characters if state else ()
        return {*self.players.values(), *(n for n in here if n not in self.players)}

    def with_(self, name: str, she: bool, taken: Iterable[str]) -> Table:
        """The table with one more name; unchanged if it is there, or is a free name of the world.

        Raises:
            ValueError: all of the world's names are taken.
        """
        used = {*taken, *self.players.values()}
        if name in self.players or (name in v.NAMES and name not in used):
            return self
        free = [n for n in v.NAMES if n not in used and n != name]
        if not free:
            raise ValueError(
                f"there is no room for {name}: StoryWorld can tell {len(v.NAMES)} apart, and all "
                "of them are in this story"
            )
        alike = [n for n in free if (n in SHE) == she] or free
        return Table({**self.players, name: Dice("player", name).pick(alike)})

    @property
    def back(self) -> dict[str, str]:
        """The world's names with the names that are shown."""
        return {player: name for name, player in self.players.items()}

    def facts(self, before: Table) -> tuple[Fact, ...]:
        """What is new in it, as facts."""
        return tuple(
            Fact(name, PLAYED, player)
            for name, player in self.players.items()
            if name not in before.players
        )


def swapped(text: str, names: Mapping[str, str]) -> str:
    """A text with names replaced, as whole words, all at once."""
    if not names:
        return text
    longest = sorted(names, key=len, reverse=True)
    found = "|".join(re.escape(name) for name in longest)
    return re.sub(rf"(?<!\w)(?:{found})(?!\w)", lambda m: names[m[0]], text)


def translated(value: T, names: Mapping[str, str], shown: Mapping[str, str] | None = None) -> T:
    """A request or a result with all its names replaced.

    Facts that say who plays whom are left out, for the world does not know that it plays.

    Args:
        value: a record, a text, or several of them; anything else is returned as it is.
        names: what is replaced by what.
        shown: the names that a staging gets, by the world's name; none if it is not given.
    """
    if not names:
        return value
    if isinstance(value, str):
        return swapped(value, names)  # type: ignore[return-value]
    if isinstance(value, Fact):
        subject, told = names.get(value.subject, value.subject), names.get(value.value, value.value)
        return replace(value, subject=subject, value=told)
    if isinstance(value, tuple | list):
        kept = [x for x in value if not (isinstance(x, Fact) and x.attribute == PLAYED)]
        return type(value)(translated(x, names, shown) for x in kept)
    if isinstance(value, Mapping):
        return {  # type: ignore[return-value]
            translated(k, names, shown): translated(x, names, shown) for k, x in value.items()
        }
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _field(f.name, getattr(value, f.name), names, shown)
                   for f in fields(value) if f.init and not f.name.startswith("_")}  # fmt: skip
        return replace(value, **changed)
    return value


def _field(name: str, value: object, names: Mapping[str, str], shown: Mapping[str, str] | None
           ) -> object:  # fmt: skip
    if name in OWN:
        return value
    if name == "staging" and isinstance(value, str):
        from mmcourse.story.staging import called

        return called(value, shown or {})
    return translated(value, names, shown)
