"""One picture beside what was asked, in the eye's features: what the eye finds, thing by thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from mmcourse.story.abilities import CheckRequest, Finding
from mmcourse.story.backends.tiny_eye_changes import (
    Doubt,
    around,
    part_of,
    patches_of,
    together,
    with_one_more,
    without,
)
from mmcourse.story.backends.tiny_eye_limits import Limits
from mmcourse.story.backends.world_checker import copied, small
from mmcourse.story.staging import scene_of
from mmcourse.storyworld.world import vocabulary as v

if TYPE_CHECKING:
    from torch import Tensor

    from mmcourse.storyworld.world.scene import Character, Scene

KIND = 2
"""The eye's kind "character", see `mmcourse.vqgan.features.KINDS`."""
CLEAR = 1.9
"""A `distance` that is hardly reached but by the change that was really made."""


class Looker(Protocol):
    """Who looks: an `EyeChecker`."""

    limits: Limits

    def drawn(self, scene: Scene, turned: bool = False) -> Tensor:
        """Features of the world's own drawing of a scene, (C, h, w)."""
        ...

    def says(self, question: str, features: Tensor) -> Tensor:
        """Log-probabilities of the answers about each patch, (values, h, w)."""
        ...


def distance(seen: Tensor, asked: Tensor, other: Tensor) -> float:
    r"""How far a picture is from what was asked, on the way to a change: 0 is as asked, 2 is as
    changed. At 1 it is as near to one as to the other:

    .. math:: d = 2 \frac{\langle x - a, o - a\rangle}{\lVert o - a\rVert^2}

    Args:
        seen: the picture x, features of any shape.
        asked: the drawing a of what was asked, the same shape.
        other: the drawing o with the change, the same shape.
    """
    change = other - asked
    size = float((change * change).sum())
    return 2 * float(((seen - asked) * change).sum()) / size if size else 0.0


@dataclass
class Held:
    """A picture that is held against a scene: `seen` is what the eye makes of it, (C, h, w)."""

    by: Looker
    scene: Scene
    seen: Tensor

    @cached_property
    def asked(self) -> Tensor:
        """What the eye makes of the world's own drawing of the scene."""
        return self.by.drawn(self.scene)

    @cached_property
    def where(self) -> dict[str, Tensor]:
        """The patches of everybody, by position."""
        return {c.position: patches_of(self.scene, c) for c in self.scene.characters}

    @cached_property
    def taken(self) -> Tensor:
        """The patches of all together, and those beside them, (h, w) bool."""
        import torch

        return around(torch.stack(list(self.where.values())).any(0))

    def towards(self, other: Tensor, where: Tensor | None = None) -> float:
        """How far the picture has gone to a change, on some patches alone if they are given: above
        1 it is nearer to the change than to what was asked, and by more than chance."""
        all_ = (self.seen, self.asked, other)
        seen, asked, changed = all_ if where is None else (x[:, where] for x in all_)
        return distance(seen, asked, changed) / self.tolerated(other, where)

    def tolerated(self, other: Tensor, where: Tensor | None = None) -> float:
        """The largest `distance` that passes: 1, and what is gone by chance."""
        change = other - self.asked
        size = float((change if where is None else change[:, where]).norm())
        return 1 + self.by.limits.chance / max(size, 1e-6)

    # How everything looks.

    def doubts(self) -> Iterator[tuple[Doubt, list[float]]]:
        """For each attribute its other values, the likeliest first, and how much likelier each has
        become since the drawing, against what was asked: the logarithm of the odds' ratio."""
        import torch

        whole = torch.ones(self.seen.shape[1:], dtype=torch.bool)
        for attribute, values in v.SCENE_ATTRIBUTES.items():
            value = str(getattr(self.scene, attribute))
            yield self._doubt(f"scene.{attribute}", "", value, values, whole)
        for c in self.scene.characters:
            where = self.where[c.position]
            for attribute, values in v.CHARACTER_ATTRIBUTES.items() if bool(where.any()) else ():
                value = str(getattr(c, attribute))
                yield self._doubt(f"character.{attribute}", c.position, value, values, where)

    def _doubt(
        self, question: str, position: str, value: str, values: tuple[str, ...], where: Tensor
    ) -> tuple[Doubt, list[float]]:
        seen, asked = (self.by.says(question, x)[:, where].mean(1) for x in (self.seen, self.asked))
        odds = seen - asked  # (values,)
        likelier = (odds - odds[values.index(value)]).tolist()
        rest = sorted((-x, i) for i, x in enumerate(likelier) if values[i] != value)
        attribute = question.partition(".")[2]
        instead = tuple(values[i] for _, i in rest)
        return Doubt(attribute, position, value, instead), [-x for x, _ in rest]

    def attributes(self) -> Iterator[Finding]:
        """Place, time, weather, and how everybody looks and feels."""
        limits = self.by.limits
        suspected: dict[str, dict[str, Doubt]] = {}
        for doubt, likelier in self.doubts():
            a = doubt.attribute
            n = min(sum(x > limits.suspected[a] for x in likelier), limits.drawn[a])
            doubt = Doubt(a, doubt.position, doubt.asked, doubt.instead[:n])
            suspected.setdefault(a, {})[doubt.position] = doubt
        for attribute, doubts in suspected.items():
            worst = self._worst(attribute, doubts)
            for position, doubt in doubts.items():
                far, way, value = worst.get(position, (0.0, 0.0, doubt.asked))
                whose = f" of {self.scene.at(position).name}" if position else ""
                found = value if far > 1 else doubt.asked
                if far <= 1 < way:
                    found = f"can't tell: {doubt.asked} or {value}"
                yield Finding(f"{attribute}{whose}", far <= 1, doubt.asked, found, max(far, 0.0))
        for c in self.scene.characters:
            if not bool(self.where[c.position].any()):
                found = "can't tell: hidden altogether"
                yield Finding(f"looks of {c.name}", True, f"{c.colour} {c.species}", found)

    def _worst(
        self, attribute: str, doubts: Mapping[str, Doubt]
    ) -> dict[str, tuple[float, float, str]]:
        """At each position, how far the picture has gone to a change in parts of what is tolerated,
        as a `distance`, and to which. One after another is drawn, until it is clear or none is
        left."""
        worst: dict[str, tuple[float, float, str]] = {}
        for turn in range(max(len(d.instead) for d in doubts.values())):
            new = {
                p: d.instead[turn]
                for p, d in doubts.items()
                if turn < len(d.instead) and (p not in worst or worst[p][1] <= CLEAR)
            }
            for scene, positions in together(self.scene, attribute, new) if new else ():
                other = self.by.drawn(scene)
                for p in positions:
                    part = part_of(self.scene, self.scene.at(p)) if p else None
                    far = self.towards(other, part)
                    way = far * self.tolerated(other, part)
                    so_far, farthest, value = worst.get(p, (far, way, new[p]))
                    if way > farthest:
                        farthest, value = way, new[p]
                    worst[p] = (max(so_far, far), farthest, value)
        return worst

    # Who is there, and where.

    def _animals(self, features: Tensor, where: Tensor) -> float:
        """How much of some patches is animals, 0 to 1; 0 of none."""
        kinds = self.by.says("kind", features).exp()
        return float(kinds[KIND][where].mean()) if bool(where.any()) else 0.0

    def presence(self, who: Character) -> Finding:
        """Is somebody where they should be? As much of an animal should be there as in the drawing;
        where that leaves a doubt, the page is drawn without them."""
        what, limits = f"presence of {who.name}", self.by.limits
        where = self.where[who.position]
        if not bool(where.any()):
            return Finding(what, True, "there", "can't tell: hidden altogether")
        share = self._animals(self.seen, where) / max(self._animals(self.asked, where), 0.3)
        far = max(0.0, 1 - share) / (1 - limits.there)
        alone = without(self.scene, who) if limits.there <= share < limits.sure else None
        if alone is not None:
            far = max(far, self.towards(self.by.drawn(alone)))
        return Finding(what, far <= 1, "there", "there" if far <= 1 else "nobody", far)

    def nobody_else(self) -> Finding:
        """Is nobody at the free places? An animal where a stranger would stand is one; where that
        leaves a doubt, or others are in the way, a stranger is drawn who looks as the eye says."""
        far, limits = 0.0, self.by.limits
        here = {c.position for c in self.scene.characters}
        for position in (p for p in v.POSITIONS if p not in here):
            scene = self._with_stranger(position, v.SPECIES, v.COLOURS)
            if scene is None:
                continue  # those who act together stand beside each other
            where = patches_of(scene, scene.at(position))
            free = where & ~self.taken
            more, share = (
                self._animals(self.seen, w) - self._animals(self.asked, w) for w in (where, free)
            )
            roomy = int(free.sum()) >= limits.room
            far = max(far, share / limits.stranger) if roomy else far
            if max(more, share) > 1 - limits.sure or not roomy:
                looks = [self._read(k, where) for k in ("species", "colour")]
                scene = self._with_stranger(position, looks[0], looks[1]) or scene
                far = max(far, self.towards(self.by.drawn(scene)))
        found = "nobody else" if far <= 1 else "somebody else"
        return Finding("nobody else", far <= 1, "nobody else", found, far)

    def _with_stranger(
        self, position: str, species: Sequence[str], colours: Sequence[str]
    ) -> Scene | None:
        """The page with one more, of the first species that can be there, and so of its colour."""
        found = (with_one_more(self.scene, position, s, c) for s in species for c in colours)
        return next((scene for scene in found if scene is not None), None)

    def _read(self, attribute: str, where: Tensor) -> tuple[str, ...]:
        """The values of an attribute, the likeliest on some patches first."""
        said = self.by.says(f"character.{attribute}", self.seen)[:, where].mean(1)
        values = v.CHARACTER_ATTRIBUTES[attribute]
        return tuple(values[i] for i in said.argsort(descending=True).tolist())

    def sides(self) -> Finding:
        """Is left left? The drawing is turned round, and compared where somebody is in either."""
        turned, limits = self.by.drawn(self.scene, True), self.by.limits
        where = self.taken | self.taken.flip(1)
        if self.tolerated(turned, where) > limits.noticed:
            return Finding("sides", True, "as told", "can't tell: turned round it looks the same")
        far = max(0.0, self.towards(turned, where))
        found = "as told" if far <= 1 else "mirrored"
        if far <= 1 < far * self.tolerated(turned, where):
            found = "can't tell: as told or mirrored"
        return Finding("sides", far <= 1, "as told", found, far)

    def old_pictures(self, request: CheckRequest) -> Iterator[Finding]:
        """Is it no earlier picture, nor one turned round? Held against the drawing of what those
        showed; pixel by pixel, where nobody knows what they show."""
        staged = [r for r in request.references if r.picture is not None and r.staging]
        unknown = tuple(r for r in request.references if r not in staged)
        for r in staged:
            then = scene_of(r.staging)
            if then is None or then.visible() == self.scene.visible():
                continue
            far, found = 0.0, "another picture"
            for turned, name in ((False, "copy"), (True, "mirrored copy")):
                other = self.by.drawn(then, turned)
                if self.tolerated(other) > self.by.limits.noticed:
                    continue  # it should look the same
                d = self.towards(other)
                if d > far:
                    far, found = d, f"a {name} of the picture of {r.name}" if d > 1 else found
            yield Finding("new picture", far <= 1, "another picture", found, far)
        if unknown:
            yield from copied(replace(request, references=unknown), small(request.picture))
