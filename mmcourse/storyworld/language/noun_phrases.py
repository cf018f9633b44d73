"""Who a noun phrase means: somebody new, somebody known, or nobody that can be told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.phrases import Item
from mmcourse.storyworld.world.facts import Fact


@dataclass
class Entity:
    """Someone or something that a text has mentioned."""

    who: str
    what: str
    """The species or the kind of thing."""
    known: dict[str, str] = field(default_factory=dict)


ADJECTIVES = ("mood", "colour", "doing")
ATTRIBUTE = {"does": "action", "doing": "action", "wears": "accessory"}
NOUNS = ("species", "kind", "speciess", "kinds", "name", "pronoun", "worn")
VERBS = ("does", "act", "both", "state", "wears")


class NounPhrases(ABC):
    """The part of a reader that finds and makes entities."""

    items: list[Item]
    i: int
    entities: list[Entity]
    subject: list[Entity]
    facts: set[Fact]
    unread: list[str]
    begun: bool
    relation: str

    @abstractmethod
    def _place(self, found: list[Entity]) -> None:
        """Give a noun phrase its part in the clause: object, joined subject, or subject."""

    def _learn(self, entity: Entity, attribute: str, value: str) -> None:
        entity.known[attribute] = value
        self.facts.add((entity.who, attribute, value))

    def _name(self, entity: Entity, name: str) -> None:
        old, entity.who = entity.who, name
        self.facts = {tuple(name if x == old else x for x in f) for f in self.facts}  # type: ignore[misc]
        self._learn(entity, "name", name)

    # -- noun phrases --------------------------------------------------------------------------

    def _noun_phrase(self) -> None:
        definite, number, said = False, 1, dict[str, str]()
        negative, start = False, self.i
        while self.i < len(self.items):
            item = self.items[self.i]
            if item.kind == "the":
                definite = True
            elif item.kind == "number":
                number, negative = int(item.value), item.value == "0"
            elif item.kind in ADJECTIVES:
                said[ATTRIBUTE.get(item.kind, item.kind)] = item.value
            elif item.kind != "a":
                break
            self.i += 1
        item = self.items[self.i] if self.i < len(self.items) else Item("end", "", "")
        if item.kind not in NOUNS:
            self._predicate(said, start)
            return
        self.i += 1
        if item.kind in ("species", "kind") and not definite and self._equates(start):
            self._learn(self.subject[0], item.kind, item.value)
            for attribute, value in said.items():
                self._learn(self.subject[0], attribute, value)
            return
        if negative:
            self.facts.add(("scene", "no", item.value))
            return
        found = self._found(item, definite, number, said)
        if found is None:
            self.unread.append(" ".join(x.words for x in self.items[start : self.i]))
            return
        self._place(found)

    def _equates(self, start: int) -> bool:
        """Whether "is a red fox" says what the clause's subject is, and brings in nobody new."""
        return (
            self.begun
            and not self.relation
            and len(self.subject) == 1
            and self.items[start - 1].kind == "state"
        )

    def _predicate(self, said: dict[str, str], start: int) -> None:
        """Adjectives without a noun: "is happy"."""
        if not said or not self.subject:
            self.unread += [x.words for x in self.items[start : self.i] if x.kind != "a"]
        for attribute, value in said.items():
            for entity in self.subject:
                self._learn(entity, attribute, value)

    def _found(
        self, item: Item, definite: bool, number: int, said: dict[str, str]
    ) -> list[Entity] | None:
        if item.kind == "pronoun":
            return self._pronoun(item.value)
        if item.kind == "name":
            return [self._named(item.value)]
        if item.kind == "worn":
            return None
        attribute = "species" if item.kind.startswith("species") else "kind"
        if definite:
            same = [
                e
                for e in self.entities
                if e.what == item.value and said.items() <= {**said, **e.known}.items()
            ]
            exact = [e for e in same if said.items() <= e.known.items()]
            same = exact or same
            if len(same) > 1:
                return None
            if same:
                for k, value in said.items():
                    self._learn(same[0], k, value)
                return same
        made = []
        for _ in range(number):
            entity = self._make(attribute, item.value)
            for k, value in said.items():
                self._learn(entity, k, value)
            made.append(entity)
        return made

    def _make(self, attribute: str, what: str, name: str | None = None) -> Entity:
        kind = "thing" if attribute == "kind" else "character"
        n = 1 + sum(self._is_thing(e) == (kind == "thing") for e in self.entities)
        entity = Entity(name or f"{kind} {n}", what)
        self.entities.append(entity)
        if what:
            self._learn(entity, attribute, what)
        return entity

    @staticmethod
    def _is_thing(entity: Entity) -> bool:
        return "kind" in entity.known

    def _named(self, name: str) -> Entity:
        entity = next((e for e in self.entities if e.who == name), None)
        if entity is None:
            entity = self._make("species", "", name)
            self._learn(entity, "name", name)
        self._apposition(entity)
        return entity

    def _apposition(self, entity: Entity) -> None:
        """ "pip the happy red fox": what follows the name belongs to it."""
        j, said = self.i, dict[str, str]()
        if j >= len(self.items) or self.items[j].kind != "the":
            return
        j += 1
        while j < len(self.items) and self.items[j].kind in ADJECTIVES:
            kind = self.items[j].kind
            said[ATTRIBUTE.get(kind, kind)] = self.items[j].value
            j += 1
        if j < len(self.items) and self.items[j].kind == "species":
            entity.what = self.items[j].value
            self._learn(entity, "species", entity.what)
            for k, value in said.items():
                self._learn(entity, k, value)
            self.i = j + 1

    def _pronoun(self, word: str) -> list[Entity] | None:
        if word == "they" or word == "them":
            return self.subject or None
        for entity in [*reversed(self.subject), *reversed(self.entities)]:
            forms = w.PRONOUNS.get(entity.who, ("it", "it", "its"))
            if word in forms[:2] and not self._is_thing(entity):
                return [entity]
        return None
