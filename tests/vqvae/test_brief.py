"""A scene in a dozen words."""

import pytest

from mmcourse.storyworld import Character, Scene, Tokenizer, sample_scene
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.vqvae.brief import brief


def test_it_says_who_where_when_and_in_which_weather():
    fox = Character("fox", "red", position="left", accessory="hat")
    owl = Character("owl", "orange", position="right", mood="sad", name="Una")
    scene = Scene(characters=(fox, owl), place="beach", time="night", weather="rain")
    assert brief(scene) == "a red fox and an orange owl on the beach at night in the rain"


def test_every_word_is_known_and_it_stays_brief():
    known = Tokenizer().ids
    for i in range(300):
        words = tokens(brief(sample_scene("val", i)))
        assert all(word in known for word in words), words
        assert len(words) <= 24


@pytest.mark.parametrize("field", ["place", "time", "weather"])
def test_scenes_that_differ_are_told_differently(field):
    fox = Character("fox", "red", position="left")
    one = {"characters": (fox,), "place": "beach", "time": "night", "weather": "rain"}
    other = one | {field: {"place": "village", "time": "day", "weather": "clear"}[field]}
    assert brief(Scene(**one)) != brief(Scene(**other))
