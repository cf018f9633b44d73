"""The clauses of a caption: who, doing what, where, beside whom, and the world around them."""

from __future__ import annotations

from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.mentions import Mentions
from mmcourse.storyworld.world.facts import (
    OPTIONAL,
    Fact,
    given_thing,
    relations,
)
from mmcourse.storyworld.world.scene import Character

SAYABLE = ("colour", "accessory", "mood", "action")
SETTING = ("place", "time", "weather")


class Writer(Mentions):
    """Writes one caption and keeps a record of what it has said.

    Args:
        scene: what to describe.
        dice: decides every choice of words.
        keep: the probability that an attribute is said; 1 says all of them.
        names: whether the characters are called by name.
    """

    def silent(self, fact: Fact) -> bool:
        """Whether a complete caption states this fact by saying nothing of it."""
        return w.QUIET.get(fact[1]) == fact[2]

    def write(self) -> str:
        """The whole caption."""
        dice, characters = self.dice, list(self.scene.characters)
        if not self.complete and len(characters) > 1 and dice.chance(0.4):
            characters = dice.sample(characters, len(characters) - 1)
        elif dice.chance(0.5):
            characters = characters[::-1]
        look = self._look()
        leading, trailing = self._setting()
        if look and dice.chance(0.3):
            leading, look = f"{look}, {leading}" if leading else look, ""
        sentences = []
        things_first = self._tells_things() and dice.chance(0.2)
        if things_first:
            sentences.append(self._things(related=False))
        sentences += self._body(characters)
        sentences += self._acts()
        if self._tells_things() and not things_first:
            sentences.append(self._things(related=True))
        if leading:
            sentences[0] = f"{leading}, {sentences[0]}"
        if trailing and self._told_place() and dice.chance(0.25):
            sentences.append(f"{dice.pick(('we are', 'this happens'))} {trailing}")
        elif trailing:
            sentences[0] += f", {trailing}"
        if look and dice.chance(0.5):
            sentences.append(f"the picture is {look}")
        elif look:
            sentences[-1] += f", {look}"
        return ". ".join(sentences) + "."

    # -- setting and style ---------------------------------------------------------------------

    def _setting(self) -> tuple[str, str]:
        """Place, time and weather as words before and after the body (one of them is empty)."""
        said = [k for k in SETTING if self.dice.chance(self.keep)]
        if said and self.dice.chance(0.3):
            said = self.dice.sample(said, len(said))
        tables = {"place": w.PLACE, "time": w.TIME, "weather": w.WEATHER}
        phrases = []
        for k in said:
            value = getattr(self.scene, k)
            phrases.append(self.dice.pick(tables[k][value]))
            self._state("scene", k, value)
        where = " ".join(phrases)
        return (where, "") if self.dice.chance(0.4) else ("", where)

    def _told_place(self) -> bool:
        return any(k == "place" for _, k, _ in self.facts)

    def _look(self) -> str:
        """How the picture is made and from how far it is seen."""
        phrases = []
        for k in OPTIONAL:
            value = getattr(self.scene, k)
            quiet = w.QUIET[k] == value
            if self.dice.chance(0.15 if quiet else self.keep):
                phrases.append(self.dice.pick({"style": w.STYLE, "camera": w.CAMERA}[k][value]))
                self._state("scene", k, value)
        return " ".join(phrases)

    # -- characters ----------------------------------------------------------------------------

    def _body(self, characters: list[Character]) -> list[str]:
        dice, clauses = self.dice, []
        everyone = len(characters) == len(self.scene.characters)
        if everyone and len(characters) > 1 and dice.chance(0.12):
            count = str(len(characters))
            self._state("scene", "count", count)
            clauses.append(f"there are {dice.pick(w.COUNTS[count])}")
        for i, c in enumerate(characters):
            clauses.append(self._clause(c, characters[:i]))
        if any(". " in clause for clause in clauses) or (clauses[0].startswith("there are")):
            return clauses
        join = dice.pick(w.JOIN) if len(clauses) == 2 else ", "
        return [join.join(clauses)]

    def _clause(self, c: Character, before: list[Character]) -> str:
        """One character with all that is said of it: a clause, or two short sentences."""
        dice, who = self.dice, f"character:{c.position}"
        said = {k for k in SAYABLE if dice.chance(self.keep)}
        if self.complete and c.accessory == "none" and not dice.chance(0.1):
            said.discard("accessory")
        place = self._place(c, before)
        split = "mood" in said and dice.chance(0.25)
        later = {"mood"} | ({"accessory"} if c.accessory != "none" else set()) if split else set()
        noun = self._noun(c, said - later)
        for k in sorted(said | {"species"}):
            self._state(who, k, getattr(c, k))
        does = w.WALKS if self._walks(c) else w.DOES[c.action]
        verb = dice.pick(does) if "action" in said else "is"
        where = ""
        if place or verb == "is":
            where = self._where(c, place)
        if where.startswith(("on ", "in ", "at ")) and verb == does[0] and not before:
            inverted = dice.chance(0.2)
        else:
            inverted = False
        text = f"{where} {verb} {noun}" if inverted else f"{noun} {verb} {where}".strip()
        if split:
            subject = w.PRONOUNS[c.name][0] if self.names else "it"
            text += (
                f". {subject} {dice.pick(('is', 'looks', 'seems'))} {dice.pick(w.FEELS[c.mood])}"
            )
            if "accessory" in said and c.accessory != "none":
                text += f" and wears {w.article(c.accessory)}"
        return text

    def _walks(self, c: Character) -> bool:
        act = self.scene.interaction
        return act is not None and act.kind == "follow" and c.position in (act.by, act.to)

    def _noun(self, c: Character, said: set[str]) -> str:
        words = [self.dice.pick(w.FEELS[c.mood])] if "mood" in said else []
        words += [c.colour] if "colour" in said else []
        phrase = " ".join([*words, c.species])
        name = c.name.lower()
        self._mention(f"character:{c.position}", c.name if self.names else None)
        if not self.names:
            text = w.article(phrase)
        elif self.dice.chance(0.7):
            text = f"{name} the {phrase}"
        else:
            text = f"{w.article(phrase)} called {name}"
        if "accessory" in said:
            worn = w.BARE if c.accessory == "none" else w.WEARS[c.accessory]
            text += " " + self.dice.pick(worn)
        return text

    def _place(self, c: Character, before: list[Character]) -> str:
        """How to say where a character is: "" not at all, "position", or a relation's name."""
        if (
            before
            and self.dice.chance(0.3)
            and (not self.complete or len(self.scene.characters) == 2)
        ):
            return self.dice.pick(self._true(c, before[-1]))
        return "position" if self.complete or self.dice.chance(0.5) else ""

    def _true(self, a: Character, b: Character) -> list[str]:
        pair = (f"character:{a.position}", f"character:{b.position}")
        found = sorted(k for x, k, y in relations(self.scene) if (x, y) == pair)
        return [k for k in found if not self.complete or k != "next to"]

    def _where(self, c: Character, place: str) -> str:
        who = f"character:{c.position}"
        if place in w.RELATIONS:
            other = [o for o in self.ids if o.startswith("character") and o != who][-1]
            reference = self._the(other)
            if reference is not None:
                self._relate(who, place, other)
                return f"{self.dice.pick(w.RELATIONS[place])} {reference}"
        self._state(who, "position", c.position)
        return self.dice.pick(w.WHERE_CHARACTER[c.position])

    # -- what they do to each other ------------------------------------------------------------

    def _acts(self) -> list[str]:
        act = self.scene.interaction
        if act is None or not self.dice.chance(self.keep):
            return []
        a, b = (f"character:{p}" for p in (act.by, act.to))
        if a not in self.ids or b not in self.ids:
            return []
        the_a, the_b = self._the(a), self._the(b)
        if the_a is None or the_b is None:
            return []
        self._relate(a, act.kind, b)
        if act.kind in w.TOGETHER and self.dice.chance(0.4):
            return [f"{the_a} and {the_b} {self.dice.pick(w.TOGETHER[act.kind])}"]
        verb = self.dice.pick(w.ACTS[act.kind])
        given = given_thing(self.scene)
        if act.kind != "give":
            return [f"{the_a} {verb} {the_b}"]
        thing = next(t for t in self.scene.things if t.position == given)
        what = self._thing(thing, whole=self.complete)
        self._state(a, "gives", f"thing:{given}")
        forms = (f"{the_a} {verb} {the_b} {what}", f"{the_a} {verb} {what} to {the_b}")
        return [self.dice.pick(forms)]
