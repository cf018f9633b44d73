"""Illustrator, captioner and encoder of the world: the renderer, the record, chapter 1's towers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mmcourse.story.abilities import (
    Captioned,
    CaptionRequest,
    Drawn,
    DrawRequest,
    ExtractRequest,
)
from mmcourse.story.backends.towers import Towers
from mmcourse.story.backends.world_reader import WorldExtractor
from mmcourse.story.facts import Fact
from mmcourse.story.staging import in_words, scene_of
from mmcourse.storyworld.world.facts import facts as scene_facts
from mmcourse.storyworld.world.scene import Scene


class WorldIllustrator:
    """Draws a scene exactly, in four styles, at any size, from any view.

    Whoever has been drawn before keeps their identity, whatever the staging says.
    """

    def draw(self, request: DrawRequest) -> Iterator[float | Drawn]:
        """One sign of progress and the picture.

        Raises:
            ValueError: a text of which nothing can be drawn, or a style, size or view that does not
                exist.
        """
        from mmcourse.storyworld.drawing.render import render
        from mmcourse.storyworld.drawing.views import View

        staging = request.staging
        if not staging:
            staging = WorldExtractor().extract(ExtractRequest(request.prompt)).staging
        scene = scene_of(staging)
        if scene is None:
            raise ValueError(
                "nothing in this text can be drawn; name an animal, a place or a thing of the world"
            )
        known = {r.name: r.identity for r in request.references if r.identity}
        people = tuple(replace(c, identity=known.get(c.name, c.identity)) for c in scene.characters)
        scene = replace(scene, characters=people, style=request.style)
        yield 0.1
        view = View(**request.view)  # type: ignore[arg-type]
        yield Drawn(render(scene, request.size, view=view), "drawn by rule")


class WorldCaptioner:
    """Describes a picture from its record, exactly; any other by looking, as well as it can."""

    def __init__(self, towers: Towers) -> None:
        self.towers = towers

    def caption(self, request: CaptionRequest) -> Captioned:
        """Words from a picture, with where they come from."""
        scene = scene_of(request.staging)
        if scene is not None:
            return Captioned(
                in_words(request.staging),
                named_facts(scene),
                True,
                "the record of the picture",
                request.staging,
            )
        return self.towers.caption(request.picture)


def named_facts(scene: Scene) -> tuple[Fact, ...]:
    """The facts of a scene, with characters by name and things by their looks."""
    who = {f"character:{c.position}": c.name for c in scene.characters}
    who |= {f"thing:{t.position}": f"{t.colour} {t.kind}" for t in scene.things}
    found = sorted(scene_facts(scene))
    return tuple(Fact(who.get(a, a), k, who.get(b, b)) for a, k, b in found)
