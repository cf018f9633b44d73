"""Pages for `eye.py`: true ones, and the same with one thing wrong, as a network might draw them.

The pages are those of told stories, each story in a style of its own. A page is drawn by the world
from its facts; a false page is the drawing of another scene (or the same turned round), held
against what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mmcourse.story.facts import Fact
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.library import Library
from mmcourse.story.staging import scene_of
from mmcourse.story.story import Settings
from mmcourse.storyworld import describe, sample_scene
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.storyworld.world.scene import Character, Scene

ABOUT_SOMEBODY = tuple(v.CHARACTER_ATTRIBUTES)
ABOUT_ALL = tuple(v.SCENE_ATTRIBUTES)
FALSE = (
    *ABOUT_SOMEBODY,
    *("looks exchanged", "one missing", "one too many"),
    *ABOUT_ALL,
    *("mirrored", "page before", "copy", "mirrored copy"),
)
"""What can be wrong with a page. "copy" is the picture in which one of its characters was first
seen."""


@dataclass(frozen=True)
class Page:
    """A page of a story: what it should show, what its text says, and what came before.

    shows: the scene. facts: of the text. first: for everybody who was seen before, the number of
    the page where they were seen first. story, number: where it is from.
    """

    story: int
    number: int
    shows: Scene
    facts: tuple[Fact, ...]
    first: tuple[tuple[str, int], ...]


def told(number: int, seed: int, scenes: int, split: str) -> list[Page]:
    """The pages of a story whose prompt half tells scene `number` of a split. Its style is that of
    its number, so that all four come up."""
    text = describe(sample_scene(split, number), key=number, complete=False).text
    teller = Storyteller(Library(":memory:"), default_team())
    story = run(teller.tell(text, scenes, seed=seed, settings=Settings(every=0)))
    style = v.STYLES[number % len(v.STYLES)]
    out: list[Page] = []
    first: dict[str, int] = {}
    for node in story.path():
        scene = scene_of(node.staging)
        assert scene is not None
        known = tuple((c.name, first[c.name]) for c in scene.characters if c.name in first)
        page = len(out)
        out.append(Page(number, page, replace(scene, style=style), node.facts, known))
        for c in scene.characters:
            first.setdefault(c.name, page)
    return out


def by_another_hand(scene: Scene, *key: int) -> Scene:
    """The same in words: other hills and trees, and everybody's markings are others."""
    dice = Dice("another hand", *key)
    people = tuple(replace(c, identity=sample_identity(dice)) for c in scene.characters)
    variation = (scene.variation + 1 + int(3 * dice.number())) % 4
    return replace(scene, characters=people, variation=variation)


def false_scenes(pages: Sequence[Page], number: int, seed: int) -> Iterator[tuple[str, Scene]]:
    """For each thing of `FALSE` that can be wrong on a page, what is drawn in its stead. Of what is
    "mirrored" the scene is told, and the drawing has to be turned round."""
    page = pages[number]
    scene = page.shows
    dice = Dice("false pages", seed, page.story, number)
    for attribute in ABOUT_SOMEBODY:
        found = _exchanged(scene, attribute, dice)
        if found is not None:
            yield attribute, found
    for name, make in (
        ("looks exchanged", _looks_exchanged),
        ("one missing", _one_missing),
        ("one too many", _one_too_many),
    ):
        found = make(scene, dice)
        if found is not None:
            yield name, found
    for attribute in ABOUT_ALL:
        rest = [x for x in v.SCENE_ATTRIBUTES[attribute] if x != getattr(scene, attribute)]
        yield attribute, replace(scene, **{attribute: dice.pick(rest)})  # type: ignore[arg-type]
    yield "mirrored", scene
    if number and pages[number - 1].shows.visible() != scene.visible():
        yield "page before", pages[number - 1].shows
    if page.first:
        old = pages[dice.pick(page.first)[1]].shows
        if old.visible() != scene.visible():
            yield "copy", old
            yield "mirrored copy", old


def _exchanged(scene: Scene, attribute: str, dice: Dice) -> Scene | None:
    """One attribute of somebody is another; None if the scene forbids every other."""
    values = v.CHARACTER_ATTRIBUTES[attribute]
    for who in dice.sample(scene.characters, len(scene.characters)):
        for value in dice.sample(values, len(values)):
            if value != getattr(who, attribute):
                found = _with(scene, who, attribute, value)
                if found is not None:
                    return found
    return None


def _with(scene: Scene, who: Character, attribute: str, value: str) -> Scene | None:
    try:
        other = replace(who, **{attribute: value})  # type: ignore[arg-type]
        cast = tuple(other if c is who else c for c in scene.characters)
        return replace(scene, characters=cast)
    except ValueError:  # nobody sleeps angry, two of one look, who hugs stands
        return None


def _looks_exchanged(scene: Scene, dice: Dice) -> Scene | None:
    """Two of them have each other's colour; where it is one colour, each other's species."""
    if len(scene.characters) < 2:
        return None
    one, two = dice.sample(scene.characters, 2)
    attribute = "colour" if one.colour != two.colour else "species"
    looks = {one: getattr(two, attribute), two: getattr(one, attribute)}
    cast = tuple(
        replace(c, **{attribute: looks[c]}) if c in looks else c  # type: ignore[arg-type]
        for c in scene.characters
    )
    try:
        return replace(scene, characters=cast)
    except ValueError:
        return None


def _one_missing(scene: Scene, dice: Dice) -> Scene | None:
    if len(scene.characters) < 2:
        return None
    gone = dice.pick(scene.characters)
    rest = tuple(c for c in scene.characters if c is not gone)
    act = scene.interaction
    kept = act if act and gone.position not in (act.by, act.to) else None
    return replace(scene, characters=rest, interaction=kept)


def _one_too_many(scene: Scene, dice: Dice) -> Scene | None:
    free = [p for p in v.POSITIONS if p not in {c.position for c in scene.characters}]
    if not free:
        return None
    stranger = dice.pick(sample_scene("train", int(100_000 * dice.number())).characters)
    names = [n for n in v.NAMES if n not in {c.name for c in scene.characters}]
    more = replace(stranger, position=dice.pick(free), name=dice.pick(names))
    try:
        return replace(scene, characters=(*scene.characters, more), camera="medium")
    except ValueError:  # somebody of this look is there, or stands between two who act
        return None
