"""Stories to be copied, made without a storyteller: the world's own, and typed ones."""

from __future__ import annotations

from mmcourse.story import steps
from mmcourse.story.abilities import Credit
from mmcourse.story.facts import Fact
from mmcourse.story.library import Library
from mmcourse.story.pixels import picture_hash, to_png
from mmcourse.story.staging import in_words
from mmcourse.story.story import Node, Picture, Story
from mmcourse.storyworld import Scene, render
from mmcourse.storyworld.language.tell import tell

WORLD = Credit("illustrator", "the world's own pen", "1")


def drawn(scene: Scene, size: int, seed: int = 0) -> tuple[Picture, bytes]:
    """A picture of a scene, drawn by rule, and its bytes."""
    png = to_png(render(scene, size))
    staging = scene.to_json()
    record = Picture(
        picture_hash(png), "a scene", seed, (size, size), scene.style, WORLD, staging,
        safety="drawn by rule", alt=in_words(staging),
    )  # fmt: skip
    return record, png


def facts_of(scene: Scene, known: set[str]) -> tuple[Fact, ...]:
    """What a scene's picture shows, as the storyteller's facts."""
    found = [Fact("scene", "place", scene.place)]
    for c in scene.characters:
        if c.name not in known:
            found += [Fact(c.name, "species", c.species), Fact(c.name, "colour", c.colour),
                      Fact(c.name, "identity", str(list(c.identity)))]  # fmt: skip
            known.add(c.name)
        found += [Fact(c.name, "accessory", c.accessory), Fact(c.name, "mood", c.mood),
                  Fact(c.name, "at", scene.place)]  # fmt: skip
    return tuple(found)


def told(
    library: Library, index: int, size: int = 64, style: str = "flat", scenes: int = 9
) -> Story:
    """A story of the world's in a library, drawn by rule."""
    found = tell(index, "train", 0, style=style)
    story = library.begin(Story("", found.title, style=style))
    known: set[str] = set()
    parent = None
    for page in found.pages[:scenes]:
        record, png = drawn(page.scene, size)
        node = Node(
            0, parent, (page.text,), (record,), facts_of(page.scene, known),
            credits=(Credit("writer", "the world's own pen", "1"),), staging=record.staging,
        )  # fmt: skip
        story = library.add(story, steps.scene(node), [png])
        parent = story.current
    return story


def typed(library: Library, title: str, *texts: str, reader: str = "") -> Story:
    """A story of texts that somebody typed, without pictures."""
    story = library.begin(Story("", title), reader=reader)
    parent = None
    for text in texts:
        story = library.add(story, steps.scene(Node(0, parent, (text,))))
        parent = story.current
    return story
