"""Put a scene into words: thousands of phrasings, complete or partial, never untrue."""

from __future__ import annotations

from dataclasses import dataclass

from mmcourse.storyworld.language.clauses import Writer
from mmcourse.storyworld.language.words import DOES, FEELS, PLACE, TIME, WEARS, WEATHER
from mmcourse.storyworld.world.facts import Fact, facts
from mmcourse.storyworld.world.sampling import Dice
from mmcourse.storyworld.world.scene import Scene

__all__ = ["DOES", "FEELS", "PLACE", "TIME", "WEARS", "WEATHER", "Caption", "caption",
           "describe", "facts"]  # fmt: skip


@dataclass(frozen=True)
class Caption:
    """A text and the facts that it states.

    `facts` names everyone by position (see `facts.facts`), so they compare with a scene. `said`
    holds the same facts by name or order of mention, with the positions that the text gives:
    what a reader of the text alone can know, and what `parse.read` returns.
    """

    text: str
    facts: frozenset[Fact]
    said: frozenset[Fact]


def describe(scene: Scene, key: int = 0, complete: bool = True, names: bool = False) -> Caption:
    """One caption of a scene, with the facts that it states.

    Args:
        scene: what to describe.
        key: another key, another phrasing (and, if partial, another choice of facts).
        complete: say everything that the picture shows, or only some of it. In a complete caption
            silence has a meaning (`words.QUIET`): no accessory told is none worn, no style is
            flat, no camera is medium.
        names: call the characters by their names ("pip the fox").

    Returns:
        The caption; `caption(scene, key)` returns its text alone.
    """
    dice = Dice("caption", scene.fingerprint(), key, complete, *([names] if names else []))
    keep = 1.0 if complete else dice.pick((0.3, 0.5, 0.8))
    writer = Writer(scene, dice, keep, names)
    text = writer.write()
    stated = set(writer.facts)
    if complete:
        stated |= {fact for fact in facts(scene) if writer.silent(fact)}
    return Caption(text, frozenset(stated), frozenset(writer.said))


def caption(scene: Scene, key: int = 0, complete: bool = True, names: bool = False) -> str:
    """The text of `describe`: lower case, words of the world's vocabulary only."""
    return describe(scene, key, complete, names).text
