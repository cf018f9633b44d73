"""Stories for `story.py`, and the systems whose pictures are measured side by side.

All systems illustrate the same texts. So what differs between them is what their illustrator was
told, and what became of the pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from PIL import ImageOps
from PIL.Image import Image

from mmcourse.joint.retrieval import recall_at_k
from mmcourse.story.abilities import Drawn, DrawRequest, Encoder, Illustrator, Reference
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.library import Library
from mmcourse.story.measure import vistory
from mmcourse.story.measure.characters import exact_frames, f1_tally, honoured, moods
from mmcourse.story.measure.identities import called, identity_margin, margins, pairs
from mmcourse.story.measure.likeness import duplicates, style_variance
from mmcourse.story.measure.measure_pages import look
from mmcourse.story.measure.pages import Seen, Tally, looks
from mmcourse.story.staging import scene_of
from mmcourse.story.story import Settings, Story
from mmcourse.storyworld import caption, describe, render, sample_scene
from mmcourse.storyworld.judge.network import COLUMNS, Judge
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import Scene
from mmcourse.storyworld.world.vocabulary import POSITIONS

SIZE = 128
HALF, TOP = 0.22, 0.4
"""Half the side, and the upper edge, of the square around a character, in parts of the picture."""
Tallies = dict[str, Tally]


def prompt(i: int) -> str:
    """Held-out prompt i: some of what a scene of the split `test` shows, in words."""
    return describe(sample_scene("test", i), key=i, complete=False).text


@dataclass
class Told:
    """A story with its library, and what each of its pages should show."""

    teller: Storyteller
    story: Story
    seed: int
    number: int

    @cached_property
    def scenes(self) -> list[Scene]:
        """What each page should show, everybody with the identity that the story gave them."""
        path = self.story.path()
        stagings = [n.picture.staging if n.picture else n.staging for n in path]
        return [scene for scene in map(scene_of, stagings) if scene]

    @cached_property
    def pictures(self) -> list[Image]:
        """The pages' pictures, in the order of the story."""
        shown = [node.picture for node in self.story.path()]
        return [self.teller.library.picture(p.hash) for p in shown if p]


def tell(number: int, seed: int, scenes: int, drawn: bool = True) -> Told:
    """Story `number`, told by the whole loop in a library in memory."""
    teller = Storyteller(Library(":memory:"), default_team())
    settings = Settings(every=int(drawn), size=SIZE)
    story = run(teller.tell(prompt(number), scenes, seed=seed, settings=settings))
    return Told(teller, story, seed, number)


def cast_of(number: int, seed: int) -> list[tuple[float, ...]]:
    """The identities of those whom story `number` begins with."""
    return [c.identity for c in tell(number, seed, 1, drawn=False).scenes[0].characters]


def drawn_by(illustrator: Illustrator, scene: Scene, seed: int, who: Mapping[str, object]) -> Image:
    """A scene drawn with references that hold these identities, by name."""
    known = tuple(Reference(name, identity=x) for name, x in who.items())
    text = caption(scene, seed, names=True)
    asked = DrawRequest(text, scene.to_json(), scene.style, SIZE, seed, known)
    return finished(illustrator, asked)


def finished(illustrator: Illustrator, asked: DrawRequest) -> Image:
    """The picture that an illustrator ends with."""
    *_, last = illustrator.draw(asked)
    assert isinstance(last, Drawn)
    return last.picture


def strangers(told: Told, illustrator: Illustrator) -> list[Image]:
    """Memory switched off: words alone, so everybody is somebody else on each page."""
    out = []
    for page, scene in enumerate(told.scenes):
        dice = Dice("nobody remembers", told.seed, told.number, page)
        who = {c.name: sample_identity(dice) for c in scene.characters}
        out.append(drawn_by(illustrator, scene, told.seed, who))
    return out


def exchanged(told: Told, illustrator: Illustrator, others: Sequence[object]) -> list[Image]:
    """References shuffled: from their second page on, everybody is drawn from the reference of
    somebody of another story, the same on all pages."""
    first: dict[str, int] = {}
    out = []
    for page, scene in enumerate(told.scenes):
        for c in scene.characters:
            first.setdefault(c.name, page)
        who = {
            name: others[i % len(others)]
            for i, (name, began) in enumerate(first.items())
            if began < page
        }
        out.append(drawn_by(illustrator, scene, told.seed, who))
    return out


def illustrated(told: Told, illustrator: Illustrator, remembers: bool = True) -> list[Image]:
    """The pages by an illustrator who may be wrong: the references are its own first pictures."""
    first: dict[str, Reference] = {}
    out = []
    for scene in told.scenes:
        here = [c for c in scene.characters if c.name in first] if remembers else []
        text, staging = caption(scene, told.seed, names=True), scene.to_json()
        known = tuple(first[c.name] for c in here)
        picture = finished(
            illustrator, DrawRequest(text, staging, scene.style, SIZE, told.seed, known)
        )
        out.append(picture)
        for c in scene.characters:
            first.setdefault(c.name, Reference(c.name, picture, None, staging))
    return out


def doubles_by(told: Told, illustrator: Illustrator, remembers: bool = True) -> list[Image]:
    """`doubles` by an illustrator who may be wrong: from a portrait of the double, or, if it does
    not remember, from the words alone. Another seed than the hero's page has."""
    out = []
    for i, (pair, (scene, position)) in enumerate(zip(pairs(told.scenes), doubles(told))):
        identity = next(c.identity for c in scene.characters if c.position == position)
        before = told.scenes[pair.first]
        who = called(before, pair.name)
        cast = tuple(replace(c, identity=identity) if c is who else c for c in before.characters)
        portrait = replace(before, characters=cast)
        shown = Reference(pair.name, render(portrait, SIZE), None, portrait.to_json())
        text, staging = caption(scene, told.seed, names=True), scene.to_json()
        known = (shown,) if remembers else ()
        asked = DrawRequest(text, staging, scene.style, SIZE, told.seed + 1 + i, known)
        out.append(finished(illustrator, asked))
    return out


def pasted(told: Told) -> list[int]:
    """Copies: each page shows the page where the first of its characters was seen first."""
    first: dict[str, int] = {}
    for page, scene in enumerate(told.scenes):
        for c in scene.characters:
            first.setdefault(c.name, page)
    return [first[scene.characters[0].name] for scene in told.scenes]


def doubles(told: Told) -> Iterator[tuple[Scene, str]]:
    """For everybody on each later page, that page with a double of theirs: the same words, another
    identity; and where the double stands."""
    for pair in pairs(told.scenes):
        scene = told.scenes[pair.page]
        who = called(scene, pair.name)
        identity = sample_identity(Dice("double", told.seed, told.number, *pair))
        cast = tuple(replace(c, identity=identity) if c is who else c for c in scene.characters)
        yield replace(scene, characters=cast), who.position


@dataclass
class Eyes:
    """Who looks: the judge at what pictures show, chapter 1's towers at which text they fit."""

    judge: Judge
    towers: Encoder


def systems(told: Told, others: Sequence[object], more: Mapping[str, Illustrator]) -> dict:
    """The pictures of each system, page by page; `more` are illustrators of other backends."""
    world = told.teller.team.illustrator()[0]
    pages = told.pictures
    out = {
        "world": pages,
        "memory_off": strangers(told, world),
        "references_shuffled": exchanged(told, world, others),
        "pictures_shuffled": [*pages[1:], pages[0]],
        "copy": [pages[i] for i in pasted(told)],
    }
    out["mirrored_copy"] = [
        picture if i == page else ImageOps.mirror(picture)
        for page, (i, picture) in enumerate(zip(pasted(told), out["copy"], strict=True))
    ]
    for name, illustrator in more.items():
        out[name] = illustrated(told, illustrator)
        out[f"{name}_memory_off"] = illustrated(told, illustrator, remembers=False)
    return out


def measured(
    told: Told,
    drawn: Mapping[str, Sequence[Image]],
    eyes: Eyes,
    own: Mapping[str, Sequence[Image]] | None = None,
) -> dict[str, Tallies]:
    """Each system's part of every measure; `own` are the doubles of systems that do not draw with
    the world's pen. For them the margin to the pen's doubles is told as well: it is larger, for two
    pictures of one hand are alike, whomever they show."""
    twins = list(doubles(told))
    positions = [position for _, position in twins]
    drawn_twins = [render(scene, SIZE) for scene, _ in twins]
    twin_vectors = eyes.towers.pictures(drawn_twins) if drawn_twins else np.zeros((0, 1))

    def found(pictures: Sequence[Image]) -> list[np.ndarray | None]:
        both = zip(look(eyes.judge, pictures), positions, strict=True)
        return [seen.identities.get(position) for seen, position in both]

    others, theirs = found(drawn_twins), {name: found(x) for name, x in (own or {}).items()}
    asked = eyes.towers.texts([caption(scene, 1) for scene in told.scenes])
    out = {}
    for name, pictures in drawn.items():
        seen = look(eyes.judge, pictures)
        vectors = eyes.towers.pictures(pictures)
        out[name] = {
            **about_people(told.scenes, seen),
            "identity_margin": margins(told.scenes, seen, theirs.get(name, others)),
            "style_variance": Tally(style_variance([s.style for s in seen]), 1.0),
            "duplicates": duplicates(drawn["world"], pictures),
            "retrieval_at_1": retrieval(asked, vectors),
            "towers_margin": by_towers(told.scenes, vectors, twin_vectors),
            **criteria(told.scenes, seen, pictures, eyes.towers),
        }
        if name in theirs:
            out[name]["pens_margin"] = margins(told.scenes, seen, others)
    return out


def about_people(scenes: Sequence[Scene], seen: Sequence[Seen]) -> Tallies:
    """Who is there, how they feel, and what changed."""
    asked, shown = [looks(s) for s in scenes], [s.looks() for s in seen]
    return {
        "character_f1": f1_tally(asked, shown),
        "exact_frames": exact_frames(asked, shown),
        "changes_honoured": honoured(scenes, seen),
        "rest_kept": honoured(scenes, seen, changed=False),
        "mood": moods(scenes, seen),
    }


def by_towers(scenes: Sequence[Scene], vectors: np.ndarray, twins: np.ndarray) -> Tally:
    """The identity margin if whole pictures are compared by towers that know captions alone."""
    found = [
        identity_margin([vectors[pair.first], vectors[pair.page]], [twin])
        for pair, twin in zip(pairs(scenes), twins, strict=True)
    ]
    return Tally(float(sum(found)), float(len(found)))


def retrieval(asked: np.ndarray, vectors: np.ndarray) -> Tally:
    """Of a story's pages, those whose own picture is nearest to their words, alone."""
    similarity = torch.from_numpy(asked) @ torch.from_numpy(vectors).T  # (pages, pages)
    return Tally(recall_at_k(similarity, 1) * len(asked), float(len(asked)))


def criteria(
    scenes: Sequence[Scene], seen: Sequence[Seen], pictures: Sequence[Image], towers: Encoder
) -> Tallies:
    """ViStoryBench's formulas, see `mmcourse.story.measure.vistory`. Of somebody's first page and
    the later ones, judge and towers compare what the judge found there."""
    found: dict[str, list[tuple[int, str]]] = {}
    for page, scene in enumerate(scenes):
        for c in scene.characters:
            position = seen[page].find(c)
            if position:
                found.setdefault(c.name, []).append((page, position))
    told: dict[str, list[float]] = {k: [] for k in ("cids_self", "cids_cross", "copy_paste")}
    for places in (x for x in found.values() if len(x) > 1):
        vectors = [seen[page].identities[position] for page, position in places]
        told["cids_self"].append(vistory.cids_self(vectors))
        told["cids_cross"].append(vistory.cids_cross(vectors[1:], vectors[0]))
        cuts = [around(pictures[page], position) for page, position in places]
        first, *later, turned = towers.pictures([*cuts, ImageOps.mirror(cuts[0])])
        told["copy_paste"].append(vistory.copy_paste(later, first, turned))
    told["occm"] = [
        vistory.occm(len(s.characters), len(x.people)) for s, x in zip(scenes, seen, strict=True)
    ]
    out = {f"vistory_{k}": Tally(float(sum(x)), float(len(x))) for k, x in told.items()}
    out["vistory_csd_self"] = Tally(vistory.csd_self([s.style for s in seen]), 1.0)
    return out


def around(picture: Image, position: str) -> Image:
    """The square of a picture in which somebody at a position is."""
    x = COLUMNS["people"][POSITIONS.index(position)]
    box = (x - HALF, TOP, x + HALF, TOP + 2 * HALF)
    left, top, right, bottom = (round(edge * picture.width) for edge in box)
    return picture.crop((left, top, right, bottom))
