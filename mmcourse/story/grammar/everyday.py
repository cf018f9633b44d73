"""What people write to a storyteller that the world's lexicon does not read: words with a letter
wrong, what is denied, what was lost, friends, creatures of tales, and an end.

Everything here makes one text of another, for the world's parser, and says what it did.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from mmcourse.story.grammar.going import still
from mmcourse.storyworld.language.lexicon import Reading, Refused, read_prompt
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice

CREATURES = {
    "dragon": "frog", "dinosaur": "frog", "dino": "frog", "alien": "frog", "mermaid": "frog",
    "monster": "bear", "yeti": "bear", "troll": "bear", "ogre": "bear", "snowman": "bear",
    "unicorn": "elephant", "giant": "elephant", "robot": "mouse",
    "fairy": "mouse", "elf": "mouse", "goblin": "mouse", "pixie": "mouse", "ghost": "owl",
    "vampire": "owl", "phoenix": "owl", "griffin": "owl",
}  # fmt: skip
"""Who lives in tales and not in the world, by the animal that plays them."""
FORMS = ("with", "next to", "is", "a", "an", "the", "wears", "gives", "and", "animals")
"""Readings that tell a reader nothing: "meets" is "next to" for the parser alone."""
THE = r"(?:a|an|the|my|his|her|its|their|this|that)"
NEVER = (
    r"\b(?:can ?not|can['\u2019]?t|could(?: not|n['\u2019]?t)|do(?:es)?(?: not|n['\u2019]?t)|"
    r"did(?: not|n['\u2019]?t)|will not|won['\u2019]?t|never)\s+"
)
LOST = rf"(?:{NEVER}(?:find|see)|\b(?:(?:has|had|have)\s+)?(?:lost|loses?|misses))\s+(?={THE}\b)"
DENIED = rf"{NEVER}[^,.;!?]*?(?=\s+(?:is|was|and|but|so|because|or)\b|[,.;!?]|$)"
HUG = r"\bg(?:ives?|ave|iving)\s+((?:\S+\s+){1,3}?)a\s+(?:\w+\s+)?(?:hug|cuddle|kiss|squeeze)\b"
FRIENDS = (
    r"\b(?:(?:are|were|is|be|become|became|becomes|make|makes|made|stay|have become)\s+)"
    r"(?:now\s+)?(?:(?:the|very|best|good|great)\s+)*friends?\b(?!\s+(?:who|that|called|named))"
    r"(?:\s+(?:again|now|forever))?(?:\s+with)?"
)
HIS_FRIEND = r"\b(?:his|her|my|their)\s+(?:(?:best|good|old|dear|little)\s+)*friend\b"
TWO = r"\btwo\s+(?:(?:best|good|little|small|old)\s+)*(?:friends|animals|pals|buddies)\b"
END = r"^\W*(?:and\s+)?(?:the end|(?:they|she|he)?\s*(?:all\s+)?lived? happily ever after)\W*$"
TO_BED = r"(?:,| and| then)*\s+(?:go(?:es)?|went|falls?|fell)\s+(?:to\s+(?:sleep|bed)|asleep)\b"
BARE = r"\b(is|are|was|were|does|do|did|could|wo|has|have|had)nt\b"
"""Without the apostrophe."""
WHO_IS = (
    r"(\b(?:comes?|came|appears?|arrives?)\b[^.,!?]*?\s)"
    r"and\s+(?:he|she|it)\s+(?=(?:is|was|feels|looks)\b)"
)
"""Who has just come is meant, and nobody who was there before."""
STONE = r"\b(?:(?:magic|shiny|little|big|pretty|round)\s+)*(?:stone|pebble|rock)\b"


@dataclass(frozen=True)
class Everyday:
    """A text for the parser, and what was read in it besides.

    read: (what was typed, what it is read as); left: what was left out.
    lost: a thing that is named was lost; friends: somebody makes friends; asleep: somebody goes
    to bed; ends: it is the end.
    """

    text: str
    read: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()
    lost: bool = False
    friends: bool = False
    ends: bool = False
    asleep: bool = False

    def noted(self, reading: Reading) -> Reading:
        """A reading that says all of it: without the parser's own forms, and without standing
        where somebody does what no picture shows."""
        undrawn = self.undrawn(reading)
        read = [x for x in reading.substitutions if x[0] not in undrawn and x[1] not in FORMS]
        read = [x for x in read if not x[1].endswith((" a", " an", " the"))]
        left = dict.fromkeys((*reading.left_out, *undrawn, *self.left))
        return replace(
            reading,
            substitutions=tuple(dict.fromkeys((*self.read, *read))),
            left_out=tuple(left),
            refused=tuple(_unlike(x) for x in reading.refused),
        )

    @staticmethod
    def undrawn(reading: Reading) -> tuple[str, ...]:
        """Words that the lexicon reads as standing, though nobody stands: "sings"."""
        return tuple(a for a, b in reading.substitutions if b == "standing" and not still(a))


def _unlike(x: Refused) -> Refused:
    """Without the animals and the thing that are named where no word is near."""
    far = x.nearest == (*v.SPECIES[:2], *v.KINDS[:1])
    return replace(x, nearest=()) if far else x


def everyday(text: str) -> Everyday:
    """Read what people write."""
    read: list[tuple[str, str]] = []
    left: list[str] = []

    def say(typed: str, words: str) -> str:
        read.append((typed.lower(), words))
        return words

    def leave(m: re.Match[str]) -> str:
        left.append(m[0].lower())
        return " "

    if re.search(END, text, re.IGNORECASE):
        return Everyday("", ends=True)
    text = re.sub(BARE, r"\1n't", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:any ?more|because|ice[- ]?creams?)\b", leave, text, flags=re.IGNORECASE)
    text = re.sub(WHO_IS, r"\1and ", text, flags=re.IGNORECASE)
    text = re.sub(r"[^\W\d_]+", lambda m: _mended(m, say), text)
    two = re.search(TWO, text, re.IGNORECASE)
    if two:
        a = Dice("two friends", text).pick(v.SPECIES)
        b = Dice("two friends", text, a).pick([x for x in v.SPECIES if x != a])
        text = text.replace(two[0], f"the {a} and the {b}")
        say(two[0], f"{a} and {b}")
    text = re.sub(HUG, r"hugs \1", text, flags=re.IGNORECASE)
    text, asleep = re.subn(TO_BED, ". she is sleeping", text, flags=re.IGNORECASE)
    text = re.sub(_creatures(), lambda m: _creature(m, say), text, flags=re.IGNORECASE)
    text, lost = re.subn(LOST, "with ", text, flags=re.IGNORECASE)
    text = re.sub(DENIED, leave, text, flags=re.IGNORECASE)
    text, friends = re.subn(FRIENDS, " next to " if "friends with" in text else " ", text,
                            flags=re.IGNORECASE)  # fmt: skip
    theirs = re.search(HIS_FRIEND, text, re.IGNORECASE)
    text = re.sub(rf"{THE} {STONE}", leave, text, flags=re.IGNORECASE)
    return Everyday(" ".join(text.split()), tuple(read), tuple(left), bool(lost),
                    bool(friends or theirs or two), asleep=bool(asleep))  # fmt: skip


@cache
def _creatures() -> str:
    return rf"\b(?<!be a )(?<!as a )(?<!like a )({'|'.join(CREATURES)})(s?)\b(?! kite)"


def _creature(m: re.Match[str], say: Callable[[str, str], str]) -> str:
    return say(m[0], CREATURES[m[1].lower()]) + (m[2] and "s")


def _mended(m: re.Match[str], say: Callable[[str, str], str]) -> str:
    right = mended(m[0]) if m[0].islower() else None
    return say(m[0], right) if right else m[0]


@cache
def mended(word: str) -> str | None:
    """What a word is that no one knows, if it is one of the world's with a letter wrong: one inner
    letter left out, one twice, two in the wrong order, a vowel for another, f for ph, k for c."""
    if len(word) < 3 or word in ("scar", "muse") or read_prompt(word).ok:
        return None
    values = {x for values in v.ATTRIBUTES.values() for x in values} - {"none"}
    words = sorted({*values, "friend", "friends", "finds", "found", "beautiful"})
    one = next((w for w in words if _wrong(word, w)), None)
    many = next((f"{w}s" for w in words if word[-1] == "s" and _wrong(word[:-1], w)), None)
    return one or many


def _wrong(typed: str, right: str) -> bool:
    """Whether a word was typed that has one letter wrong."""
    typed = typed.replace("f", "ph") if "ph" in right and "ph" not in typed else typed
    if typed == right or (typed[0] == "k" and "c" + typed[1:] == right):
        return True
    if len(right) < 5 and not (len(typed) == len(right) + 1 and len(right) > 2):
        return False
    n = range(1, len(right) - 1)
    left_out = any(right[:i] + right[i + 1 :] == typed for i in (*n, len(right) - 1))
    twice = any(right[: i + 1] + right[i:] == typed for i in range(len(right)))
    order = any(right[:i] + right[i + 1] + right[i] + right[i + 2 :] == typed for i in n)
    other = [i for i, (a, b) in enumerate(zip(typed, right, strict=False)) if a != b]
    vowel = (len(typed) == len(right) > 5 and len(other) == 1
             and {typed[other[0]], right[other[0]]} <= set("aeiou"))  # fmt: skip
    return left_out or twice or order or vowel


def spoken_of(text: str, cast: dict[str, str]) -> list[str]:
    """Who of a story is spoken of, beside whom the parser finds something to say.

    Args:
        text: what was typed.
        cast: everybody's species, by name, the hero first.
    """
    found = [x for x in cast if re.search(rf"(?<!\w){re.escape(x)}(?!\w)", text)]
    for name, species in cast.items():
        alone = [*cast.values()].count(species) == 1
        if alone and re.search(rf"\bthe (?:\w+ )?{species}\b", text, re.IGNORECASE):
            found.append(name)
    return list(dict.fromkeys(found))


def both(text: str) -> bool:
    """Whether a text is about more than the hero, without names."""
    return re.search(r"\b(?:they|both|together|everyone|everybody|each other|we|us)\b", text,
                     re.IGNORECASE) is not None  # fmt: skip
