"""Stories to be copied, and one read aloud."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for stories.py, which the tests share
sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))  # for epub.py

from stories import drawn, told

from mmcourse.story import steps
from mmcourse.story.abilities import Choice, Credit, Finding
from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.library import Library
from mmcourse.story.narration import Narration, narrate
from mmcourse.story.story import Node, Story
from mmcourse.story.team import Team
from mmcourse.storyworld import Scene


@pytest.fixture(scope="session")
def shelf():
    """A library that tests may look into but not change."""
    found = Library(":memory:")
    yield found
    found.close()


@pytest.fixture(scope="session")
def world_story(shelf) -> Story:
    """Three scenes of the world's."""
    return told(shelf, 3, scenes=3)


@pytest.fixture(scope="session")
def narration(world_story) -> Narration:
    """The same, read aloud by a tone."""
    *_, last = narrate(world_story, Team([fake_backend()]))
    assert isinstance(last, Narration)
    return last


@pytest.fixture(scope="session")
def evening(shelf) -> Story:
    """A story with all that can happen to one: branches, versions, failed tries, marks, portraits,
    and a step that was undone."""
    library = shelf
    story = told(library, 5, size=32, scenes=2)
    first, second = story.path()
    bad, bad_png = drawn(Scene.from_json(first.staging), 32, seed=1)
    bad = replace(bad, findings=(Finding("colour", False, "red", "blue", 2.0),))
    good, good_png = drawn(replace(Scene.from_json(first.staging), style="neon"), 64, seed=2)
    good = replace(good, failed=(bad,), safety="ok")
    story = library.add(story, steps.draw({first.id: good}, "neon"), [good_png, bad_png])
    story = library.add(story, steps.edit(second.id, "A new text.", second.facts, second.found,
                                          Credit("writer", "reader")))  # fmt: skip
    story = library.add(story, steps.mark(first.id, "here it began"))
    story = library.add(story, steps.go(first.id))
    other = Node(0, first.id, ("Another way.",), choices=(Choice("On", "because"),), chosen="Go")
    story = library.add(story, steps.scene(other))
    story = library.add(story, steps.choose(tone="warm", style="flat"))
    return library.undo(story)
