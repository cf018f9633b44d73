"""A scene in a dozen words: what a small prior can learn to follow."""

from __future__ import annotations

from mmcourse.storyworld import Scene
from mmcourse.storyworld.language import words as w


def brief(scene: Scene) -> str:
    """Who is there, where, when and in which weather: "a red fox and a blue owl on the beach at
    night in the rain". The words are those of captions; accessories, moods, actions, things,
    styles and cameras are left out."""
    who = " and ".join(f"{w.article(c.colour)} {c.species}" for c in scene.characters)
    where, when, weather = w.PLACE[scene.place][0], w.TIME[scene.time][0], w.WEATHER[scene.weather]
    return f"{who} {where} {when} {weather[0]}".strip()
