"""Somebody's portrait: who they are at a scene, in words and, where it can be, exactly."""

from __future__ import annotations

from mmcourse.story.facts import PLAYED
from mmcourse.story.staging import called
from mmcourse.story.state import State
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import Character, Scene


def portrait_of(name: str, state: State, style: str = "flat") -> tuple[str, str]:
    """(in words, staging): a close view of a character as they look and feel at a scene. The
    staging is empty where their looks are not the world's."""
    looks, mood = state.looks(name), state.mood(name)
    what = " ".join(filter(None, (looks.get("colour"), looks.get("species")))) or "somebody"
    words = f"A portrait of {name}, {'an' if what[0] in 'aeiou' else 'a'} {what}"
    if looks.get("accessory", "none") != "none":
        words += f" with a {looks['accessory']}"
    words += f", {mood}." if mood else "."
    who = as_character(name, state)
    if who is None:
        return words, ""
    setting = {k: x for k, x in state.setting().items() if x}
    try:
        scene = Scene((who,), **setting, style=style, camera="close")  # type: ignore[arg-type]
    except ValueError:  # a place or a weather that is not the world's
        scene = Scene((who,), style=style, camera="close")
    return words, called(scene.to_json(), {who.name: name} if who.name != name else {})


def as_character(name: str, state: State) -> Character | None:
    """Somebody as the world draws them, standing; None where their looks are not the world's."""
    looks, mood = state.looks(name), state.mood(name)
    try:
        return Character(
            looks["species"],
            looks["colour"],
            looks.get("accessory", "none"),
            mood if mood in v.MOODS else "happy",
            name=state.value(name, PLAYED) or name,
            identity=state.identity(name),
        )
    except (KeyError, ValueError):
        return None
