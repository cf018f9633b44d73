"""Siblings: scenes of one split that differ by one thing."""

import contextlib
from itertools import product

import pytest

from mmcourse.storyworld import facts, held_out_pairs, sample_family, sample_scene


def differences(a, b):
    """The (who, attribute) pairs of which two scenes say different things."""
    return {(who, attribute) for who, attribute, _ in facts(a) ^ facts(b)}


def families(split, n=40, size=8):
    return [sample_family(split, i, size) for i in range(n)]


@pytest.mark.parametrize("split", ["train", "compositional"])
def test_a_family_is_a_scene_and_its_siblings_all_of_one_split(split, scenes):
    for index, family in enumerate(families(split)):
        assert family[0] == scenes[split][index]
        assert len({s.visible() for s in family}) == len(family) == 8


def test_no_family_brings_a_scene_into_another_split(scenes):
    buckets = {
        split: {s.fingerprint() % 16 for s in scenes[split]} for split in ("train", "val", "test")
    }
    small = {"train": families("train"), "val": pairs_of("val"), "test": pairs_of("test")}
    for split, found in buckets.items():
        members = [s for family in small[split] for s in family]
        assert len(members) >= 40
        for scene in members:
            assert scene.fingerprint() % 16 in found
            assert not held_out_pairs(scene)
    for scene in (s for family in families("compositional") for s in family):
        assert held_out_pairs(scene)


def pairs_of(split):
    """The scenes of a small split that have a sibling in it."""
    found = []
    for index in range(60):
        with contextlib.suppress(ValueError):
            found.append(sample_family(split, index, 2))
    return found


@pytest.mark.parametrize("size", [0, -1, 500])
def test_a_family_that_does_not_exist_is_refused_in_one_line(size):
    with pytest.raises(ValueError, match=rf"{size}") as error:
        sample_family("val", 3, size)
    assert "\n" not in str(error.value)


def test_siblings_differ_in_one_attribute_or_in_who_has_it():
    alike = 0
    for family in families("train", 60):
        for sibling in family[1:]:
            changed = differences(family[0], sibling)
            assert len(changed) >= 1
            one = len(changed) == 1
            swapped = len(changed) == 2 and len({attribute for _, attribute in changed}) == 1
            alike += one or swapped
    assert alike > 0.95 * 60 * 7


def test_all_attributes_are_sometimes_what_differs():
    found = {
        attribute
        for family in families("train", 150)
        for sibling in family[1:]
        for _, attribute in differences(family[0], sibling)
    }
    assert found == {
        *("species", "colour", "accessory", "mood", "action", "kind", "place", "time", "weather")
    }


def test_an_exchange_says_the_same_words_of_other_animals():
    exchanged = 0
    for family in families("train", 60):
        for sibling in family[1:]:
            a, b = (
                sorted((attribute, value) for _, attribute, value in facts(s))
                for s in (family[0], sibling)
            )
            exchanged += a == b
    assert exchanged > 20


def test_a_family_depends_on_its_arguments_alone():
    for split, size in product(("train", "compositional"), (1, 3)):
        family = sample_family(split, 5, size, seed=2)
        assert family == sample_family(split, 5, size, seed=2)
        assert family[0] == sample_scene(split, 5, seed=2)
        assert len(family) == size
    assert sample_family("train", 5, 8)[1:] != sample_family("train", 5, 8, seed=1)[1:]


def test_larger_families_begin_with_smaller_ones():
    assert sample_family("train", 3, 12)[:5] == sample_family("train", 3, 5)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split 'dev' does not exist"):
        sample_family("dev", 0, 4)
