"""The checker of pictures that a network drew: chapter 3's eye, asked patch by patch.

The world's checker compares pixels with an exact drawing, and no hill of a learned picture stands
where the exact one has it. The eye was taught what each patch shows and whose it is. It is not the
judge, which measures how well all of this works, and saw other pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmcourse.story.abilities import CheckRequest, Finding
from mmcourse.story.backends.world_checker import copied, expected, small
from mmcourse.storyworld.world import vocabulary as v

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from mmcourse.storyworld.world.scene import Character, Scene

SIDE = 128
"""Pixels at which the eye looks."""
PATCH = 8
"""Side of what it is asked about."""
THERE = 0.5
"""Somebody is there if the eye sees an animal on so much of where they should be."""
TOLERATED = 3.0
"""A finding passes unless another value is more than so many times as likely as what was asked
for: of a hundred true pictures of the split "val" 93 pass in all, and a single changed attribute is
noticed in 83 of a hundred or more, whichever it is."""


class EyeChecker:
    """Holds a picture against what was asked for, by what each of its patches seems to show.

    For every attribute the eye's log-probabilities are averaged, over the whole picture or where
    somebody should be; the distance is how likely the best other value is against the one that was
    asked for, in parts of what is tolerated.

    Args:
        weights: of `Features`, a shipped name or a folder.
    """

    def __init__(self, weights: str = "features") -> None:
        self.weights = weights

    @cached_property
    def eye(self) -> Any:
        """The network, loaded when something is first checked."""
        from mmcourse.vqgan.features import Features

        return Features.from_pretrained(self.weights).eval()

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """A finding for each attribute of the setting, for everybody's presence and attributes, and
        for a copied picture. Whether somebody is *themselves* the eye was never taught."""
        copies = tuple(copied(request, small(request.picture)))
        scene = expected(request)
        if scene is None:
            return (*copies, Finding("facts", True, found="not measured: nobody staged this"))
        said = self.look(request.picture)
        out = [*copies, *setting_findings(scene, said)]
        known = {r.name for r in request.references}
        for c in scene.characters:
            out += character_findings(scene, c, said)
            if c.name in known:
                found = "not measured: the eye knows no identities"
                out.append(Finding(f"identity of {c.name}", True, c.name, found))
        return tuple(out)

    def look(self, picture: Image) -> dict[str, Tensor]:
        """For each question the log-probabilities of its values on every patch, (values, h, w)."""
        import torch

        from mmcourse.pictures import to_tensor
        from mmcourse.vqgan.features import QUESTIONS

        pixels = to_tensor(picture, SIDE)[None]
        with torch.no_grad():
            answers = self.eye.answer(self.eye(pixels))
        return {k: answers[k][0].log_softmax(0) for k in QUESTIONS}


def setting_findings(scene: Scene, said: dict[str, Tensor]) -> Iterator[Finding]:
    """Place, time, weather and the like, by the mean over the picture."""
    for attribute, values in v.SCENE_ATTRIBUTES.items():
        value = str(getattr(scene, attribute))
        yield compared(attribute, value, values, said[f"scene.{attribute}"].flatten(1).mean(1))


def character_findings(scene: Scene, who: Character, said: dict[str, Tensor]) -> Iterator[Finding]:
    """Whether somebody is where they should be, and looks and feels as they should."""
    where = patches_of(scene, who)  # (h, w)
    if not bool(where.any()):
        return  # hidden altogether
    kinds = said["kind"].exp()  # (kinds, h, w)
    share = float(kinds[KIND][where].mean())
    missing = (1 - share) / THERE if share < 1 else 0.0
    found = "there" if share >= THERE else "nobody"
    yield Finding(f"presence of {who.name}", share >= THERE, "there", found, missing)
    for attribute, values in v.CHARACTER_ATTRIBUTES.items():
        mean = said[f"character.{attribute}"][:, where].mean(1)  # (values,)
        yield compared(f"{attribute} of {who.name}", str(getattr(who, attribute)), values, mean)


KIND = 2
"""The eye's kind "character", see `mmcourse.vqgan.features.KINDS`."""


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


def compared(what: str, value: str, values: tuple[str, ...], logits: Tensor) -> Finding:
    """Is the value that was asked for the likeliest?

    Args:
        what: is compared.
        value: that was asked for.
        values: all there are.
        logits: (values,), mean log-probabilities.
    """
    asked = values.index(value)
    others = logits.clone()
    others[asked] = -float("inf")
    best = int(others.argmax())
    far = float((others[best] - logits[asked]).exp()) / TOLERATED
    return Finding(what, far <= 1, value, value if far <= 1 else values[best], far)
