"""The pictures that the judge is trained on: a hero, the hero elsewhere, and its double."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmcourse.storyworld import sample_scene
from mmcourse.storyworld.drawing.render import render
from mmcourse.storyworld.judge import data as judge_data
from mmcourse.storyworld.judge.data import OTHER_SEED, draw_album, family
from mmcourse.storyworld.judge.reading import FIELDS, targets
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import visible


@pytest.fixture(scope="module")
def album():
    return draw_album(8, 16)


@pytest.fixture(scope="module")
def families():
    return [
        (split, i, family(split, i)) for split in ("train", "compositional") for i in range(100)
    ]


LOOK = ("species", "colour", "accessory")


def test_a_hero_is_itself_elsewhere_and_its_double_differs_in_identity_alone(families):
    for _, _, found in families:
        first, again, double = (s.at(p) for s, p in zip(found.scenes, found.heroes, strict=True))
        assert len({tuple(getattr(c, k) for k in LOOK) for c in (first, again, double)}) == 1
        assert again.identity == first.identity
        assert double.identity != first.identity
        assert len(first.identity) == len(double.identity) == 8


def test_a_family_is_of_sampled_scenes_with_one_role_played_by_the_hero(families):
    for split, i, found in families:
        assert found.scenes[0] == sample_scene(split, 3 * i)
        for k in (1, 2):
            scene, hero = found.scenes[k], found.scenes[k].at(found.heroes[k])
            played = {name: getattr(hero, name) for name in (*LOOK, "identity")}
            stages = (sample_scene(split, 3 * i + k + 1_000_003 * tries) for tries in range(50))
            assert any(
                tuple(replace(c, **played) if c.position == hero.position else c
                      for c in stage.characters) == scene.characters
                and replace(scene, characters=stage.characters) == stage
                for stage in stages
            )  # fmt: skip


def test_the_hero_is_found_at_every_position_and_elsewhere_lives_differ(families):
    for k in range(3):
        assert {found.heroes[k] for _, _, found in families} == set(v.POSITIONS)
        for n in (2, 3):
            crowds = [f for _, _, f in families if len(f.scenes[k].characters) == n]
            at = [[c.position for c in f.scenes[k].characters].index(f.heroes[k]) for f in crowds]
            assert min(np.bincount(at, minlength=n)) > len(at) / (3 * n), "one of them is hardly it"
    for attribute in ("place", "time", "weather"):
        values = [[getattr(s, attribute) for s in found.scenes] for _, _, found in families]
        assert np.mean([a != b for a, b, _ in values]) > 0.5
        assert np.mean([b != c for _, b, c in values]) > 0.5


def test_a_family_is_a_function_of_split_index_seed_and_style():
    assert family("train", 5, 1) == family("train", 5, 1)
    others = [family("train", 5, 2), family("train", 6, 1), family("compositional", 5, 1)]
    assert all(other != family("train", 5, 1) for other in others)
    assert {s.style for i in range(5) for s in family("train", i, style="neon").scenes} == {"neon"}


def check_row(album, i, found, size):
    """Row i of an album is this family."""
    for k, (scene, hero) in enumerate(zip(found.scenes, found.heroes, strict=True)):
        assert np.array_equal(album.pixels[i, k].numpy(), np.asarray(render(scene, size)))
        assert album.targets[i, k].tolist() == targets(scene)
        assert v.POSITIONS[album.heroes[i, k]] == hero
        for j, position in enumerate(v.POSITIONS):
            shown = album.traits[i, k, j]
            if any(c.position == position for c in scene.characters):
                assert shown.tolist() == pytest.approx(visible(scene.at(position).identity))
            else:
                assert shown.isnan().all()


def test_an_album_holds_families_of_its_splits_in_turn(album):
    assert album.pixels.shape == (8, 3, 16, 16, 3)
    assert album.pixels.dtype == torch.uint8
    assert album.targets.shape == (8, 3, len(FIELDS))
    assert album.heroes.shape == (8, 3)
    for i in range(8):
        check_row(album, i, family(("train", "compositional")[i % 2], i, OTHER_SEED), 16)
    other = draw_album(2, 24, seed=3, splits=("test",), style="sketch")
    for i in range(2):
        check_row(other, i, family("test", i, 3, "sketch"), 24)


def test_two_processes_draw_the_same_bytes_as_one(monkeypatch):
    pools, pool_of = [], judge_data.pool_of

    def watched(workers):
        pools.append(workers)
        return pool_of(workers)

    monkeypatch.setattr(judge_data, "pool_of", watched)
    arguments = {"size": 16, "splits": ("train",), "style": "flat"}
    apart = draw_album(500, **arguments, workers=2)
    assert pools == [2]
    alone = draw_album(70, **arguments, workers=2)
    assert pools == [2], "a few pictures pay for no processes"
    for name in ("pixels", "targets", "heroes", "traits"):
        assert len(getattr(apart, name)) == 500
        torch.testing.assert_close(
            getattr(apart, name)[:70], getattr(alone, name), rtol=0, atol=0, equal_nan=True
        )
    for i in (128, 300, 499):
        check_row(apart, i, family("train", i, OTHER_SEED, "flat"), 16)


def test_crowds_are_families_like_others_of_three_characters():
    for i in range(20):
        found = family("train", i, least=3)
        assert {len(scene.characters) for scene in found.scenes} == {3}
        heroes = [s.at(p) for s, p in zip(found.scenes, found.heroes, strict=True)]
        assert len({tuple(getattr(c, k) for k in LOOK) for c in heroes}) == 1
    album = draw_album(3, 16, least=3)
    assert not album.traits.isnan().any(), "somebody is missing"
    plain = [family("train", i, least=1) for i in range(10)]
    assert plain == [family("train", i) for i in range(10)]
