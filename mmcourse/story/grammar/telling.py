"""Set a scene on the stage and tell it: in a voice, in a tone, with everything new introduced."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmcourse.story.facts import Fact
from mmcourse.story.grammar.tale import Bound, Tale
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.plots.grammar import Beat
from mmcourse.storyworld.language.plots.slots import Bound as Slots
from mmcourse.storyworld.language.plots.slots import fill
from mmcourse.storyworld.language.plots.staging import Stage
from mmcourse.storyworld.language.plots.voices import TRAITS, VOICES, Voice
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.scene import Character, Scene

TONES: dict[str, tuple[str, tuple[str, ...]]] = {
    "warm": ("plain", (
        "Somewhere a kettle began to sing, and that was for everybody.",
        "It was good not to be the only one.",
        "Whoever was cold, was given a corner of the blanket.",
        "Nobody was left over.",
    )),
    "bright": ("cheeky", (
        "Even the puddles were in a good mood.",
        "Somebody laughed, and it was catching.",
        "The day rolled over and wanted its tummy tickled.",
        "It was that kind of day, with jam on it.",
    )),
    "calm": ("hushed", (
        "There was no hurry anywhere.",
        "One could hear the grass grow, or nearly.",
        "The air held still and waited kindly.",
        "Slowly, slowly, everything found its place.",
    )),
    "brave": ("grand", (
        "Being afraid was allowed, as long as one went on.",
        "It takes one step to be brave, and then another one.",
        "The dark was only the day with its eyes shut.",
        "Nobody is too small for the next step.",
    )),
}  # fmt: skip
"""Each tone with the voice that suits it, and what it likes to say now and then."""
TONE_OF_MOOD = {"happy": "bright", "sad": "warm", "angry": "calm", "surprised": "brave"}
"""The tone that answers a reader's mood."""
NEW_TONE = 0.4
"""How often a sentence of the tone is said."""


def voice_called(name: str, tone: str, dice: Dice) -> Voice:
    """A voice by its name, else by the tone, else by the dice.

    Raises:
        ValueError: a voice or a tone that does not exist.
    """
    if tone and tone not in TONES:
        raise ValueError(f"there is no tone {tone!r}; choose one of {', '.join(TONES)}")
    names = {voice.name: voice for voice in VOICES}
    if name and name not in names:
        raise ValueError(f"there is no voice {name!r}; choose one of {', '.join(names)}")
    if name or tone:
        return names[name or TONES[tone][0]]
    return dice.pick(VOICES)


class Standing(Stage):
    """A stage on which the story stands already: cast, things, places and setting are given."""

    def __init__(self, bound: Bound, tale: Tale, places: Mapping[str, str], style: str) -> None:
        self.cast, self.things = dict(bound.cast), dict(bound.things)
        self.places = dict(places)
        self.setting = {"place": "", "time": "day", "weather": "clear", **tale.setting}
        self.style, self.variation = style, tale.note.variation


def places_from(tale: Tale, dice: Dice) -> dict[str, str]:
    """Where a move's roles of places are: away is somewhere near, far is where nobody has been."""
    here = tale.setting.get("place", tale.note.home)
    seen = [p.name for p in tale.state.places() if p.scenes]
    new = [p for p in v.PLACES if p not in seen and p != here]
    near = [p for p in v.PLACES if p != here]
    told = [f.value for f in tale.state.facts if (f.subject, f.attribute) == ("scene", "place")]
    fresh = [p for p in near if p not in told[-3:]] or near
    far = dice.pick(new or near)
    return {"here": here, "home": tale.note.home, "away": dice.pick(fresh), "far": far}


class Page:
    """The words of one scene as they are put together, and the facts that they state."""

    def __init__(self, stage: Stage, bound: Bound, tale: Tale, dice: Dice) -> None:
        self.stage, self.tale, self.dice = stage, tale, dice
        self.slots = Slots({k: c.name for k, c in stage.cast.items()}, stage.things)
        self.parts: list[str] = []
        self.new = set(bound.new)

    def say(self, line: str, letter: str = "") -> None:
        """Add a line; a voice's X is whoever `letter` is."""
        line = line.replace("{trait}", self.dice.pick(TRAITS))
        if letter:
            line = line.replace("{X", "{" + letter)
        stage = self.stage
        self.parts.append(fill(line, stage.cast, self.slots, stage.setting, self.dice))

    def tell(self, voice: Voice, beat: Beat, lines: Sequence[str], first: bool) -> None:
        """Setting, newcomers, the lines themselves, and the hero's mood where it has changed."""
        told = " ".join(lines)
        setting = self.tale.setting
        if first:
            self.say(self.dice.pick(voice.opening))
        for what, table in (("place", voice.place), ("time", voice.time),
                            ("weather", voice.weather)):  # fmt: skip
            changed = self.stage.setting[what] != setting.get(what)
            in_lines = "{" + what + "}" in told or "{=" + what in told
            if changed and not first and not in_lines:
                self.say(self.dice.pick(table))
        here = [state.split()[0] for state in beat.state.split(", ")]
        for letter in here:
            if letter in self.new and "{" + letter + ".look}" not in told:
                hero = first and letter == here[0]
                self.say(self.dice.pick(voice.hero if hero else voice.other), letter)
        for line in lines:
            self.say(line)
        before = self.tale.state.mood(self.stage.cast[here[0]].name)
        if "!mood}" not in told and self.stage.cast[here[0]].mood != before:
            self.say(self.dice.pick(voice.mood), here[0])

    @property
    def text(self) -> str:
        """The whole page."""
        return " ".join(self.parts)

    def stated(self) -> list[Fact]:
        """The facts that its words state."""
        return list(dict.fromkeys(plain(*fact) for fact in self.slots.facts))


def plain(subject: str, attribute: str, value: str) -> Fact:
    """A fact of a line, with its underscores as spaces."""
    return Fact(subject, attribute.replace("_", " "), value.replace("_", " "))


def shown(scene: Scene, tale: Tale) -> list[Fact]:
    """The facts that a scene shows: its setting, who is there and how they are; of looks what is
    new or has changed."""
    import json

    out = [Fact("scene", k, getattr(scene, k)) for k in ("place", "time", "weather")]
    for c in scene.characters:
        looks = {"species": c.species, "colour": c.colour, "accessory": c.accessory}
        if c.identity:
            looks["identity"] = json.dumps(list(c.identity))
        known = tale.state.looks(c.name)
        out += [Fact(c.name, k, x) for k, x in looks.items() if known.get(k) != x]
        out += [Fact(c.name, "at", scene.place), Fact(c.name, "mood", c.mood),
                Fact(c.name, "action", c.action)]  # fmt: skip
    for t in scene.things:
        name = f"{t.colour} {t.kind}"
        if name not in tale.things:
            out += [Fact(name, "colour", t.colour), Fact(name, "kind", t.kind)]
    return out


def in_names(text: str, bound: Bound) -> str:
    """A label, reason or title with its slots filled by names: no facts are stated."""

    def put(match: re.Match[str]) -> str:
        letter, _, tail = match[1].partition(".")
        if letter in bound.things:
            return bound.things[letter][1] if tail == "kind" else " ".join(bound.things[letter])
        who: Character = bound.cast[letter]
        forms = dict(zip(("he", "him", "his"), w.PRONOUNS[who.name]))
        return forms.get(tail, who.name)

    found = re.sub(r"\{([^}]+)\}", put, text)
    return found[:1].upper() + found[1:]


def with_moods(bound: Bound, moods: Mapping[str, str]) -> Bound:
    """The cast in other moods."""
    cast = {k: replace(c, mood=moods.get(k, c.mood)) for k, c in bound.cast.items()}
    return replace(bound, cast=cast)
