"""The small functions that memory, context and checking stand on; the exercises ask for them."""

import pytest

from mmcourse.story import context, memory
from mmcourse.story.abilities import Written
from mmcourse.story.backends import default_team
from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.backends.parts import Parts
from mmcourse.story.consistency import contradictions
from mmcourse.story.context import pack
from mmcourse.story.facts import Fact
from mmcourse.story.framework import Storyteller, run
from mmcourse.story.library import Library
from mmcourse.story.loop import doubts
from mmcourse.story.state import State
from mmcourse.story.story import Settings
from mmcourse.story.team import Team
from mmcourse.story.tree import first_picture, true_at


def test_the_worlds_own_pen_never_contradicts_itself(tmp_path):
    teller = Storyteller(Library(tmp_path / "stories.db"), default_team())
    for seed in range(4):
        story = run(teller.tell("", scenes=6, seed=seed, settings=Settings(every=0)))
        assert not [n for node in story.path() for n in node.notes if "contradicts" in n]
        parents, told = story.parents, {n.id: [f.triple for f in n.facts] for n in story.path()}
        for scene in parents:
            state = story.state(scene)
            for (who, what), (value, since) in true_at(parents, told, scene).items():
                assert state.now(who, what) == Fact(who, what, value, since)


def test_a_scene_that_contradicts_the_story_is_noted():
    state = State((Fact("Pip", "species", "fox", 1), Fact("character:left", "species", "owl", 1)))
    said = (Fact("Pip", "species", "owl"), Fact("character:left", "species", "fox"))
    assert doubts(state, said) == ("this contradicts what was told before: Pip species owl",)


class Fickle:
    """A writer whose Pip is a fox first, and an owl next."""

    def write(self, request):
        kind = "owl" if request.state else "fox"
        yield Written(f"Pip the {kind}.", facts=(Fact("Pip", "species", kind),))


def test_the_loop_says_so_to_the_reader(library):
    team = Team([Parts("fickle", "a fickle writer", {"writer": ("1", Fickle)}), fake_backend()])
    teller, settings = Storyteller(library, team), Settings(every=0)
    story = run(teller.start("", "a fox", settings=settings))
    assert story.path()[0].notes == ()
    events = [*teller.go_on(story)]
    said = "this contradicts what was told before: Pip species owl"
    assert [e.message for e in events if e.kind == "note"] == [said]
    assert events[-1].story.path()[-1].notes == (said,)


@pytest.mark.parametrize(
    ("known", "said", "wrong"),
    [
        ("", "Pip|kept|x", [0]),
        ("Pip|promised|x", "Pip|kept|x", []),
        ("Pip|promised|x Pip|broke|x", "Pip|kept|x", [0]),
        ("", "Pip|kept|x Pip|promised|x", []),
        ("Ana|promised|x", "Pip|kept|x", [0]),
        ("", "Pip|lost|ball", [0]),
        ("Pip|has|ball", "Ana|has|ball Pip|lost|ball", []),
        ("Pip|has|ball Ana|has|ball", "Pip|lost|ball", [0]),
        ("Pip|has|ball Pip|lost|ball", "Pip|lost|ball", [0]),
        ("", "Ana|lost|ball Ana|has|ball", []),
        ("Pip|colour|red", "Pip|mood|sad Pip|colour|red Pip|colour|blue", [2]),
    ],
)
def test_what_cannot_be_true(known, said, wrong):
    facts = [[tuple(f.split("|")) for f in text.split()] for text in (known, said)]
    assert contradictions(*facts) == wrong


def test_memory_and_context_are_made_of_what_the_exercises_ask_for():
    assert context.pack is pack
    assert memory.first_picture is first_picture
