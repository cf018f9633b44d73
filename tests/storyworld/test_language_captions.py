"""Captions say what is true, in thousands of forms, and are read back to the same facts."""

import re
from dataclasses import replace

import pytest

from mmcourse.storyworld import caption, describe, facts
from mmcourse.storyworld.language import words
from mmcourse.storyworld.language.check import check_scene, check_text
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.world.facts import truths

# Not taken from the package: a second opinion on what the words mean.
MEANS = {
    ("mood", "happy"): "happy|cheerful|smiling|merry",
    ("mood", "sad"): "sad|tearful|unhappy|gloomy",
    ("mood", "angry"): "angry|cross|furious|grumpy",
    ("mood", "surprised"): "surprised|astonished|startled|amazed",
    ("accessory", "hat"): "hat",
    ("accessory", "scarf"): "scarf",
    ("accessory", "crown"): "crown",
    ("action", "jumping"): "jumps|jumping|leaps up",
    ("action", "waving"): "waves|waving|waves hello",
    ("action", "sleeping"): "sleeps|sleeping|asleep",
    ("weather", "rain"): "rain|rains",
    ("weather", "snow"): "snow|snows",
    ("place", "beach"): "beach|sea|shore",
    ("place", "forest"): "forest|trees",
    ("time", "night"): "night|dark",
    ("style", "neon"): "neon",
    ("hug",): "hug|hugs|cuddle|cuddles|embraces",
    ("quarrel",): "quarrel|quarrels|argue|argues|squabbles",
    ("follow",): "follows|walks behind|trails after",
}


@pytest.fixture(scope="module")
def told(scenes):
    """Every caption of some thousands of scenes, complete and partial, with and without names."""
    found = [s for split in scenes.values() for s in split[:200]]
    return [
        (s, complete, describe(s, key, complete, names=key % 2 == 1))
        for key, s in enumerate(found)
        for complete in (True, False)
    ]


def test_every_fact_stated_is_true_and_a_complete_caption_states_them_all(told):
    for scene, complete, result in told:
        assert result.facts <= truths(scene), result.text
        if complete:
            assert facts(scene) <= result.facts, result.text


def test_a_caption_is_read_back_to_what_it_said(told):
    assert len(told) > 1500
    for _, _, result in told:
        account = read(result.text)
        assert account.unread == (), result.text
        assert account.facts == result.said, result.text


def test_words_mean_what_an_independent_list_says(told):
    for scene, complete, result in told:
        true = {(k, x) for _, k, x in facts(scene)} | {(k,) for _, k, _ in facts(scene)}
        for meaning, pattern in MEANS.items():
            found = re.search(rf"\b(?:{pattern})\b", result.text)
            assert not found or meaning in true, (meaning, result.text)
            if complete:
                assert found or meaning not in true, (meaning, result.text)


def test_captions_agree_with_themselves_and_with_their_scene(told):
    for scene, _, result in told[:800]:
        assert check_text(result.text) == ([], ())
        wrong, unread = check_scene(result.text, scene)
        assert (wrong, unread) == ([], ()), result.text


def test_a_changed_word_is_found_to_contradict_the_scene(told):
    swaps = [("place", words.PLACE), ("time", words.TIME), ("weather", words.WEATHER),
             ("mood", words.FEELS)]  # fmt: skip
    tried = 0
    for scene, complete, result in told[:1200]:
        if not complete or len(scene.characters) > 1:
            continue
        for name, table in swaps:
            for value, phrases in table.items():
                for phrase in phrases:
                    if re.search(rf"\b{phrase}\b", result.text):
                        other = next(p[0] for x, p in table.items() if x != value)
                        lie = re.sub(rf"\b{phrase}\b", other, result.text)
                        wrong, _ = check_scene(lie, scene)
                        assert wrong, (name, lie)
                        tried += 1
                        break
    assert tried > 300


def test_relations_names_and_interactions_are_told(told):
    said = {k for _, _, result in told for _, k, _ in result.said}
    assert {"left of", "right of", "next to", "in front of", "name", "count", "position"} <= said
    kinds = {s.interaction.kind for s, _, _ in told if s.interaction}
    assert kinds <= said


def test_there_are_thousands_of_forms(scenes):
    scene = next(s for s in scenes["train"] if len(s.characters) == 2 and s.things)
    assert len({caption(scene, key) for key in range(1500)}) > 1200


def test_names_are_told_only_if_asked_for(scenes):
    scene = next(s for s in scenes["train"] if len(s.characters) == 1)
    name = scene.characters[0].name.lower()
    assert all(name in tokens_of(caption(scene, key, names=True)) for key in range(20))
    assert all(name not in tokens_of(caption(scene, key)) for key in range(20))
    other = replace(scene, characters=(replace(scene.characters[0], name="Zuri"),))
    assert caption(scene, 3) == caption(other, 3)


def tokens_of(text):
    return re.findall(r"\w+", text)


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("a red fox zooms on the left.", ("zooms",)),
        ("a red fox and a blue fox. the fox waves.", ("the fox",)),
        ("is happy.", ("happy",)),
    ],
)
def test_what_cannot_be_read_is_reported_not_guessed(text, unread):
    assert set(unread) <= set(read(text).unread)


@pytest.mark.parametrize(
    "text",
    [
        "it is a happy red fox. in the forest. in the village.",
        "a red fox stands left of a blue bear. the bear stands left of the fox.",
        "a happy red fox waves. the fox is sad.",
    ],
)
def test_a_text_that_contradicts_itself_is_caught(text):
    assert check_text(text)[0]


def test_a_text_must_be_text():
    with pytest.raises(ValueError, match="is a str, got int"):
        read(3)


def test_a_value_without_words_is_refused():
    with pytest.raises(ValueError, match="no words for place moon"):
        words.table("place", ("moon",), {})


def test_articles_fit_and_the_text_is_clean(told):
    for _, _, result in told:
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  | [.,;]", result.text), result.text
        assert result.text == result.text.lower().strip()
        assert result.text.endswith(".")


def test_every_phrase_is_used(told):
    texts = " ".join(result.text for _, _, result in told)
    tables = (words.FEELS, words.DOES, words.WEARS, words.WHERE_CHARACTER, words.PLACE,
              words.TIME, words.WEATHER, words.STYLE, words.CAMERA)  # fmt: skip
    phrases = [p for table in tables for group in table.values() for p in group]
    assert not [p for p in phrases if p not in texts]


def test_scenes_that_look_different_have_different_complete_captions(scenes):
    looks = {s.visible(): s for s in scenes["train"][:1500]}
    assert len({caption(s) for s in looks.values()}) == len(looks)
