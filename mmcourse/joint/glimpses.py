"""Captions as short as those of the web: one animal, and one or two things about it."""

from __future__ import annotations

from mmcourse.storyworld import Caption, Scene
from mmcourse.storyworld import words as w
from mmcourse.storyworld.dice import Dice
from mmcourse.storyworld.facts import CHARACTER, Fact, interaction_facts

SETTING = {"place": w.PLACE, "time": w.TIME, "weather": w.WEATHER}


def glimpse(scene: Scene, key: int = 0) -> Caption:
    """One animal of the scene, with one or two of its attributes or of those of its surroundings.

    "A cross fox", "a fox in a hat is waving", "a fox at night". It is true of many pictures, so
    whoever trains on it has to know of which; in return, every detail is asked for by itself.

    Args:
        scene: what is glimpsed.
        key: another key, another choice.

    Returns:
        the caption, see `storyworld.describe`.
    """
    dice = Dice("glimpse", scene.fingerprint(), key)
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
    phrases += [dice.pick(SETTING[k][getattr(scene, k)]) for k in SETTING if k in about]
    said: set[Fact] = {
        ("scene", k, getattr(scene, k)) if k in SETTING else ("character 1", k, getattr(animal, k))
        for k in about | {"species"}
    }
    facts = {(who if name == "character 1" else name, k, x) for name, k, x in said}
    return Caption(w.article(" ".join(phrases)), frozenset(facts), frozenset(said))
