"""Pictures of what is told already: one again, all in another style, one of a character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mmcourse.story import steps
from mmcourse.story.abilities import DrawRequest
from mmcourse.story.facts import Fact
from mmcourse.story.library import Library
from mmcourse.story.loop import Event, Finished, Sheet, Told, draw_checked, sheet_for
from mmcourse.story.memory import reference
from mmcourse.story.portrait import portrait_of
from mmcourse.story.staging import varied
from mmcourse.story.story import Node, Picture, Portrait, Story
from mmcourse.story.team import Team


def redraw(library: Library, team: Team, story: Story, scene: int) -> Iterator[Event]:
    """Draw one scene again, from another seed."""
    node = story.node(scene)
    seeds = [p.seed for picture in node.pictures for p in (picture, *picture.failed)]
    seed = max(seeds, default=story.seed) + 1
    staging = varied(node.staging, len(node.pictures))
    told = Told(node.text, node.facts, staging, story.style)
    sheet = sheet_for(library, story, told, seed, node.id)
    done: Finished | None = None
    for event in draw_checked(team, sheet, 0.0, 0.98):
        if isinstance(event, Finished):
            done = event
        else:
            yield event
    assert done is not None
    after = library.add(story, steps.draw({node.id: done.picture}), done.files)
    yield Event("recorded", "Done", 1.0, story=after)


def restyle(library: Library, team: Team, story: Story, style: str) -> Iterator[Event]:
    """Draw every picture of the tree in another style; all of it is one step.

    Raises:
        ValueError: the story has no pictures.
    """
    drawn = [node for node in story.nodes.values() if node.picture]
    if not drawn:
        raise ValueError("this story has no pictures yet; choose the style for the next ones")
    pictures: dict[int, Picture] = {}
    files: list[bytes] = []
    for i, node in enumerate(drawn):
        low, high = 0.98 * i / len(drawn), 0.98 * (i + 1) / len(drawn)
        for event in draw_checked(team, _again(library, story, node, style), low, high):
            if isinstance(event, Finished):
                pictures[node.id] = event.picture
                files += event.files
                break
            yield replace(event, message=f"{event.message} ({i + 1} of {len(drawn)})")
    after = library.add(story, steps.draw(pictures, style), files)
    yield Event("recorded", "Done", 1.0, story=after)


def _again(library: Library, story: Story, node: Node, style: str) -> Sheet:
    """The scene as it is shown, in another style: the same seed, the same staging."""
    assert node.picture is not None
    told = Told(node.text, node.facts, node.picture.staging or node.staging, style)
    return sheet_for(library, story, told, node.picture.seed, node.id)


def visualise(library: Library, team: Team, story: Story, name: str, scene: int) -> Iterator[Event]:
    """Draw somebody's portrait, as they are at a scene.

    Raises:
        ValueError: nobody of this name is known there.
    """
    state = story.state(scene)
    if name not in state.characters:
        known = ", ".join(state.characters) or "nobody"
        raise ValueError(f"nobody called {name!r} is known here; there is {known}")
    words, staging = portrait_of(name, state, story.style)
    found, hash = reference(library, story, name, scene)
    seed = story.seed + len(story.portraits_of(name, scene))
    request = DrawRequest(words, staging, story.style, story.settings.size, seed, (found,))
    facts = tuple(Fact(name, k, x) for k, x in state.looks(name).items() if k != "identity")
    sheet = Sheet(request, facts, words, story.settings.tries, ((name, hash),) if hash else ())
    done: Finished | None = None
    for event in draw_checked(team, sheet, 0.0, 0.98):
        if isinstance(event, Finished):
            done = event
        else:
            yield event
    assert done is not None
    after = library.add(story, steps.portrait(Portrait(name, scene, done.picture)), done.files)
    yield Event("recorded", "Done", 1.0, story=after)
