"""What else a page might show instead: the scene with one thing changed, ready to be drawn.

Where several characters are in doubt about the same attribute, one drawing changes all of them, for
each is looked at in the part of the picture where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import Character, Scene

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 128
"""Pixels at which the eye looks."""
PATCH = 8
"""Side of what it is asked about."""


@dataclass(frozen=True)
class Doubt:
    """What a page might show instead of what was asked.

    attribute: of whom or what. position: whose; "" for an attribute of the whole page. asked: its
    value. instead: other values, the likeliest first.
    """

    attribute: str
    position: str
    asked: str
    instead: tuple[str, ...] = ()


def together(
    scene: Scene, attribute: str, new: Mapping[str, str]
) -> list[tuple[Scene, tuple[str, ...]]]:
    """Scenes in which an attribute has new values, each with the positions where it has: one scene
    for all if there can be such a scene, else one for each; none for what cannot be.

    Args:
        scene: as it was asked for.
        attribute: of characters, or of the page.
        new: the new value by position; by "" that of the page.
    """
    if "" in new:
        return [(replace(scene, **{attribute: new[""]}), ("",))]  # type: ignore[arg-type]
    order = tuple(p for p in v.POSITIONS if p in new)
    found = _changed(scene, attribute, new)
    if found is not None:
        return [(found, order)]
    alone = ((_changed(scene, attribute, {p: new[p]}), p) for p in order)
    return [(one, (p,)) for one, p in alone if one is not None]


def _changed(scene: Scene, attribute: str, new: Mapping[str, str]) -> Scene | None:
    """The scene with new values; if those who act together could not any more, they stop."""
    for act in (scene.interaction, None):
        try:
            cast = tuple(
                replace(c, **{attribute: new[c.position]}) if c.position in new else c  # type: ignore[arg-type]
                for c in scene.characters
            )
            return replace(scene, characters=cast, interaction=act)
        except ValueError:  # nobody sleeps angry, two of one look, who hugs stands
            continue
    return None


def without(scene: Scene, who: Character) -> Scene | None:
    """The page without somebody; None if nobody would be left, for there is no such scene."""
    if len(scene.characters) < 2:
        return None
    rest = tuple(c for c in scene.characters if c is not who)
    act = scene.interaction
    return replace(
        scene,
        characters=rest,
        interaction=act if act and who.position not in (act.by, act.to) else None,
    )


def with_one_more(scene: Scene, position: str, species: str, colour: str) -> Scene | None:
    """The page with a stranger of this look at a free position; None if there is no such scene."""
    called = {c.name for c in scene.characters}
    name = next(n for n in v.NAMES if n not in called)
    for act in (scene.interaction, None):
        try:
            more = Character(species, colour, position=position, name=name)
            return replace(
                scene, characters=(*scene.characters, more), camera="medium", interaction=act
            )
        except ValueError:  # somebody of this look is there, or stands between two who act
            continue
    return None


def patches_of(scene: Scene, who: Character) -> Tensor:
    """(SIDE / PATCH, SIDE / PATCH) bool: patches that are mostly theirs in the exact drawing; if
    they have none to themselves, those that show anything of them."""
    import torch
    from torch.nn.functional import avg_pool2d

    from mmcourse.storyworld.drawing.depth import LABELS, segmentation

    theirs = torch.from_numpy(
        segmentation(scene, SIDE) == LABELS.index(f"character:{who.position}")
    )
    share = avg_pool2d(theirs[None, None].float(), PATCH)[0, 0]
    return share > 0.5 if bool((share > 0.5).any()) else share > 0


def part_of(scene: Scene, who: Character) -> Tensor:
    """(SIDE / PATCH, SIDE / PATCH) bool: the columns of patches that are nearer to somebody than to
    anybody else."""
    import torch

    from mmcourse.storyworld.drawing.stage import placement

    side = SIDE // PATCH
    middles = (torch.arange(side) + 0.5) / side
    away = {c.position: (middles - placement(scene, c)[0]).abs() for c in scene.characters}
    nearest = torch.stack(list(away.values())).amin(0)
    return (away[who.position] <= nearest).expand(side, side)


def around(where: Tensor) -> Tensor:
    """Patches and their neighbours, (h, w) bool."""
    from torch.nn.functional import max_pool2d

    return max_pool2d(where[None, None].float(), 3, 1, 1)[0, 0] > 0
