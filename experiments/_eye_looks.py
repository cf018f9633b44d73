"""What the eye sees on a page for `eye.py`: pictures in several forms, and records of one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from _eye_pages import ABOUT_ALL, ABOUT_SOMEBODY, Page, by_another_hand, false_scenes
from PIL import Image as pil
from PIL import ImageOps
from PIL.Image import Image
from torch import Tensor

from mmcourse.pictures import to_image, to_tensor
from mmcourse.story.abilities import CheckRequest, Finding, Reference
from mmcourse.story.backends.tiny_eye import EyeChecker
from mmcourse.story.backends.tiny_eye_changes import SIDE, part_of, patches_of, together
from mmcourse.story.backends.tiny_eye_page import Held
from mmcourse.storyworld import render
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import held_out_pairs
from mmcourse.storyworld.world.scene import Scene
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.latents import LatentAutoencoder

SHOWN = 512
"""The side of the app's pictures; the course's illustrator draws smaller ones and enlarges them."""
FORMS = ("world", "latents", "another_hand", "codes")
"""A page as the world draws it; through the round trip of latents-128; drawn with other hills and
by other identities, through the same; through the round trip of vqgan-64."""
FALSE_EACH = 5
"""False pages for each page."""
Part = dict[str, list[float]]
Looks = dict[tuple[str, str], Tensor]


@dataclass
class Press:
    """Makes pictures of scenes, in each of the `FORMS`."""

    @cached_property
    def latents(self) -> LatentAutoencoder:
        """The space that chapter 5's transformer draws in."""
        return LatentAutoencoder.from_pretrained("latents-128").eval()

    @cached_property
    def codes(self) -> VQGAN:
        """The coarser one."""
        return VQGAN.from_pretrained("vqgan-64").eval()

    @torch.no_grad()
    def print(self, scene: Scene, form: str, turned: bool, *key: int) -> Image:
        """A scene's picture, small; turned, left and right are exchanged."""
        scene = by_another_hand(scene, *key) if form == "another_hand" else scene
        picture = render(scene, 64 if form == "codes" else SIDE)
        picture = ImageOps.mirror(picture) if turned else picture
        pixels = to_tensor(picture)[None]
        if form == "codes":
            pixels = self.codes.decode(self.codes.encode(pixels))
        elif form != "world":
            pixels = self.latents.decode(self.latents.encode(pixels))
        return to_image(pixels[0])


def enlarged(picture: Image) -> Image:
    """As the app keeps it."""
    return picture.resize((SHOWN, SHOWN), pil.Resampling.LANCZOS)


def some_false(pages: Sequence[Page], number: int, seed: int, most: int) -> list[tuple[str, Scene]]:
    """So many of what can be wrong on a page, drawn by lot."""
    found = list(false_scenes(pages, number, seed))
    dice = Dice("some", pages[number].story, number)
    return dice.sample(found, min(most, len(found)))


def asked_of(pages: Sequence[Page], number: int) -> CheckRequest:
    """A page as the loop hands it to a checker, with references to those who were seen before; the
    eye asks what those showed, so their picture is any."""
    page, blank = pages[number], pil.new("RGB", (SIDE, SIDE))
    known = {c.name: c.identity for c in page.shows.characters}
    references = tuple(
        Reference(name, blank, None, pages[i].shows.to_json(), {}, known[name])
        for name, i in page.first
    )
    return CheckRequest(blank, page.facts, page.shows.to_json(), page.shows.style, references)


def absolute(checker: EyeChecker, scene: Scene, seen: Tensor) -> bool:
    """Whether a page passes if the eye is simply asked what it sees, as it was at first: an animal
    on half of where everybody should be, and no other value three times as likely as the asked."""
    whole = torch.ones(seen.shape[1:], dtype=torch.bool)
    told = [(f"scene.{a}", getattr(scene, a), x, whole) for a, x in v.SCENE_ATTRIBUTES.items()]
    for c in scene.characters:
        where = patches_of(scene, c)
        if not bool(where.any()):
            continue
        if checker.says("kind", seen).exp()[2][where].mean() < 0.5:
            return False
        told += [
            (f"character.{a}", getattr(c, a), x, where) for a, x in v.CHARACTER_ATTRIBUTES.items()
        ]
    for question, value, values, where in told:
        mean = checker.says(question, seen)[:, where].mean(1)
        if float((mean.max() - mean[values.index(value)]).exp()) > 3:
            return False
    return True


def right_name(kind: str, findings: Sequence[Finding], scene: Scene, other: Scene) -> bool:
    """Whether what is wrong is among the findings that failed."""
    failed = {f.what for f in findings if not f.passed}
    if kind in ABOUT_ALL:
        return kind in failed
    if kind in ABOUT_SOMEBODY:
        names = (c.name for c, o in zip(scene.characters, other.characters, strict=True) if c != o)
        return any(f"{kind} of {name}" in failed for name in names)
    if kind == "one missing":
        gone = {c.name for c in scene.characters} - {c.name for c in other.characters}
        return any(f"presence of {name}" in failed for name in gone)
    if kind == "looks exchanged":
        return any(what.split(" of ")[0] in ("colour", "species") for what in failed)
    names_of = {"one too many": "nobody else", "mirrored": "sides"}
    return names_of.get(kind, "new picture") in failed


def measured(checker: EyeChecker, pages: Sequence[Page], at: tuple[int, int], looks: Looks) -> Part:
    """What the checker makes of one page in every form, and of false ones: hits and trials.

    Args:
        checker: that is measured.
        pages: of a story.
        at: (number of the page, seed).
        looks: what the eye makes of each picture, by (what is wrong or "true", form).
    """
    number, seed = at
    scene, out = pages[number].shows, {}
    request = asked_of(pages, number)
    pairs = "new_pair" if held_out_pairs(scene) else "seen_pairs"
    for form in (form for kind, form in looks if kind == "true"):
        findings = checker.findings(request, looks["true", form])
        before = absolute(checker, scene, looks["true", form])
        passed = float(all(f.passed for f in findings))
        groups = (form, f"{form}_{pairs}", f"{form}_of_{len(scene.characters)}")
        for group in (*groups, f"{form}_{scene.style}", f"{form}_{scene.weather}"):
            out[f"accepted_{group}"] = [passed, 1.0]
            out[f"accepted_before_{group}"] = [float(before), 1.0]
        for f in findings:
            what = f.what.split(" of ")[0].replace(" ", "_")
            for name, hit in (("blamed", not f.passed), ("cannot_tell", "can't tell" in f.found)):
                hits, of = out.get(f"{name}_{form}_{what}", [0.0, 0.0])
                out[f"{name}_{form}_{what}"] = [hits + hit, of + 1]
    for kind, other in some_false(pages, number, seed, FALSE_EACH):
        name = kind.replace(" ", "_")
        for form in ("world", "another_hand"):
            findings = checker.findings(request, looks[kind, form])
            before = absolute(checker, scene, looks[kind, form])
            caught = float(not all(f.passed for f in findings))
            out[f"caught_{form}_{name}"] = [caught, 1.0]
            out[f"caught_before_{form}_{name}"] = [float(not before), 1.0]
            named = right_name(kind, findings, scene, other)
            out[f"named_{form}_{name}"] = [float(named), 1.0]
    return out


def looked(checker: EyeChecker, press: Press, pages: Sequence[Page], at: tuple[int, int]) -> Looks:
    """What the eye makes of a page in every form, enlarged as the app shows it."""
    number, seed = at
    key = (seed, pages[number].story, number)

    def look(scene: Scene, form: str, turned: bool = False) -> Tensor:
        return checker.look(enlarged(press.print(scene, form, turned, *key)))

    out = {("true", form): look(pages[number].shows, form) for form in FORMS}
    for kind, other in some_false(pages, number, seed, FALSE_EACH):
        for form in ("world", "another_hand"):
            out[kind, form] = look(other, form, "mirrored" in kind)
    return out


# For choosing the limits.


@dataclass
class Trial:
    """How a picture lies between what was asked and each change of one attribute.

    likelier: of each other value, see `Held.doubts`; far: how far the picture has gone to it, see
    `distance`; size: of the change. All in the order of `likelier`, the largest first.
    """

    likelier: list[float]
    far: list[float]
    size: list[float]


def trials(
    checker: EyeChecker, scene: Scene, seen: dict[str, Tensor], kind: str, other: Scene
) -> dict[str, Trial]:
    """For each picture of a page, by name, a trial of the attribute that is wrong on `other`."""
    position = ""
    if kind in ABOUT_SOMEBODY:
        both = zip(scene.characters, other.characters, strict=True)
        position = next(c.position for c, o in both if c != o)
    out = {}
    for name, features in seen.items():
        held = Held(checker, scene, features)
        for doubt, likelier in held.doubts():
            if (doubt.attribute, doubt.position) == (kind, position):
                found = list(_ways(held, doubt.instead, likelier, (kind, position)))
                if found:
                    out[name] = Trial(*(list(column) for column in zip(*found, strict=True)))
    return out


def _ways(
    held: Held, instead: Sequence[str], likelier: Sequence[float], at: tuple[str, str]
) -> Iterator[tuple[float, float, float]]:
    kind, position = at
    part = part_of(held.scene, held.scene.at(position)) if position else None
    for value, x in zip(instead, likelier, strict=True):
        for drawing, _ in together(held.scene, kind, {position: value}):
            other = held.by.drawn(drawing)
            change = other - held.asked
            size = float((change if part is None else change[:, part]).norm())
            yield x, held.towards(other, part), size
