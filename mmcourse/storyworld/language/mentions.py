"""What a caption has mentioned so far, how to speak of it again, and the things it tells of."""

from __future__ import annotations

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world.facts import SYMMETRIC, Fact, given_thing, relations
from mmcourse.storyworld.world.sampling import Dice
from mmcourse.storyworld.world.scene import Scene, Thing


class Mentions:
    """Keeps the record of a caption: who was mentioned by which words, and what was said."""

    def __init__(self, scene: Scene, dice: Dice, keep: float, names: bool) -> None:
        self.scene, self.dice, self.keep, self.names = scene, dice, keep, names
        self.complete = keep == 1.0
        self.lying = [t for t in scene.things if t.position != given_thing(scene)]
        self.tells_things = dice.chance(keep)
        self.ids: dict[str, str] = {}
        self.facts: set[Fact] = set()
        self.said: set[Fact] = set()

    # -- records -------------------------------------------------------------------------------

    def _state(self, who: str, attribute: str, value: str) -> None:
        if attribute not in ("position", "name", "count"):
            self.facts.add((who, attribute, value))
        self.said.add((self.ids.get(who, who), attribute, self.ids.get(value, value)))

    def _mention(self, who: str, name: str | None = None) -> None:
        if who in self.ids:
            return
        kind = who.split(":")[0]
        number = 1 + sum(other.startswith(kind) for other in self.ids)
        self.ids[who] = name or f"{kind} {number}"
        if name is not None:
            self._state(who, "name", name)

    def _relate(self, a: str, relation: str, b: str) -> None:
        self._state(a, relation, b)
        if relation in SYMMETRIC:
            self._state(b, relation, a)

    def _the(self, who: str) -> str | None:
        """A definite phrase that can mean nobody else among those mentioned, or None."""
        kind, position = who.split(":")
        if kind == "thing":
            return "the " + next(t.kind for t in self.scene.things if t.position == position)
        c = next(c for c in self.scene.characters if c.position == position)
        if self.names:
            return c.name.lower()
        told = {o: {k: x for p, k, x in self.facts if p == o} for o in self.ids if o != who}
        same = [o for o in told.values() if o.get("species") == c.species]
        if not same:
            return f"the {c.species}"
        mine = (who, "colour", c.colour) in self.facts
        if mine and all(o.get("colour", c.colour) != c.colour for o in same):
            return f"the {c.colour} {c.species}"
        return None

    # -- things --------------------------------------------------------------------------------

    def _tells_things(self) -> bool:
        return bool(self.lying) and self.tells_things

    def _thing(self, t: Thing, whole: bool = True) -> str:
        """A thing by its colour and kind; "the" once it has been mentioned."""
        who = f"thing:{t.position}"
        if who in self.ids:
            return f"the {t.kind}"
        self._mention(who)
        self._state(who, "kind", t.kind)
        if not whole and self.dice.chance(0.3):
            return w.article(t.kind)
        self._state(who, "colour", t.colour)
        return w.article(f"{t.colour} {t.kind}")

    def _things(self, related: bool) -> str:
        phrases = []
        for t in self.lying:
            who, what = f"thing:{t.position}", self._thing(t)
            reference = self._beside(who) if related and not self.complete else None
            if reference is None or not self.dice.chance(0.6):
                self._state(who, "position", t.position)
                phrases.append(f"{what} {self.dice.pick(w.WHERE_CHARACTER[t.position])}")
            else:
                relation, other, words = reference
                self._relate(who, relation, other)
                phrases.append(f"{what} {self.dice.pick(w.RELATIONS[relation])} {words}")
        if self.dice.chance(0.25):
            lies = [w.LIES.get(t.kind, "lies") for t in self.lying]
            cut = [p.split(t.kind, 1) for p, t in zip(phrases, self.lying)]
            return " and ".join(
                f"{a}{t.kind} {verb}{b}" for (a, b), t, verb in zip(cut, self.lying, lies)
            )
        return f"{self.dice.pick(w.THERE)} " + " and ".join(phrases)

    def _beside(self, who: str) -> tuple[str, str, str] | None:
        """A true relation of a thing to someone mentioned: (relation, whom, their words)."""
        found = sorted((k, b) for a, k, b in relations(self.scene) if a == who and b in self.ids)
        found = [(k, b) for k, b in found if self._the(b) is not None]
        if not found:
            return None
        relation, other = self.dice.pick(found)
        return relation, other, self._the(other) or ""
