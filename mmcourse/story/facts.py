"""What is true in a story: facts, each with the scene that made it true.

A fact is a triple, as in `mmcourse.storyworld.world.facts`: (subject, attribute, value). Subjects
are characters by name ("Pip"), things by look ("red ball"), places ("forest") and "scene". Which
part of the ledger a fact belongs to follows from its attribute.
"""

from __future__ import annotations

from dataclasses import dataclass

LOOKS = ("species", "colour", "accessory", "identity", "kind")
SETTING = ("place", "time", "weather")
MOODS = ("mood",)
DOINGS = ("at", "action", "position")
POSSESSIONS = ("has", "lost")
RELATIONS = ("friend of", "knows", "awaits", "hopes", "rivals")
EVENTS = ("give", "gives", "follow", "hug", "quarrel")
PROMISES = ("promised", "kept", "broke")
GOALS = ("wants", "got")
WAYS = ("exit",)
PLAYED = "played by"
"""Which of the world's names plays somebody whom the reader calls otherwise: see `naming`. It is
never shown."""

WISHES = {
    "owner": ("to find out whose it is", "found out whose it is"),
    "friend": ("a friend", "found a friend"),
    "journey": ("to see somewhere new", "saw somewhere new"),
    "present": ("to find a present", "found a present"),
    "answer": ("to know who it is", "knows who it was"),
    "win": ("to win", "won"),
    "garden": ("a garden", "has a garden"),
}
"""What can be wanted that is no thing: in words, and once it was got."""

SAID = {
    "friend of": "is a friend of",
    "knows": "knows",
    "awaits": "waits for",
    "hopes": "hopes for a present from",
    "rivals": "competes with",
    "give": "gave something to",
    "follow": "followed",
    "hug": "hugged",
    "quarrel": "quarrelled with",
    "kept": "kept the promise",
    "broke": "broke the promise",
}
"""What is said of one somebody and another, or of somebody and a promise, before the value."""

LEDGER: dict[str, tuple[str, ...]] = {
    "looks": LOOKS,
    "settings": SETTING,
    "moods": MOODS,
    "doings": DOINGS,
    "possessions": POSSESSIONS,
    "relations": RELATIONS,
    "events": EVENTS,
    "promises": PROMISES,
    "goals": GOALS,
    "ways": WAYS,
    "names": (PLAYED,),
}
"""The parts of the ledger, each with the attributes that belong to it; any other is "other"."""


@dataclass(frozen=True)
class Fact:
    """(subject, attribute, value), and the id of the scene that made it true.

    `scene` is 0 while no scene is known: a writer's and an extractor's facts get theirs when the
    step is recorded.
    """

    subject: str
    attribute: str
    value: str
    scene: int = 0

    @property
    def part(self) -> str:
        """The part of the ledger that it belongs to."""
        return next((part for part, names in LEDGER.items() if self.attribute in names), "other")

    @property
    def triple(self) -> tuple[str, str, str]:
        """Without the scene."""
        return (self.subject, self.attribute, self.value)

    @property
    def words(self) -> str:
        """A goal, a tie or a promise as one would say it after its subject: "wants to win", "wants
        the red ball", "is a friend of Kit", "kept the promise to come back"; else ""."""
        if self.part != "goals":
            return f"{SAID[self.attribute]} {self.value}" if self.attribute in SAID else ""
        wish, done = WISHES.get(self.value, (f"the {self.value}", f"has the {self.value} again"))
        return done if self.attribute == "got" else f"wants {wish}"

    def __str__(self) -> str:
        return f"{self.subject} {self.attribute} {self.value}"
