"""Splits share nothing, hold out what they promise, and are fair to every value."""

import os
import subprocess
import sys
from collections import Counter
from itertools import combinations, product
from statistics import NormalDist

import numpy as np
import pytest
import torch

from mmcourse.storyworld import ATTRIBUTES, held_out, held_out_pairs, sample_scene
from mmcourse.storyworld.world import sampling
from mmcourse.storyworld.world.sampling import CLOSE, INTERACTING, STYLE_SHARES, tables
from mmcourse.storyworld.world.vocabulary import INTERACTIONS

SEEN = ("train", "val", "test")
NOUNS = {
    "species": ("colour", "accessory", "mood", "action"),
    "kind": ("thing_colour",),
    "place": ("time", "weather"),
}


def pairs_shown(scene):
    """((attribute, value), (attribute, value)) of each noun with what is said of it."""
    for c in scene.characters:
        for attribute in NOUNS["species"]:
            yield ("species", c.species), (attribute, getattr(c, attribute))
    for t in scene.things:
        yield ("kind", t.kind), ("thing_colour", t.colour)
    for attribute in NOUNS["place"]:
        yield ("place", scene.place), (attribute, getattr(scene, attribute))


def is_held_out(pair):
    (a, x), (b, y) = pair
    return (x, y) in held_out(a, b)


def chi_square_limit(freedom, p=1e-4):
    """Wilson and Hilferty's approximation of the value that chance exceeds with probability p."""
    z = NormalDist().inv_cdf(1 - p)
    return freedom * (1 - 2 / (9 * freedom) + z * (2 / (9 * freedom)) ** 0.5) ** 3


def chi_square(counts, expected):
    return sum((counts[k] - e) ** 2 / e for k, e in expected.items())


# Splits


def test_no_scene_is_in_two_splits(scenes):
    prints = {split: {s.fingerprint() for s in found} for split, found in scenes.items()}
    for a, b in combinations(prints, 2):
        assert not prints[a] & prints[b], f"{a} and {b} share a scene"


def test_the_splits_that_share_all_pairs_own_disjoint_buckets_of_scenes(scenes):
    """A few thousand scenes meet by chance too rarely: look at what decides where one belongs."""
    buckets = {split: {s.fingerprint() % 16 for s in scenes[split]} for split in SEEN}
    for a, b in combinations(SEEN, 2):
        assert not buckets[a] & buckets[b]
    assert set().union(*buckets.values()) == set(range(16))


def test_only_compositional_shows_held_out_pairs(scenes):
    for split in SEEN:
        assert not [p for s in scenes[split] for p in pairs_shown(s) if is_held_out(p)]
        assert not any(held_out_pairs(s) for s in scenes[split])
    for scene in scenes["compositional"]:
        shown = [(x, y) for (a, x), (b, y) in pairs_shown(scene) if is_held_out(((a, x), (b, y)))]
        assert shown
        assert sorted(held_out_pairs(scene)) == sorted(shown)


def test_the_tables_are_each_noun_with_what_is_said_of_it():
    found = [pair for group in ("character", "thing", "scene") for pair in tables(group)]
    assert sorted(found) == sorted((a, b) for a, others in NOUNS.items() for b in others)


@pytest.mark.parametrize(("a", "b"), [(a, b) for a in NOUNS for b in NOUNS[a]])
def test_a_fifth_of_each_table_is_held_out_and_every_value_is_still_taught(a, b, scenes):
    cells = set(product(ATTRIBUTES[a], ATTRIBUTES[b]))
    held = held_out(a, b)
    assert held < cells
    assert len(cells) / 5 <= len(held) <= len(cells) / 3
    kept = cells - held
    for x in ATTRIBUTES[a]:
        assert sum(cell[0] == x for cell in kept) >= len(ATTRIBUTES[b]) / 2
    for y in ATTRIBUTES[b]:
        assert sum(cell[1] == y for cell in kept) >= len(ATTRIBUTES[a]) / 2
    shown = {
        split: {(x, y) for s in found for (p, x), (q, y) in pairs_shown(s) if (p, q) == (a, b)}
        for split, found in scenes.items()
    }
    assert shown["train"] == kept
    assert held <= shown["compositional"]


# Frequencies


def values(scenes, attribute):
    if attribute in ("kind", "thing_colour"):
        return [getattr(t, attribute.removeprefix("thing_")) for s in scenes for t in s.things]
    if attribute in NOUNS["place"] or attribute == "place":
        return [getattr(s, attribute) for s in scenes]
    return [getattr(c, attribute) for s in scenes for c in s.characters]


def acts(scene, character):
    act = scene.interaction
    return act is not None and character.position in (act.by, act.to)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_value_is_equally_frequent_in_train(attribute, scenes):
    found = values(scenes["train"], attribute)
    if attribute == "action":  # whoever interacts stands: see the test of interactions
        found = [c.action for s in scenes["train"] for c in s.characters if not acts(s, c)]
    expected = dict.fromkeys(ATTRIBUTES[attribute], len(found) / len(ATTRIBUTES[attribute]))
    assert chi_square(Counter(found), expected) < chi_square_limit(len(expected) - 1)


def test_one_two_and_three_characters_in_50_35_and_15_percent(scenes):
    n = len(scenes["train"])
    expected = {1: 0.50 * n, 2: 0.35 * n, 3: 0.15 * n}
    counts = Counter(len(s.characters) for s in scenes["train"])
    assert chi_square(counts, expected) < chi_square_limit(2)


def test_one_attribute_of_an_animal_does_not_tell_another(scenes):
    """Held-out pairs tie each attribute to the species, but must not tie, say, colour to mood."""
    characters = [c for s in scenes["train"] for c in s.characters if not acts(s, c)]
    awake = [c for c in characters if c.action != "sleeping"]  # nobody sleeps angry or surprised
    for species, (a, b) in product(ATTRIBUTES["species"], combinations(NOUNS["species"], 2)):
        who = awake if {a, b} == {"mood", "action"} else characters
        found = [(getattr(c, a), getattr(c, b)) for c in who if c.species == species]
        rows, columns = Counter(x for x, _ in found), Counter(y for _, y in found)
        expected = {(x, y): rows[x] * columns[y] / len(found) for x in rows for y in columns}
        freedom = (len(rows) - 1) * (len(columns) - 1)
        statistic = chi_square(Counter(found), expected)
        assert statistic < chi_square_limit(freedom, 1e-5), f"{species}: {a} and {b}"


def test_styles_cameras_and_interactions_have_their_shares(scenes):
    found = scenes["train"]
    expected = {k: share / 100 * len(found) for k, share in STYLE_SHARES.items()}
    assert chi_square(Counter(s.style for s in found), expected) < chi_square_limit(3)
    lone = [s for s in found if len(s.characters) == 1]
    several = [s for s in found if len(s.characters) > 1]
    assert abs(sum(s.camera == "close" for s in lone) / len(lone) - CLOSE) < 0.04
    kinds = Counter(s.interaction and s.interaction.kind for s in several)
    assert abs(1 - kinds.pop(None) / len(several) - INTERACTING) < 0.04
    assert min(kinds.values()) > 0.5 * max(kinds.values())


def test_every_species_interacts_in_training(scenes):
    kinds = {
        (scene.interaction.kind, c.species)
        for scene in scenes["train"]
        for c in scene.characters
        if acts(scene, c)
    }
    assert kinds == set(product(INTERACTIONS, ATTRIBUTES["species"]))


def test_a_style_can_be_asked_for_and_changes_nothing_else():
    for i in range(20):
        drawn = [sample_scene("train", i, style=s) for s in STYLE_SHARES]
        assert [s.style for s in drawn] == list(STYLE_SHARES)
        assert len({(s.characters, s.things, s.place, s.interaction) for s in drawn}) == 1
    with pytest.raises(ValueError, match="'oil' does not exist"):
        sample_scene("train", 0, style="oil")


def test_things_stand_where_no_lone_character_stands(scenes):
    for scene in scenes["train"] + scenes["compositional"]:
        if len(scene.characters) == 1:
            assert scene.characters[0].position not in {t.position for t in scene.things}


# Purity


DIGEST = """
import hashlib
from mmcourse.storyworld import caption, sample_scene
from mmcourse.storyworld import render
digest = hashlib.sha256()
for split in ("train", "val", "test", "compositional"):
    for index in (0, 7, 10**9):
        scene = sample_scene(split, index, seed=3)
        digest.update(scene.to_json().encode() + render(scene, 32).tobytes())
        digest.update((caption(scene, index) + caption(scene, index, complete=False)).encode())
found = digest.hexdigest()
"""


def test_scenes_captions_and_pictures_are_the_same_in_another_process():
    here: dict[str, str] = {}
    exec(DIGEST, here)
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"
    there = subprocess.run(
        [sys.executable, "-c", DIGEST + "print(found)"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here["found"]


def test_a_scene_depends_on_seed_split_and_index_alone(scenes):
    sampling._scene.cache_clear()
    for index in (40, 3, 17):  # in another order than they were first drawn in
        assert sample_scene("train", index) == scenes["train"][index]
    drawn = {
        sample_scene(split, index, seed)
        for split, index, seed in product(("train", "val", "test"), range(20), range(3))
    }
    assert len(drawn) > 170  # a few may look alike by chance


def test_what_is_remembered_is_what_would_be_drawn(scenes):
    assert sample_scene("test", 5) is sample_scene("test", 5)
    asked = product(("test", "compositional"), (0, 5), (0, 1, True), (None, "neon"))
    for split, index, seed, style in asked:
        drawn = sampling._scene.__wrapped__(split, index, seed, style)
        assert sample_scene(split, index, seed, style) == drawn


def test_an_index_is_a_whole_number_of_any_type(scenes):
    for index in (np.int64(3), torch.tensor(3), np.array(3)):
        assert sample_scene("train", index) == scenes["train"][3]
    with pytest.raises(TypeError):
        sample_scene("train", 3.0)


@pytest.mark.parametrize(
    ("split", "index", "named"),
    [("dev", 0, "'dev'.*train.*compositional"), ("train", -1, "0 or more, got -1")],
)
def test_an_unknown_split_and_a_negative_index_are_refused(split, index, named):
    with pytest.raises(ValueError, match=named) as error:
        sample_scene(split, index)
    assert "\n" not in str(error.value)
