"""A brief sentence is filled in: all that it says is true of the scene, and nobody is added."""

from collections import Counter

import pytest

from mmcourse.storyworld import caption, sample_scene
from mmcourse.storyworld.completing import Said, complete
from mmcourse.storyworld.language.check import check_scene
from mmcourse.storyworld.language.parse import read


@pytest.mark.parametrize("split", ["train", "test", "compositional"])
def test_all_that_a_brief_caption_says_is_true_of_the_scene(split):
    filled = 0
    for i in range(150):
        text = caption(sample_scene(split, i), key=i, complete=False)
        scene = complete(text, seed=i)
        if scene is None:  # this one happens to say everything
            assert Said.of(read(text)).complete, text
            continue
        filled += 1
        assert check_scene(text, scene) == ([], ()), text
        again = caption(scene, key=i)
        assert Said.of(read(again)).complete, again
        assert not check_scene(again, scene)[0]
    assert filled > 100


@pytest.mark.parametrize(
    ("text", "people", "things"),
    [
        ("a fox on the beach", ["fox"], []),
        ("two foxes in the snow", ["fox", "fox"], []),
        ("a cat and a bear quarrel", ["bear", "cat"], []),
        ("a bear gives a ball to a cat", ["bear", "cat"], ["ball"]),
        ("a sleeping mouse beside a red kite", ["mouse"], ["kite"]),
        (
            "a cat on the left, an owl in the middle and a fox on the right",
            ["cat", "fox", "owl"],
            [],
        ),
    ],
)
def test_who_is_named_is_there_and_nobody_else(text, people, things):
    for seed in range(5):
        scene = complete(text, seed)
        assert scene is not None
        assert sorted(c.species for c in scene.characters) == people
        assert [t.kind for t in scene.things] == things
        assert (scene.style, scene.camera) == ("flat", "medium")
        assert {c.accessory for c in scene.characters} == {"none"}
        assert (scene.interaction is None) == ("quarrel" not in text and "gives" not in text)


def test_the_seed_throws_the_dice():
    scenes = [complete("a fox", seed) for seed in range(40)]
    assert scenes[7] == complete("a fox", 7)
    for attribute in ("colour", "mood", "action", "position"):
        assert len(Counter(getattr(s.characters[0], attribute) for s in scenes)) > 2
    assert len({(s.place, s.time, s.weather) for s in scenes}) > 15


@pytest.mark.parametrize(
    "text",
    [
        "a red red blue fox that is an owl",
        "a wug on the beach",
        "a fox, a cat, a bear and an owl",
        "a furious bear is asleep",
        "",
    ],
)
def test_what_no_scene_can_be_is_left_alone(text):
    found = complete(text)
    assert found is None or not text


def test_where_a_lone_animal_stands_is_filled_in_too():
    """Everything else is said, and a model would draw it in three places at once."""
    text = "a happy orange fox is sitting on the beach by day in clear weather"
    scene = complete(text)
    assert scene is not None
    assert check_scene(text, scene) == ([], ())
    assert complete(caption(scene)) is None
    assert len({complete(text, seed).characters[0].position for seed in range(12)}) == 3


def test_complete_captions_are_left_as_they_stand():
    assert all(complete(caption(sample_scene("test", i), key=i)) is None for i in range(100))


def test_of_several_one_stands_somewhere_by_itself():
    look = {"species": "fox", "colour": "red", "mood": "happy", "action": "sitting"}
    setting = {"place": "beach", "time": "day", "weather": "clear"}

    def complete_with(first, second):
        people = {"character 1": {**look, **first}, "character 2": {**look, **second}}
        return Said(people, {}, setting, None).complete

    beside = {"left of": "character 2"}
    assert not complete_with(beside, {"right of": "character 1"})
    assert not complete_with({"position": "left"}, {})
    assert complete_with(beside, {"position": "right"})
