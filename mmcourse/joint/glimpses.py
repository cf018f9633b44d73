"""Captions as short as those of the web: one animal or thing, and one or two things about it."""

from __future__ import annotations

from mmcourse.storyworld import Caption, Scene
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.facts import CHARACTER, Fact, interaction_facts

SETTING = {"place": w.PLACE, "time": w.TIME, "weather": w.WEATHER}


def glimpse(scene: Scene, key: int = 0, things: bool = False) -> Caption:
    """One animal of the scene, with one or two of its attributes or of those of its surroundings.

    "A cross fox", "a fox in a hat is waving", "a fox at night". It is true of many pictures, so
    whoever trains on it has to know of which; in return, every detail is asked for by itself.

    Args:
        scene: what is glimpsed.
        key: another key, another choice.
        things: whether half of the glimpses, where there is any thing, are of one: "a red kite".

    Returns:
        the caption, see `storyworld.describe`.
    """
    dice = Dice("glimpse", scene.fingerprint(), key)
    if things and scene.things and dice.chance(0.5):
        return _thing(scene, dice)
    animal = dice.pick(scene.characters)
    who = f"character:{animal.position}"
    walks = any(kind == "follow" and who in (a, b) for a, kind, b in interaction_facts(scene))
    sayable = [k for k in (*CHARACTER, *SETTING) if k != "species" and (k != "action" or not walks)]
    about = set(dice.sample(sayable, dice.pick((1, 1, 2))))
    phrases = [dice.pick(w.FEELS[animal.mood])] if "mood" in about else []
    phrases += [animal.colour] if "colour" in about else []
    phrases.append(animal.species)
    if "accessory" in about:
        phrases.append(dice.pick(w.WEARS.get(animal.accessory, w.BARE)))
    if "action" in about:
        phrases.append(dice.pick(w.DOES[animal.action]))
    told = {k: getattr(animal, k) for k in (about - set(SETTING)) | {"species"}}
    return _caption(scene, phrases, who, told, about, dice)


def _thing(scene: Scene, dice: Dice) -> Caption:
    """A thing, mostly with its colour, sometimes with what surrounds it."""
    thing = dice.pick(scene.things)
    about = {dice.pick(tuple(SETTING))} if dice.chance(0.25) else set()
    told = {"kind": thing.kind} | ({"colour": thing.colour} if dice.chance(0.7) else {})
    return _caption(scene, [*reversed(told.values())], f"thing:{thing.position}", told, about, dice)


def _caption(
    scene: Scene, phrases: list[str], who: str, told: dict[str, str], about: set[str], dice: Dice
) -> Caption:
    """The phrases, then what surrounds them; `told` is what they tell of `who`."""
    around = {k: getattr(scene, k) for k in SETTING if k in about}
    phrases = [*phrases, *(dice.pick(SETTING[k][value]) for k, value in around.items())]
    setting: set[Fact] = {("scene", k, value) for k, value in around.items()}
    facts = {(who, k, value) for k, value in told.items()} | setting
    name = f"{who.partition(':')[0]} 1"
    said = {(name, k, value) for k, value in told.items()} | setting
    return Caption(w.article(" ".join(phrases)), frozenset(facts), frozenset(said))
