"""What the cards state: a hero kept, the double of the same words, recipes and cards."""

import dataclasses

import pytest
import torch

from mmcourse.diffusion import measure as text_measure
from mmcourse.diffusion.generate import Way
from mmcourse.dit import fast_recipe, measure, recipe
from mmcourse.dit.measure import bytes_of, identities_at, identity_metrics, kept, with_identity
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan
from mmcourse.dit.recipe import BANDS, RECIPES, SOURCES, Recipe, train_dit
from mmcourse.hub import read_card, weights_hash
from mmcourse.storyworld import describe, render, render_bytes
from mmcourse.storyworld.judge.data import family
from mmcourse.storyworld.judge.network import Judge
from mmcourse.training import sources_hash
from mmcourse.vqgan.features import Features

from .conftest import awake, heroes, small_dit


class Same:
    """An autoencoder that loses nothing that the judge would miss; its latents are small."""

    def encode(self, x):
        small = torch.nn.functional.avg_pool2d(x, x.shape[-1] // 8)
        return torch.cat([small, small[:, :1]], 1)

    def decode(self, z):
        return torch.nn.functional.interpolate(z[:, :3], scale_factor=8.0).clamp(-1, 1)


@pytest.fixture(scope="module")
def judge():
    return Judge.from_pretrained("judge").eval()


def test_a_double_differs_in_its_identity_alone():
    one = family("test", 3, seed=1)
    scene, place = one.scenes[0], one.heroes[0]
    double = with_identity(scene, place, one.scenes[2].at(one.heroes[2]).identity)
    assert double.at(place).identity != scene.at(place).identity
    assert dataclasses.replace(double.at(place), identity=()) == dataclasses.replace(
        scene.at(place), identity=()
    )
    assert double.fingerprint() == scene.fingerprint()
    assert describe(double, key=0).text == describe(scene, key=0).text


def test_true_pictures_of_the_hero_are_told_from_the_double(judge):
    """The oracle: the hero's own picture, moved by a pixel."""
    families = [family("test", i, seed=1) for i in range(8)]
    scenes, places = [f.scenes[0] for f in families], [f.heroes[0] for f in families]
    doubles = [
        with_identity(s, p, f.scenes[2].at(f.heroes[2]).identity)
        for f, s, p in zip(families, scenes, places)
    ]
    true, other = render_bytes(scenes, 128), render_bytes(doubles, 128)
    hero, double = (identities_at(judge, p, places) for p in (true, other))
    moved = identities_at(judge, true.roll(1, 2), places)
    assert kept(moved, hero, double) > 0.9
    assert kept(identities_at(judge, other.roll(1, 2), places), hero, double) < 0.1
    assert torch.allclose(hero.norm(dim=1), torch.ones(8), atol=1e-4)


def test_identity_is_measured_with_and_without_the_portrait(judge, reader, monkeypatch):
    seen = []

    def drawn(model, latents, reader, texts, references=None):
        seen.append((texts, references))
        return render_bytes([family("test", i, seed=1).scenes[0] for i in range(4)], 64)

    monkeypatch.setattr(measure, "draw_heroes", drawn)
    found = identity_metrics(small_dit(), Same(), reader, judge, 4, size=64)
    assert found["identity"]["value"] == found["identity_unshown"]["value"] == 1.0
    assert all(m["chance"] == 0.5 and m["n"] == 4 for m in found.values())
    assert {"identity", "identity_unshown", "identity_round_trip"} == found.keys()
    assert [references is None for _, references in seen] == [False, True]
    first = family("test", 0, seed=1)
    assert seen[0][0][0] == describe(first.scenes[0], key=0).text
    assert not torch.equal(seen[0][1][0], seen[0][1][1])


def test_pictures_as_bytes():
    scene = family("test", 0, seed=1).scenes[0]
    assert torch.equal(bytes_of([render(scene, 64)]), render_bytes([scene], 64))


def test_a_student_is_not_compared_with_more_steps(judge, reader):
    student = awake(small_dit(windows=4))
    way = Way(steps=4, guidance=1.0, sampler="euler")
    found = text_measure.text_metrics(
        student, Same(), reader, judge, 4, size=64, way=way, many=None
    )
    assert "steps_4_scene" in found
    assert not any(name.startswith(("unguided", "steps_48")) for name in found)
    assert all(name.split("_")[0] in BANDS for name in found)


def test_a_card_is_written_at_the_smallest_tier(reader, tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr(recipe, "weights_hash", lambda name: "tower")
    monkeypatch.setattr(recipe, "build_dit", lambda tower, *others: small_dit(tower=tower))
    monkeypatch.setattr(recipe.TextReader, "of_joint", lambda device: reader)
    monkeypatch.setattr(recipe, "cached_heroes", lambda n, seed: heroes_of(n, told, seed))
    value = {"value": 0.5, "n": 4, "chance": 0.5}
    monkeypatch.setattr(recipe, "measure_dit", lambda model, n: {"identity": value})
    monkeypatch.setitem(RECIPES, "smoke", Recipe(4, Plan(2, 2), measured=4))
    train_dit(tmp_path, "smoke", seed=5)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train dit --tier smoke --seed 5 --precision no"
    assert card["metrics"]["identity"]["band"] == BANDS["identity"]
    assert told == {"n": 4, "seed": 5}
    assert card["sources"] == sources_hash(SOURCES)
    assert (tmp_path / "model.safetensors").stat().st_size < 300_000


def test_a_students_card_names_its_teacher(reader, tmp_path, monkeypatch):
    teacher = tmp_path / "teacher"
    small_dit(tower=reader.name).save_pretrained(teacher)
    told = {}
    value = {"value": 0.5, "n": 4, "chance": 0.5}
    monkeypatch.setattr(fast_recipe.TextReader, "of_joint", lambda device: reader)
    monkeypatch.setattr(fast_recipe, "cached_heroes", lambda n, seed: heroes_of(n, told, seed))
    monkeypatch.setattr(fast_recipe, "measure_dit", lambda model, n: {"identity": value})
    monkeypatch.setitem(fast_recipe.RECIPES, "smoke", Recipe(4, fast_recipe.gentle(2, 2), 4))
    fast_recipe.train_dit_fast(tmp_path / "student", "smoke", seed=5, teacher=str(teacher))
    card = read_card(tmp_path / "student")
    assert card["command"] == "mmcourse train dit-fast --tier smoke --seed 5 --precision no"
    assert card["data"].endswith(f"dit {weights_hash(teacher)}")
    assert card["metrics"]["identity"]["band"] == BANDS["identity"]
    assert card["sources"] == sources_hash(fast_recipe.SOURCES)
    assert "error" in card["history"]
    assert DiT.from_pretrained(tmp_path / "student").windows == 4


def heroes_of(n, told, seed):
    told.update(n=n, seed=seed)
    few = heroes(n)
    wide = Features.from_pretrained("features").heads["kind"].in_channels
    dice = torch.Generator().manual_seed(0)
    return dataclasses.replace(few, seen=torch.randn(*few.seen.shape[:2], wide, generator=dice))
