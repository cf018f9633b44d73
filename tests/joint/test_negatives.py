"""A caption is no negative of a picture of which it is true, whomever of the picture it means."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch

from mmcourse.joint.negatives import is_true, true_of_siblings
from mmcourse.joint.pairs import caption_for_training, storyworld_pairs
from mmcourse.storyworld import Character, Scene, Thing, describe, sample_family
from mmcourse.storyworld.check import check_scene
from mmcourse.storyworld.facts import truths

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


def by_brute_force(caption, scene):
    """All ways to put the scene's characters and things in the place of those that are told of."""
    told = sorted({who for who, _, _ in caption.said if who != "scene"})
    there = sorted({who for who, _, _ in truths(scene) if who != "scene"})
    for chosen in permutations(there, len(told)):
        name = dict(zip(told, chosen))
        if {(name.get(a, a), k, name.get(b, b)) for a, k, b in caption.said} <= truths(scene):
            return True
    return False


@pytest.mark.parametrize("complete", [True, False])
def test_the_siblings_of_which_a_caption_is_true_are_marked_and_no_others(complete):
    scenes = [s for i in range(25) for s in sample_family("train", i, 4)]
    captions = [describe(s, key, complete) for key, s in enumerate(scenes)]
    found = true_of_siblings(captions, scenes, 4)
    assert (found.shape, found.dtype) == ((100, 100), torch.bool)
    assert not found.diagonal().any(), "its own picture is the one that a caption has to find"
    for i, caption in enumerate(captions):
        assert is_true(caption.said, truths(scenes[i]))
        for j, scene in enumerate(scenes):
            if i // 4 != j // 4:
                assert not found[i, j]
            elif i != j:
                assert found[i, j] == by_brute_force(caption, scene)
                assert found[i, j] == (check_scene(caption.text, scene) == ([], ())), caption.text
    assert found.any()


def test_a_complete_caption_is_true_of_a_sibling_only_where_it_is_silent():
    """What it leaves out is that a head is bare."""
    dressed = replace(SCENE, characters=(FOX, replace(BEAR, accessory="crown")))
    for key in range(40):
        mentioned = any(attribute == "accessory" and value == "none"
                        for _, attribute, value in describe(SCENE, key).said)  # fmt: skip
        found = true_of_siblings([describe(s, key) for s in (SCENE, dressed)], [SCENE, dressed], 2)
        assert found[0, 1] == (not mentioned)
        assert not found[1, 0]


def test_training_knows_the_mask_of_the_captions_that_it_shows():
    pairs = storyworld_pairs(32, size=16, family=8)
    scenes = [s for i in range(4) for s in sample_family("train", i, 8)]
    for step in range(3):
        index = pairs.batch(step, 16).tolist()
        captions = [caption_for_training(scenes[i], step + i) for i in index]
        assert [c.text for c in captions] == [pairs.captioner(i, step) for i in index]
        expected = true_of_siblings(captions, [scenes[i] for i in index], 8)
        assert torch.equal(pairs.ignored(index, step), expected)
    assert storyworld_pairs(8, size=16).ignored is None
