"""Glimpses: short, true, about every attribute alike, in words of the world."""

from collections import Counter

from mmcourse.joint.glimpses import glimpse
from mmcourse.joint.negatives import is_true
from mmcourse.storyworld import Character, Interaction, Scene, Tokenizer, sample_scene
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world.facts import facts, truths

SCENES = [sample_scene("train", i) for i in range(400)]
THINGS = [(s, glimpse(s, key, things=True)) for s in SCENES for key in range(5)]
GLIMPSES = [(scene, glimpse(scene, key)) for scene in SCENES for key in range(5)]
PHRASES = {"mood": w.FEELS, "accessory": w.WEARS | {"none": w.BARE}, "action": w.DOES,
           "place": w.PLACE, "time": w.TIME, "weather": w.WEATHER}  # fmt: skip


def test_what_a_glimpse_says_is_true_and_is_what_its_words_say():
    for scene, seen in GLIMPSES + THINGS:
        assert seen.facts <= facts(scene)
        assert is_true(seen.said, truths(scene))
        rest = seen.text
        for _, attribute, value in seen.said:
            said = PHRASES.get(attribute, {}).get(value, (value,))
            found = [phrase for phrase in said if f" {phrase} " in f" {seen.text} "]
            assert found, (seen.text, attribute, value)
            rest = rest.replace(max(found, key=len), "", 1)
        assert rest.split() in (["a"], ["an"]), (seen.text, rest)


def test_it_speaks_of_one_animal_and_of_one_or_two_things_about_it():
    counts = Counter(len(seen.said) - 1 for _, seen in GLIMPSES)
    assert set(counts) == {1, 2}
    assert 0.25 < counts[2] / len(GLIMPSES) < 0.42
    said = Counter(k for _, seen in GLIMPSES for _, k, _ in seen.said if k != "species")
    assert set(said) == {"colour", "accessory", "mood", "action", "place", "time", "weather"}
    assert max(said.values()) < 1.5 * min(said.values())


def test_where_there_are_things_half_of_the_glimpses_are_of_one_if_wanted():
    of_things = [(s, g) for s, g in THINGS if any(k == "kind" for _, k, _ in g.said)]
    with_things = [s for s, _ in THINGS if s.things]
    assert 0.45 < len(of_things) / len(with_things) < 0.55
    said = Counter(k for _, g in of_things for _, k, _ in g.said)
    assert 0.6 < said["colour"] / said["kind"] < 0.8
    assert 0.2 < sum(said[k] for k in ("place", "time", "weather")) / said["kind"] < 0.3
    assert not any(k == "kind" for _, g in GLIMPSES for _, k, _ in g.said)
    for _, seen in of_things:
        assert {who for who, _, _ in seen.said} <= {"thing 1", "scene"}


def test_it_is_told_in_words_of_the_world_and_shortly():
    Tokenizer().encode([seen.text for _, seen in GLIMPSES])
    assert max(len(seen.text.split()) for _, seen in GLIMPSES) <= 15


def test_another_key_another_glimpse_and_the_same_key_the_same():
    assert len({glimpse(SCENES[0], key).text for key in range(40)}) > 12
    assert [glimpse(s, 3) for s in SCENES[:20]] == [glimpse(s, 3) for s in SCENES[:20]]


def test_nobody_who_walks_is_said_to_stand():
    fox = Character("fox", "red", position="left", name="Alma")
    bear = Character("bear", "blue", position="right", name="Pip")
    walk = Scene((fox, bear), interaction=Interaction("follow", "left", "right"))
    told = [glimpse(walk, key) for key in range(60)]
    assert not any(k == "action" for seen in told for _, k, _ in seen.said)
