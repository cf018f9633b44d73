"""The course's own illustrator: chapter 5's transformer, which is told a scene and shown a hero.

What it draws, chapter 3's eye checks (see `tiny_eye`); the exact renderer is never asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmcourse.story.abilities import Drawn, DrawRequest, ExtractRequest, Reference
from mmcourse.story.pixels import cut_out
from mmcourse.story.staging import people, scene_of
from mmcourse.storyworld.world.scene import Scene

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 2
"""So many heroes are shown to the model at most."""


class DitIllustrator:
    """Draws a scene from its complete caption, and one of those in it from an earlier picture.

    A picture has the size that its latents decode to, and is enlarged to what was asked for. The
    same request gives the same picture.

    Args:
        weights: of a `DiT`, a shipped name or a folder.
    """

    def __init__(self, weights: str = "dit") -> None:
        self.weights = weights

    @cached_property
    def parts(self) -> tuple[Any, Any, Any]:
        """(model, autoencoder, reader of captions), loaded when something is first drawn."""
        from mmcourse.diffusion.draw import companions
        from mmcourse.dit.model import DiT
        from mmcourse.training import pick_device

        device = pick_device()
        model = DiT.from_pretrained(self.weights, device=str(device)).eval()
        return model, *companions(model, device)

    def draw(self, request: DrawRequest) -> Iterator[float | Drawn]:
        """A share after each step of the sampler, and the picture. Nothing checks whether it is
        fit to be seen: the world that it learned from holds nothing else.

        Raises:
            ValueError: a text of which nothing can be drawn, a view from elsewhere, or a size that
                no picture has.
        """
        import torch
        from PIL import Image as pil

        from mmcourse.dit.draw import reference_of
        from mmcourse.dit.generate import steps_to_pictures, way_of
        from mmcourse.pictures import to_bytes
        from mmcourse.storyworld.language.captions import caption

        if request.view:
            raise ValueError(
                f"the course's transformer draws from the front alone, got {dict(request.view)}: "
                "ask the world's own pen for views"
            )
        if request.size < 1:
            raise ValueError(f"a picture has a side of 1 pixel or more, got {request.size}")
        scene = staged(request)
        model, latents, reader = self.parts
        way = way_of(model)
        shown = shown_heroes(request)
        reference = None
        if shown:
            with torch.no_grad():
                vectors = [reference_of(picture, self.encoder) for picture in shown]
            reference = torch.stack(vectors, 1)  # (1, R, D)
        x = None
        steps = steps_to_pictures(model, reader, [caption(scene)], way, [request.seed], reference)
        for i, step in enumerate(steps, start=1):
            x = step.x
            yield min(1.0, i / (way.steps + 1))
        pixels = to_bytes(latents.decode(x))[0].movedim(0, -1).cpu().numpy()
        picture = pil.fromarray(pixels)
        if picture.width != request.size:
            picture = picture.resize((request.size, request.size), pil.Resampling.LANCZOS)
        yield Drawn(picture, "unchecked")

    @cached_property
    def encoder(self) -> Any:
        """The reader of portraits, loaded when somebody is first drawn again."""
        from mmcourse.dit.generate import encoder_of

        model = self.parts[0]
        return encoder_of(model, next(model.parameters()).device)


def staged(request: DrawRequest) -> Scene:
    """The scene that is to be drawn, in the style that was asked for.

    Raises:
        ValueError: a text of which nothing can be drawn.
    """
    from mmcourse.story.backends.world_reader import WorldExtractor

    staging = request.staging or WorldExtractor().extract(ExtractRequest(request.prompt)).staging
    scene = scene_of(staging)
    if scene is None:
        raise ValueError(
            "nothing in this text can be drawn; name an animal, a place or a thing of the world"
        )
    return replace(scene, style=request.style)


def shown_heroes(request: DrawRequest) -> list[Image]:
    """A close picture of each in the scene who was drawn before, of `MOST` at most.

    The model was trained with one portrait a picture. Two it takes less well than one, and far
    better than none.
    """
    here = people(request.staging)
    found: list[Image] = []
    for reference in request.references:
        if reference.picture is not None and (not here or reference.name in here):
            box = close_box(reference)
            if box is not None:
                found.append(cut_out(reference.picture, box))
    return found[:MOST]


def close_box(reference: Reference) -> tuple[float, float, float, float] | None:
    """The square around somebody in an earlier picture, in parts of its side, framed as the
    portraits were that the model learned from; None where nobody knows where they are."""
    from mmcourse.dit.heroes import AROUND
    from mmcourse.storyworld.drawing.stage import placement

    scene, who = scene_of(reference.staging), people(reference.staging).get(reference.name)
    if scene is not None and who is not None:
        x, feet, height = placement(scene, who)
        bottom = feet + 0.03
    elif reference.box is not None:
        left, top, right, bottom = reference.box
        x, height = (left + right) / 2, max(right - left, bottom - top) / AROUND
    else:
        return None
    side = min(1.0, AROUND * height)
    left = min(max(x - side / 2, 0.0), 1 - side)
    top = min(max(bottom - side, 0.0), 1 - side)
    return left, top, left + side, top + side
