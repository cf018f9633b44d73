"""The true answer to a question, by looking at the scene: one function for each way to ask.

Each takes a scene and the question's content words and returns the answer, or None where the
question would be unclear: "what colour is the fox?" of two foxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmcourse.storyworld.world.facts import relations
from mmcourse.storyworld.world.scene import Character, Scene, Thing

Content = Mapping[str, str]
Truth = Callable[[Scene, Content], str | None]
YES_NO = ("yes", "no")
NOTHING, NOBODY = "nothing", "nobody"


def missing(noun: str) -> str:
    """The answer to a question about somebody who isn't there."""
    return f"there is no {noun}"


def only(scene: Scene, noun: str) -> Character | Thing | str | None:
    """The one that a noun means in a scene, the answer that it is missing, or None if unclear."""
    found: list[Character | Thing] = [c for c in scene.characters if c.species == noun]
    found += [t for t in scene.things if t.kind == noun]
    if len(found) > 1:
        return None
    return found[0] if found else missing(noun)


def attribute(name: str, rename: Mapping[str, str] | None = None) -> Truth:
    def truth(scene: Scene, content: Content) -> str | None:
        found = only(scene, content.get("who") or content["what"])
        if found is None or isinstance(found, str):
            return found
        value = getattr(found, name)
        return (rename or {}).get(value, value)

    return truth


def action(scene: Scene, content: Content) -> str | None:
    """What somebody does alone; whoever deals with another does that, and isn't asked."""
    act = scene.interaction
    busy = [scene.at(p).species for p in (act.by, act.to)] if act is not None else []
    return None if content["who"] in busy else attribute("action")(scene, content)


def setting(name: str) -> Truth:
    return lambda scene, content: getattr(scene, name)


def count(matches: Callable[[Character, str], bool], most: int) -> Truth:
    def truth(scene: Scene, content: Content) -> str | None:
        n = sum(matches(c, content["value"]) for c in scene.characters)
        return str(n) if n <= most else None

    return truth


def neighbour(relation: str) -> Truth:
    def truth(scene: Scene, content: Content) -> str | None:
        found = only(scene, content["who"])
        if found is None or isinstance(found, str):
            return found
        me = f"character:{found.position}"
        there = [a for a, k, b in relations(scene) if (k, b) == (relation, me)]
        others = [scene.at(a.split(":")[1]) for a in there if a.startswith("character")]
        if len(others) > 1 or any(o.species == content["who"] for o in others):
            return None
        return others[0].species if others else NOBODY

    return truth


def is_so(name: str) -> Truth:
    def truth(scene: Scene, content: Content) -> str | None:
        found = only(scene, content["who"])
        if found is None or isinstance(found, str):
            return found
        return YES_NO[getattr(found, name) != content["value"]]

    return truth


def setting_is(name: str) -> Truth:
    return lambda scene, content: YES_NO[getattr(scene, name) != content["value"]]


def exists(scene: Scene, content: Content) -> str:
    noun, colour = content["value"], content["colour"]
    here = [*((c.species, c.colour) for c in scene.characters)]
    here += [(t.kind, t.colour) for t in scene.things]
    return YES_NO[(noun, colour) not in here]


HAPPENS = {"give": "one gives something away", "follow": "one follows another",
           "hug": "two hug", "quarrel": "two quarrel"}  # fmt: skip


def happens(scene: Scene, content: Content) -> str | None:
    if len(scene.characters) < 2:
        return None
    return HAPPENS[scene.interaction.kind] if scene.interaction else NOTHING
