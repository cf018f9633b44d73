"""The small functions that memory, context and checking stand on; the exercises ask for them."""

from mmcourse.story import context, memory
from mmcourse.story.backends import default_team
from mmcourse.story.context import pack
from mmcourse.story.facts import Fact
from mmcourse.story.framework import Storyteller, run
from mmcourse.story.library import Library
from mmcourse.story.loop import doubts
from mmcourse.story.state import State
from mmcourse.story.story import Settings
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


def test_memory_and_context_are_made_of_what_the_exercises_ask_for():
    assert context.pack is pack
    assert memory.first_picture is first_picture
