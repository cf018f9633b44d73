"""How the world says each of its values: the phrase tables that every text is written from.

The captions, questions and stories draw from these tables, the parser reads by them and the
tokenizer's vocabulary follows them. A value of `vocabulary` without words is refused when the
package is imported; a species, a kind of thing or a colour is its own word and needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcourse.storyworld.world import vocabulary as v

Table = dict[str, tuple[str, ...]]


def table(what: str, values: Sequence[str], phrases: Mapping[str, tuple[str, ...]]) -> Table:
    """The phrases of each value, in the vocabulary's order.

    Raises:
        ValueError: a value of the vocabulary that has no words.
    """
    silent = [value for value in values if not phrases.get(value)]
    if silent:
        raise ValueError(
            f"no words for {what} {', '.join(silent)}: add a line to storyworld/language/words"
        )
    return {value: phrases[value] for value in values}


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def plural(noun: str) -> str:
    """The plural of a species or a kind of thing."""
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    return noun + ("es" if noun.endswith(("x", "s", "sh", "ch")) else "s")


IRREGULAR = {"mouse": "mice", "wolf": "wolves", "leaf": "leaves", "sheep": "sheep"}
WORN = tuple(a for a in v.ACCESSORIES if a != "none")
WEARS = {a: tuple(f"{w[0]} {article(a)}{w[1]}" for w in (("wearing", ""), ("with", " on"),
                                                        ("in", ""))) for a in WORN}  # fmt: skip
BARE = ("with a bare head", "with nothing on the head", "bare-headed")
DOES = table("action", v.ACTIONS, {
    "standing": ("stands", "is standing", "stands still"),
    "waving": ("waves", "is waving", "waves hello"),
    "jumping": ("jumps", "is jumping", "leaps up"),
    "sitting": ("sits", "is sitting", "sits down"),
    "sleeping": ("sleeps", "is sleeping", "is asleep"),
})  # fmt: skip
DID = table("action", v.ACTIONS, {
    "standing": ("stood", "stood still"),
    "waving": ("waved", "waved hello"),
    "jumping": ("jumped", "leapt up"),
    "sitting": ("sat", "sat down"),
    "sleeping": ("slept", "was fast asleep"),
})  # fmt: skip
WALKS = ("walks", "is walking")
"""What one who stands does in a "follow": both are drawn with a stride."""
FEELS = table("mood", v.MOODS, {
    "happy": ("happy", "cheerful", "smiling", "merry"),
    "sad": ("sad", "tearful", "unhappy", "gloomy"),
    "angry": ("angry", "cross", "furious", "grumpy"),
    "surprised": ("surprised", "astonished", "startled", "amazed"),
})  # fmt: skip
WHERE_CHARACTER = table("position", v.POSITIONS, {
    "left": ("on the left", "at the left", "on the left side"),
    "middle": ("in the middle", "in the centre"),
    "right": ("on the right", "at the right", "on the right side"),
})  # fmt: skip
PLACE = table("place", v.PLACES, {
    "meadow": ("in the meadow", "out in the meadow", "among the hills of a meadow"),
    "forest": ("in the forest", "among the trees", "in a deep forest"),
    "beach": ("on the beach", "by the sea", "on the shore"),
    "mountains": ("in the mountains", "below the peaks", "high in the mountains"),
    "village": ("in the village", "in front of the houses", "in a small village"),
    "garden": ("in the garden", "among the flower beds", "by the garden fence"),
    "pond": ("at the pond", "by the reeds", "beside the pond"),
})  # fmt: skip
TIME = table("time", v.TIMES, {
    "day": ("by day", "in the daytime", "in daylight"),
    "sunset": ("at sunset", "in the evening", "as the day ends"),
    "night": ("at night", "in the dark", "under the night sky"),
})  # fmt: skip
WEATHER = table("weather", v.WEATHERS, {
    "clear": ("in clear weather", "in dry weather", "in fine weather"),
    "rain": ("in the rain", "while it rains", "as rain falls"),
    "snow": ("in the snow", "while it snows", "as snow falls"),
})  # fmt: skip
STYLE = table("style", v.STYLES, {
    "flat": ("in cut paper", "made of cut paper"),
    "watercolour": ("in watercolour", "painted in watercolour"),
    "neon": ("in neon", "drawn in neon"),
    "sketch": ("in pencil", "sketched in pencil"),
})  # fmt: skip
CAMERA = table("camera", v.CAMERAS, {
    "medium": ("from a few steps away", "from further back"),
    "close": ("from close by", "from very near", "in a close view"),
})  # fmt: skip
QUIET = {"style": "flat", "camera": "medium", "accessory": "none"}
"""What a complete caption may leave unsaid: silence means this value."""

ACTS = table("interaction", v.INTERACTIONS, {
    "give": ("gives", "hands", "offers"),
    "follow": ("follows", "walks behind", "trails after"),
    "hug": ("hugs", "cuddles", "embraces"),
    "quarrel": ("quarrels with", "argues with", "squabbles with"),
})  # fmt: skip
TOGETHER = table("mutual interaction", v.MUTUAL, {
    "hug": ("hug", "cuddle"),
    "quarrel": ("quarrel", "argue"),
})  # fmt: skip
"""Interactions that two do to each other: "a fox and a bear hug"."""
ACTED = table("interaction", v.INTERACTIONS, {
    "give": ("gave", "handed", "offered"),
    "follow": ("followed", "walked behind", "trailed after"),
    "hug": ("hugged", "cuddled", "embraced"),
    "quarrel": ("quarrelled with", "argued with", "squabbled with"),
})  # fmt: skip

RELATIONS: Table = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "next to": ("next to", "beside", "close to"),
    "in front of": ("in front of",),
    "between": ("between",),
}
NUMBERS: Table = {"0": ("no",), "1": ("one",), "2": ("two",), "3": ("three",)}
COUNTS: Table = {"2": ("two animals", "two creatures"), "3": ("three animals", "three creatures")}

SHE = ("Alma", "Clover", "Dot", "Fern", "Hazel", "Iris", "Juno", "Lark", "Nell", "Olive",
       "Rue", "Tansy", "Una", "Zuri")  # fmt: skip
PRONOUNS = {n: ("she", "her", "her") if n in SHE else ("he", "him", "his") for n in v.NAMES}
"""Who each name is in a story: subject, object and possessive."""

LIES = {"balloon": "floats", "kite": "floats", "flower": "grows", "mushroom": "grows",
        "lantern": "shines"}  # fmt: skip
"""The verbs of things that do anything but lie there."""
THERE = ("there is", "we see")
JOIN = (" while ", " and ", "; ")

TIME_TOLD = table("time", v.TIMES, {
    "day": ("day", "daytime"),
    "sunset": ("evening", "sunset"),
    "night": ("night", "a dark night"),
})  # fmt: skip
WEATHER_TOLD = table("weather", v.WEATHERS, {
    "clear": ("the weather was clear", "the weather was fine"),
    "rain": ("it was raining", "rain was falling"),
    "snow": ("it was snowing", "snow was falling"),
})  # fmt: skip
