"""Read a text of the world back into facts, and say which words could not be read.

The reader knows phrases (`phrases`) and a little grammar: a noun phrase introduces someone or
returns to someone; verbs, moods and positions belong to the subject of their clause; a relation or
an interaction takes the next noun phrase as its object. It never guesses: "the fox" where two are
known, or a verb without a subject, is reported in `Account.unread`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mmcourse.storyworld.language.noun_phrases import (
    ADJECTIVES,
    ATTRIBUTE,
    NOUNS,
    Entity,
    NounPhrases,
)
from mmcourse.storyworld.language.phrases import Item, chunk, tokens
from mmcourse.storyworld.world.facts import SYMMETRIC, Fact

OWN = ("his", "her", "its", "their")


@dataclass(frozen=True)
class Account:
    """What a text says: its facts, by name or order of mention, and the words left unread."""

    facts: frozenset[Fact]
    unread: tuple[str, ...] = ()


class Reader(NounPhrases):
    """Reads one text, item by item; `read` is the function to call."""

    def __init__(self, items: list[Item], known: list[Entity] | None = None) -> None:
        self.items, self.i = items, 0
        self.entities = known if known is not None else []
        self.facts: set[Fact] = set()
        self.unread: list[str] = []
        self.subject: list[Entity] = []
        self._clause()

    def _clause(self) -> None:
        """Start a clause: nothing is pending, and the old subject stays for a bare verb."""
        self.pending: list[tuple[str, str]] = []
        self.relation = self.act = ""
        self.front: tuple[str, list[Entity]] | None = None
        self.begun = self.verbal = self.joining = self.joinable = False

    # -- the walk ------------------------------------------------------------------------------

    def run(self) -> None:
        while self.i < len(self.items):
            item = self.items[self.i]
            if item.kind in ("a", "the", "number", *ADJECTIVES, *NOUNS):
                self._noun_phrase()
                continue
            self.i += 1
            self._other(item)
        self._drop()

    def _drop(self) -> None:
        """Report what a clause left without a subject or an object."""
        self.unread += [value for _, value in self.pending]
        if self.relation:
            self.unread.append(self.relation)

    def _other(self, item: Item) -> None:
        kind, value = item.kind, item.value
        if kind in ("place", "time", "weather", "style", "camera", "count"):
            self.facts.add(("scene", kind, value))
        elif kind == "boundary":
            self._boundary(value)
        elif kind in ("position", "does", "wears"):
            self._about_subject(ATTRIBUTE.get(kind, kind), value)
            self.verbal |= kind == "does"
        elif kind == "relation":
            self.relation = value
        elif kind in ("act", "both"):
            self._interact(kind, value)
        elif kind == "state":
            self.verbal = True
        elif kind in ("with", "wear") and self.i < len(self.items):
            self._worn()
        elif kind == "there":
            self.subject, self.begun = [], False
        elif kind == "called":
            self._called()
        elif kind == "unread":
            self.unread.append(value)

    def _boundary(self, mark: str) -> None:
        after = self.items[self.i].kind if self.i < len(self.items) else ""
        before = self.items[self.i - 2].kind if self.i > 1 else ""
        joins = mark in ("and", ",") and before in (*NOUNS, "wears") and after in (
            "a", "the", "number", "name", *ADJECTIVES)  # fmt: skip
        if joins and self.joinable and not self.verbal and not self.relation and self.begun:
            self.joining = True
            return
        if mark in ("and", ",") and after in ADJECTIVES:
            return
        if mark == "and" and self.relation == "between":
            return
        if mark == "," and self.pending:
            return
        self._drop()
        self._clause()

    def _about_subject(self, attribute: str, value: str) -> None:
        lone = not self.begun and self._noun_follows()
        if lone or not self.subject:
            self.pending.append((attribute, value))
            return
        for entity in self.subject:
            self._learn(entity, attribute, value)

    def _noun_follows(self) -> bool:
        """Whether the clause goes on to name its subject: "on the left waves a fox"."""
        for item in self.items[self.i :]:
            if item.kind in ("a", "the", "number", "name", *ADJECTIVES):
                return True
            if item.kind not in ("does", "state", "wears", "position", "glue"):
                return False
        return False

    def _worn(self) -> None:
        """ "with a red hat": what is worn, whatever its colour; anything else is read as it is."""
        j = self.i
        while j < len(self.items) and (
            self.items[j].kind in ("a", "the", "colour") or self.items[j].words in OWN
        ):
            j += 1
        if j < len(self.items) and self.items[j].kind == "worn":
            self.unread += [x.words for x in self.items[self.i : j] if x.kind == "colour"]
            self.i = j + 1
            self._about_subject("accessory", self.items[j].value)

    # -- interactions --------------------------------------------------------------------------

    def _interact(self, kind: str, value: str) -> None:
        self.verbal = True
        if kind == "act":
            self.act = value
        elif len(self.subject) == 2:
            a, b = self.subject
            self._link(a, value, b)
        else:
            self.unread.append(value)

    def _link(self, a: Entity, relation: str, b: Entity) -> None:
        self.facts.add((a.who, relation, b.who))
        if relation in SYMMETRIC:
            self.facts.add((b.who, relation, a.who))

    def _called(self) -> None:
        item = self.items[self.i] if self.i < len(self.items) else None
        if item is None or item.kind != "name" or not self.subject:
            self.unread.append("called")
            return
        self.i += 1
        self._name(self.subject[-1], item.value)

    def _place(self, found: list[Entity]) -> None:
        """Give a noun phrase its part in the clause: object, joined subject, or subject."""
        self.joinable = False
        if self.relation and (self.begun or self.relation == "between"):
            for entity in self.subject:
                for other in found:
                    self._link(entity, self.relation, other)
            if self.relation != "between":
                self.relation = ""
            return
        if self.relation:  # "next to the fox is a ball": the subject is still to come
            self.front, self.relation, self.subject = (self.relation, found), "", []
            return
        if self.act:
            self._object(found)
            return
        if self.joining:
            self.subject = [*self.subject, *found]
        else:
            self.subject = found
        self.joining, self.begun, self.joinable = False, True, True
        for attribute, value in self.pending:
            for entity in found:
                self._learn(entity, attribute, value)
        self.pending = []
        if self.front is not None:
            relation, others = self.front
            for entity in found:
                for other in others:
                    self._link(entity, relation, other)
            self.front = None

    def _object(self, found: list[Entity]) -> None:
        for entity in self.subject:
            for other in found:
                thing = self._is_thing(other)
                if self.act == "give":
                    self._link(entity, "gives" if thing else "give", other)
                elif not thing:
                    self._link(entity, self.act, other)
                else:
                    self.unread.append(other.what)


def read(text: str) -> Account:
    """Read a caption or another description.

    Returns:
        The facts that it states, by name or in the order of mention ("character 1"), and what
        could not be read. A text of the world leaves nothing unread.

    Raises:
        ValueError: something that is not text.
    """
    if not isinstance(text, str):
        raise ValueError(f"a text is a str, got {type(text).__name__}")
    reader = Reader(chunk(tokens(text)))
    reader.run()
    return Account(frozenset(reader.facts), tuple(reader.unread))
