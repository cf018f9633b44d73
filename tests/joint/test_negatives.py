"""A caption is no negative of a picture of which it is true, whomever of the picture it means."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch

from mmcourse.joint.glimpses import glimpse
from mmcourse.joint.negatives import is_true, true_of
from mmcourse.joint.pairs import caption_for_training, storyworld_pairs
from mmcourse.storyworld import (
    Caption,
    Character,
    Scene,
    Thing,
    describe,
    sample_family,
    sample_scene,
)
from mmcourse.storyworld.language.check import check_scene
from mmcourse.storyworld.world.facts import truths

FOX = Character("fox", "orange", accessory="hat", mood="sad", position="left", name="Alma")
BEAR = Character("bear", "red", mood="sad", position="right", name="Pip")
SCENE = Scene((FOX, BEAR), (Thing("ball", "green", "left"),), place="beach")


def said(*facts):
    return frozenset(facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([("scene", "place", "beach")], True),
        ([("scene", "place", "forest")], False),
        ([("character 1", "species", "bear"), ("character 1", "mood", "sad")], True),
        ([("character 1", "species", "bear"), ("character 1", "accessory", "hat")], False),
        ([("character 1", "species", "bear"), ("character 1", "position", "left")], False),
        ([("character 1", "species", "bear"), ("character 2", "species", "bear")], False),
        ([(f"character {n}", "species", s) for n, s in enumerate(["bear", "fox"], 1)], True),
        ([(f"character {n}", "species", s) for n, s in enumerate(["fox"] * 3, 1)], False),
        ([("thing 1", "kind", "ball"), ("thing 1", "colour", "green")], True),
        ([("thing 1", "kind", "ball"), ("thing 1", "colour", "red")], False),
        (
            [
                ("character 1", "species", "bear"),
                ("character 2", "species", "fox"),
                ("character 1", "right of", "character 2"),
            ],
            True,
        ),
        (
            [
                ("character 1", "species", "bear"),
                ("character 2", "species", "fox"),
                ("character 1", "left of", "character 2"),
            ],
            False,
        ),
    ],
)
def test_a_text_is_true_if_some_way_to_take_it_is(facts, expected):
    assert is_true(said(*facts), truths(SCENE)) is expected
    caption = Caption("", frozenset(), said(*facts))
    assert true_of([caption], [SCENE]).tolist() == [[expected]]


def by_brute_force(caption, scene):
    """All ways to put the scene's characters and things in the place of those that are told of."""
    told = sorted({who for who, _, _ in caption.said if who != "scene"})
    there = sorted({who for who, _, _ in truths(scene) if who != "scene"})
    for chosen in permutations(there, len(told)):
        name = dict(zip(told, chosen))
        if {(name.get(a, a), k, name.get(b, b)) for a, k, b in caption.said} <= truths(scene):
            return True
    return False


@pytest.mark.parametrize("tell", ["complete", "partial", "glimpse"])
def test_a_caption_is_known_to_be_true_of_whatever_it_is_true_of(tell):
    scenes = [s for i in range(25) for s in sample_family("train", i, 4)]
    if tell == "glimpse":
        captions = [glimpse(s, key) for key, s in enumerate(scenes)]
    else:
        captions = [describe(s, key, tell == "complete") for key, s in enumerate(scenes)]
    found = true_of(captions, scenes)
    assert (found.shape, found.dtype) == ((100, 100), torch.bool)
    assert found.diagonal().all(), "of its own picture"
    for i, caption in enumerate(captions):
        for j, scene in enumerate(scenes):
            assert found[i, j] == is_true(caption.said, truths(scene)), (caption.text, j)
            if i // 4 == j // 4:
                assert found[i, j] == by_brute_force(caption, scene)
                if tell != "glimpse":
                    assert found[i, j] == (check_scene(caption.text, scene) == ([], ()))
    assert found.sum() > 100
    strangers = found[:, torch.arange(100) // 4 != 0]
    assert strangers[:4].any() == (tell != "complete"), "a glimpse is true of strangers too"


def test_captions_and_scenes_need_not_be_as_many():
    scenes = [sample_scene("train", i) for i in range(12)]
    captions = [glimpse(s, key) for s in scenes for key in range(3)]
    found = true_of(captions, scenes)
    assert found.shape == (36, 12)
    assert found[torch.arange(36), torch.arange(36) // 3].all()
    assert torch.equal(found[:, 4:7], true_of(captions, scenes[4:7]))
    assert torch.equal(found[5:9], true_of(captions[5:9], scenes))


def test_a_complete_caption_is_true_of_a_sibling_only_where_it_is_silent():
    """What it leaves out is that a head is bare."""
    dressed = replace(SCENE, characters=(FOX, replace(BEAR, accessory="crown")))
    for key in range(40):
        mentioned = any(attribute == "accessory" and value == "none"
                        for _, attribute, value in describe(SCENE, key).said)  # fmt: skip
        found = true_of([describe(s, key) for s in (SCENE, dressed)], [SCENE, dressed])
        assert found[0, 1] == (not mentioned)
        assert not found[1, 0]


@pytest.mark.parametrize("captions", [1, 3])
def test_training_knows_what_the_captions_that_it_shows_are_true_of(captions):
    pairs = storyworld_pairs(32, size=16, family=8, captions=captions)
    scenes = [s for i in range(4) for s in sample_family("train", i, 8)]
    for step in range(3):
        batch = pairs.show(pairs.batch(step, 16), step, torch.device("cpu"))
        told = [caption_for_training(scenes[i], step + i) if turn % captions == 0
                else glimpse(scenes[i], turn)
                for i in batch.index
                for turn in range(captions * step, captions * (step + 1))]  # fmt: skip
        ids, _ = pairs.tokenizer.encode([c.text for c in told])
        assert torch.equal(batch.ids, ids)
        expected = true_of(told, [scenes[i] for i in batch.index])
        assert torch.equal(batch.true, expected)
        assert torch.equal(batch.of, torch.arange(16).repeat_interleave(captions))
        n = len(batch.of)
        for i in range(n):
            for j in range(n):
                same = i != j and bool(expected[i, batch.of[j]])
                assert batch.ignored[i, j] == same


def test_strangers_with_one_caption_each_are_taken_for_strangers():
    pairs = storyworld_pairs(8, size=16)
    batch = pairs.show(pairs.batch(0, 8), 0, torch.device("cpu"))
    assert pairs.truth is batch.true is batch.ignored is None
