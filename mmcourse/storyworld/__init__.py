"""StoryWorld: a small world of illustrated scenes whose truth is exact.

Every picture, caption and fact of the course comes from here. A scene is frozen data; `render`
draws it, `caption` describes it, `facts` lists what is true in it. Beside these,
questions are asked in `asking`, stories told in `tell`, texts read back in `parse` and `check`,
everyday words in `lexicon`, pictures in `judge`, and scenes looked at otherwise in `views`, `depth`
and `animate`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmcourse.storyworld.dataset import StoryWorld, from_bytes, render_bytes, to_pixels
    from mmcourse.storyworld.drawing.render import render
    from mmcourse.storyworld.drawing.views import View
    from mmcourse.storyworld.language.captions import Caption, caption, describe, facts
    from mmcourse.storyworld.language.tokenizer import Tokenizer
    from mmcourse.storyworld.world.families import sample_family
    from mmcourse.storyworld.world.sampling import held_out, held_out_pairs, sample_scene
    from mmcourse.storyworld.world.scene import Character, Interaction, Scene, Thing
    from mmcourse.storyworld.world.vocabulary import ATTRIBUTES

__all__ = [
    "ATTRIBUTES",
    "Caption",
    "Character",
    "Interaction",
    "Scene",
    "StoryWorld",
    "Thing",
    "Tokenizer",
    "View",
    "caption",
    "describe",
    "facts",
    "from_bytes",
    "held_out",
    "held_out_pairs",
    "render",
    "render_bytes",
    "sample_family",
    "sample_scene",
    "to_pixels",
]

_WHERE = {
    "dataset": ("StoryWorld", "from_bytes", "render_bytes", "to_pixels"),
    "drawing.render": ("render",),
    "drawing.views": ("View",),
    "language.captions": ("Caption", "caption", "describe", "facts"),
    "language.tokenizer": ("Tokenizer",),
    "world.families": ("sample_family",),
    "world.sampling": ("held_out", "held_out_pairs", "sample_scene"),
    "world.scene": ("Character", "Interaction", "Scene", "Thing"),
    "world.vocabulary": ("ATTRIBUTES",),
}


def __getattr__(name: str) -> object:
    """Load a room when something of it is asked for: only the data set needs PyTorch."""
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
