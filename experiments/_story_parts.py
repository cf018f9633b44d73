"""What `story.py` measures of single parts: answerers, checkers, the captioner, and drifting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from _story_pictures import SIZE, Eyes, Told, retrieval
from PIL import Image as pil
from PIL import ImageOps
from PIL.Image import Image

from mmcourse.story.abilities import (
    Answerer,
    AnswerRequest,
    Captioner,
    CaptionRequest,
    Checker,
    CheckRequest,
    Encoder,
    Reference,
)
from mmcourse.story.backends.towers import ATTRIBUTES
from mmcourse.story.measure import vistory
from mmcourse.story.measure.identities import identity_margin
from mmcourse.story.measure.likeness import style_variance
from mmcourse.story.measure.measure_pages import look
from mmcourse.story.measure.pages import Tally
from mmcourse.storyworld import caption, render, sample_scene
from mmcourse.storyworld.language.questions import ask
from mmcourse.storyworld.language.words import QUIET
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import held_out_pairs, sample_identity
from mmcourse.storyworld.world.scene import Character, Scene
from mmcourse.storyworld.world.vocabulary import STYLES

Tallies = dict[str, Tally]
KINDS = ("colour", "count", "place", "relation", "mood", "yes/no", "unanswerable")
DRIFT, PAGES = 0.15, 20


def answers(told: Told, answerer: Answerer) -> Tallies:
    """One question of each kind about each page, answered from the record, from the picture by
    looking, and from no picture at all: a grey one, and that of another page."""
    grey = pil.new("RGB", (SIZE, SIZE), (128, 128, 128))
    pages, hits = told.pictures, dict.fromkeys(("record", "looking", "blank", "other_page"), 0)
    n = 0
    for page, scene in enumerate(told.scenes):
        other = pages[(page + 1) % len(pages)]
        for kind in KINDS:
            question = ask(scene, kind, told.seed)
            n += 1
            for name, picture, staging in (
                ("record", pages[page], scene.to_json()),
                ("looking", pages[page], ""),
                ("blank", grey, ""),
                ("other_page", other, ""),
            ):
                said = answerer.answer(AnswerRequest(question.text, picture, staging)).text
                hits[name] += said.strip(" .").lower() == question.answer.lower()
    return {f"answers_{name}": Tally(float(x), float(n)) for name, x in hits.items()}


def captions(told: Told, captioner: Captioner) -> Tallies:
    """Of pages with one character, the attributes that a captioner who looks gets right; and the
    same when it is shown the next page instead."""
    hits = {"looking": 0, "other_page": 0}
    n = 0
    for page, scene in enumerate(told.scenes):
        if len(scene.characters) > 1:
            continue
        truth = {k: getattr(scene, k, None) or getattr(scene.characters[0], k) for k in ATTRIBUTES}
        n += len(truth)
        for name, at in (("looking", page), ("other_page", (page + 1) % len(told.pictures))):
            found = captioner.caption(CaptionRequest(told.pictures[at])).facts
            said = {f.attribute: f.value for f in found}
            hits[name] += sum(said.get(k, QUIET.get(k)) == x for k, x in truth.items())
    return {f"captions_{name}": Tally(float(x), float(n)) for name, x in hits.items()}


def checked(
    told: Told,
    drawn: Mapping[str, Sequence[Image]],
    checkers: Mapping[str, Checker],
) -> Tallies:
    """Of each system's later pages, those that each checker finds fault with."""
    shown = {**drawn, "mirrored": [ImageOps.mirror(p) for p in drawn["world"]]}
    out = {}
    for by, checker in checkers.items():
        for name, pictures in shown.items():
            caught = 0
            for page, node in list(enumerate(told.story.path()))[1:]:
                known = _references(told, page)
                style = told.story.style
                staging = told.scenes[page].to_json()
                asked = CheckRequest(pictures[page], node.facts, staging, style, known)
                caught += not all(f.passed for f in checker.check(asked))
            n = len(told.scenes) - 1
            out[f"caught_{by}_{name}"] = Tally(float(caught), float(n))
    return out


def refused(told: Told, checker: Checker) -> Tallies:
    """Of true pages, those that a checker refuses: pages that combine attributes as the course's
    networks never saw them (the split `compositional` holds such pairs out), and all others."""
    tallies = {"new_pair": [0, 0], "seen_pairs": [0, 0]}
    for page, node in enumerate(told.story.path()):
        scene = told.scenes[page]
        asked = CheckRequest(told.pictures[page], node.facts, scene.to_json(), scene.style)
        found = tallies["new_pair" if held_out_pairs(scene) else "seen_pairs"]
        found[0] += not all(f.passed for f in checker.check(asked))
        found[1] += 1
    return {f"refused_{k}": Tally(float(a), float(b)) for k, (a, b) in tallies.items()}


def _references(told: Told, page: int) -> tuple[Reference, ...]:
    out = []
    for c in told.scenes[page].characters:
        before = [i for i, s in enumerate(told.scenes[:page])
                  if c.name in {x.name for x in s.characters}]  # fmt: skip
        if before:
            first = before[0]
            staging = told.scenes[first].to_json()
            out.append(Reference(c.name, told.pictures[first], None, staging, {}, c.identity))
    return tuple(out)


def finding(told: Told, encoders: Mapping[str, Encoder]) -> Tallies:
    """Each encoder's retrieval@1 among the story's own pages."""
    words = [caption(scene, 1) for scene in told.scenes]
    return {
        f"retrieval_{name}": retrieval(encoder.texts(words), encoder.pictures(told.pictures))
        for name, encoder in encoders.items()
    }


def styles(told: Told, eyes: Eyes) -> Tallies:
    """How much the style changes within a book that is drawn in one of the four styles, and in one
    whose pages are drawn in all of them in turn."""
    out = {}
    for kind in ("one", "mixed"):
        of = [STYLES[(page if kind == "mixed" else told.number) % len(STYLES)]
              for page in range(len(told.scenes))]  # fmt: skip
        pages = [render(replace(s, style=x), SIZE) for s, x in zip(told.scenes, of, strict=True)]
        seen = [s.style for s in look(eyes.judge, pages)]
        out[f"style_variance_{kind}"] = Tally(style_variance(seen), 1.0)
        out[f"vistory_csd_self_{kind}"] = Tally(vistory.csd_self(seen), 1.0)
    return out


def drifting(number: int, seed: int, eyes: Eyes, pages: int = PAGES) -> Tallies:
    """A hero on many pages, each drawn a little wrong: after the page before, or after the first
    picture. The identity margin of the last page."""
    dice = Dice("drift", seed, number)
    hero = replace(sample_scene("test", number).characters[0], position="middle", name="Pip",
                   identity=sample_identity(dice))  # fmt: skip
    kinds: dict[str, list[tuple[float, ...]]] = {"last": [hero.identity], "first": [hero.identity]}
    for _ in range(pages - 1):
        for after, at in (("last", -1), ("first", 0)):
            moved = [x + DRIFT * _gauss(dice) for x in kinds[after][at]]
            kinds[after].append(tuple(min(1.0, max(-1.0, x)) for x in moved))
    double = sample_identity(dice)
    rooms = [sample_scene("test", 10_000 + 100 * number + i) for i in (0, 1)]
    staged = ((0, hero.identity), (1, kinds["last"][-1]), (1, kinds["first"][-1]), (1, double))
    scenes = [_alone(replace(hero, identity=who), rooms[room]) for room, who in staged]
    seen = [s.identity(hero) for s in look(eyes.judge, [render(s, SIZE) for s in scenes])]
    if any(x is None for x in seen):
        return {}
    first, last, kept, other = (np.asarray(x) for x in seen)
    return {
        "drift_after_the_last": Tally(identity_margin([first, last], [other]), 1.0),
        "drift_after_the_first": Tally(identity_margin([first, kept], [other]), 1.0),
    }


def _alone(who: Character, room: Scene) -> Scene:
    """Somebody alone where another scene happens."""
    return Scene((who,), place=room.place, time=room.time, weather=room.weather)


def _gauss(dice: Dice) -> float:
    """About normal, with variance 1: the sum of twelve even numbers."""
    return sum(dice.number() for _ in range(12)) - 6.0
