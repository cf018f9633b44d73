"""The checker of pictures that a network drew: chapter 3's eye, shown what was asked and what not.

Asked what it sees, the eye can be wrong without a doubt: where two attributes meet that its
training never showed together, it reads the wrong one off a perfect drawing. So it isn't asked. It
is shown the picture, the world's own drawing of what was asked and, where it has a suspicion, one
with the change that it suspects; to which of the two is the picture nearer, in the features of its
patches? What it misreads in the picture it misreads in the drawing as well. Other hills and other
stripes than the drawing's hardly matter, since they are no step towards the change.

It is not the judge, which measures how well all of this works, and saw other pictures.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from mmcourse.story.abilities import CheckRequest, Finding
from mmcourse.story.backends.tiny_eye_changes import SIDE
from mmcourse.story.backends.tiny_eye_limits import Limits
from mmcourse.story.backends.tiny_eye_page import Held
from mmcourse.story.backends.world_checker import copied, expected, small

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from mmcourse.storyworld.world.scene import Scene

KEPT = 128
"""Drawings that are remembered: the next try of a page is held against the same."""


class EyeChecker:
    """Holds a picture against what was asked for and against single changes of it.

    The distance of a finding is twice the way from what was asked to the change, in parts of what
    is tolerated, see `distance`. Where there was no suspicion, or nothing was seen, it is 0.

    Args:
        weights: of `Features`, a shipped name or a folder.
        limits: from where on there is a fault.
    """

    def __init__(self, weights: str = "features", limits: Limits | None = None) -> None:
        self.weights, self.limits = weights, limits or Limits()
        self.drawn = lru_cache(maxsize=KEPT)(self._drawn)

    @cached_property
    def eye(self) -> Any:
        """The network, loaded when something is first checked."""
        from mmcourse.vqgan.features import Features

        return Features.from_pretrained(self.weights).eval()

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """A finding for each attribute of the setting, for everybody's presence and attributes, for
        strangers, sides, and old pictures; and in words, what was not or cannot be measured."""
        if not request.staging:
            copies = copied(request, small(request.picture))
            return (*copies, Finding("facts", True, found="not measured: nobody staged this"))
        return self.findings(request, self.look(request.picture))

    def findings(self, request: CheckRequest, seen: Tensor) -> tuple[Finding, ...]:
        """`check` of a staged picture of which it is known what the eye makes of it, see `look`."""
        scene = expected(request)
        assert scene is not None
        page = Held(self, scene, seen)
        out = [*page.old_pictures(request), *page.attributes()]
        out += [page.presence(c) for c in scene.characters]
        out += [page.nobody_else(), page.sides()]
        known = {r.name for r in request.references}
        for c in scene.characters:
            if c.name in known:
                found = "not measured: the eye knows no identities"
                out.append(Finding(f"identity of {c.name}", True, c.name, found))
        if scene.things or scene.interaction:
            found = "not measured: the eye is not shown other things or other deeds"
            out.append(Finding("things and deeds", True, found=found))
        return tuple(out)

    def look(self, picture: Image) -> Tensor:
        """What the eye makes of each patch, (C, SIDE / 8, SIDE / 8)."""
        import torch

        from mmcourse.pictures import to_tensor

        with torch.no_grad():
            return self.eye(to_tensor(picture, SIDE)[None])[-1][0]

    def _drawn(self, scene: Scene, turned: bool = False) -> Tensor:
        """The same of the world's own drawing of a scene; turned, left and right are exchanged."""
        from PIL import ImageOps

        from mmcourse.storyworld.drawing.render import render

        picture = render(scene, SIDE)
        return self.look(ImageOps.mirror(picture) if turned else picture)

    def says(self, question: str, features: Tensor) -> Tensor:
        """Log-probabilities of the answers to a question about each patch, (values, h, w)."""
        import torch

        with torch.no_grad():
            head = self.eye.heads[question.replace(".", "_")]
            return head(features[None])[0].log_softmax(0)
