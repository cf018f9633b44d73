"""Put a scene into words: many phrasings, complete or partial, never untrue."""

from __future__ import annotations

from dataclasses import dataclass

from mmcourse.storyworld.sampling import Dice
from mmcourse.storyworld.scene import Character, Scene, Thing

WEARS = {
    "hat": ("wearing a hat", "with a hat on", "in a hat"),
    "scarf": ("wearing a scarf", "with a scarf on", "in a scarf"),
    "crown": ("wearing a crown", "with a crown on", "in a crown"),
}
DOES = {
    "standing": ("stands", "is standing"),
    "waving": ("waves", "is waving", "waves hello"),
    "jumping": ("jumps", "is jumping", "leaps up"),
}
FEELS = {
    "happy": ("happy", "cheerful", "smiling"),
    "sad": ("sad", "tearful", "unhappy"),
    "angry": ("angry", "cross", "furious"),
    "surprised": ("surprised", "astonished", "startled"),
}
WHERE_CHARACTER = {
    "left": ("on the left",),
    "middle": ("in the middle",),
    "right": ("on the right",),
}
PLACE = {
    "meadow": ("in the meadow", "in a green meadow", "among the hills of a meadow"),
    "forest": ("in the forest", "among the trees", "in a deep forest"),
    "beach": ("on the beach", "by the sea", "on a sandy beach"),
    "mountains": ("in the mountains", "below the peaks", "high in the mountains"),
    "village": ("in the village", "in front of the houses", "in a small village"),
}
TIME = {
    "day": ("by day", "in the daytime", "in daylight"),
    "sunset": ("at sunset", "in the evening", "as the sun sets"),
    "night": ("at night", "in the dark", "under the night sky"),
}
WEATHER = {
    "clear": ("in clear weather", "under a clear sky", "in fine weather"),
    "rain": ("in the rain", "while it rains", "as rain falls"),
    "snow": ("in the snow", "while it snows", "as snow falls"),
}
THERE = ("there is", "we see")
JOIN = (" while ", " and ", "; ")


@dataclass(frozen=True)
class Caption:
    """A sentence and the facts that it states.

    A fact is (who, attribute, value); `who` is "scene", "character:POSITION" or "thing:POSITION".
    """

    text: str
    facts: frozenset[tuple[str, str, str]]


def facts(scene: Scene) -> frozenset[tuple[str, str, str]]:
    """Everything that a picture of the scene shows and a caption can say."""
    out = {("scene", k, getattr(scene, k)) for k in ("place", "time", "weather")}
    for c in scene.characters:
        who = f"character:{c.position}"
        out |= {
            (who, k, getattr(c, k)) for k in ("species", "colour", "accessory", "mood", "action")
        }
    for t in scene.things:
        out |= {
            (f"thing:{t.position}", "kind", t.kind),
            (f"thing:{t.position}", "colour", t.colour),
        }
    return frozenset(out)


def _article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _character(c: Character, dice: Dice, keep: float, place_it: bool) -> tuple[str, set[str]]:
    said = {"species"} | {k for k in ("colour", "accessory", "mood", "action") if dice.chance(keep)}
    words = [dice.pick(FEELS[c.mood])] if "mood" in said else []
    words += [c.colour] if "colour" in said else []
    text = _article(" ".join([*words, c.species]))
    if "accessory" in said:
        if c.accessory != "none":
            text += " " + dice.pick(WEARS[c.accessory])
        elif keep < 1.0:
            text += " with a bare head"
    verb = dice.pick(DOES[c.action]) if "action" in said else "is"
    if verb != "is":
        text += " " + verb
    if place_it or verb == "is":
        text += (" is " if verb == "is" else " ") + dice.pick(WHERE_CHARACTER[c.position])
    return text, said


def _things(things: tuple[Thing, ...], dice: Dice) -> str:
    phrases = [
        f"{_article(t.colour + ' ' + t.kind)} {dice.pick(WHERE_CHARACTER[t.position])}"
        for t in things
    ]
    return f"{dice.pick(THERE)} " + " and ".join(phrases)


def _setting(scene: Scene, dice: Dice, keep: float) -> tuple[list[str], set[str]]:
    said = {k for k in ("place", "time", "weather") if dice.chance(keep)}
    order = [
        ("place", PLACE[scene.place]),
        ("time", TIME[scene.time]),
        ("weather", WEATHER[scene.weather]),
    ]
    return [dice.pick(phrases) for k, phrases in order if k in said], said


def describe(scene: Scene, key: int = 0, complete: bool = True) -> Caption:
    """One caption of a scene, with the facts that it states.

    Args:
        scene: what to describe.
        key: another key, another phrasing (and, if partial, another choice of facts).
        complete: say everything that the picture shows, or only some of it. In a complete caption
            a character of whom no accessory is told wears none.

    Returns:
        The caption; `caption(scene, key)` returns its text alone.
    """
    dice = Dice("caption", scene.fingerprint(), key, complete)
    keep = 1.0 if complete else dice.pick((0.3, 0.5, 0.8))
    characters = list(scene.characters)
    if not complete and len(characters) > 1 and dice.chance(0.4):
        characters = dice.sample(characters, len(characters) - 1)
    elif dice.chance(0.5):
        characters = characters[::-1]
    stated: set[tuple[str, str, str]] = set()
    phrases = []
    for c in characters:
        text, said = _character(c, dice, keep, place_it=complete or dice.chance(0.5))
        phrases.append(text)
        stated |= {(f"character:{c.position}", k, getattr(c, k)) for k in said}
    setting, said = _setting(scene, dice, keep)
    stated |= {("scene", k, getattr(scene, k)) for k in said}
    body = dice.pick(JOIN).join(phrases) if len(phrases) == 2 else ", ".join(phrases)
    where = " ".join(setting)
    if where and dice.chance(0.4):
        sentence = f"{where}, {body}"
    else:
        sentence = f"{body}, {where}" if where else body
    if scene.things and dice.chance(keep):
        sentence += ". " + _things(scene.things, dice)
        for t in scene.things:
            who = f"thing:{t.position}"
            stated |= {(who, "kind", t.kind), (who, "colour", t.colour)}
    return Caption(sentence + ".", frozenset(stated))


def caption(scene: Scene, key: int = 0, complete: bool = True) -> str:
    """The text of `describe`: lower case, words of the world's vocabulary only."""
    return describe(scene, key, complete).text
