"""Recipes, cards and measurements of `unet` and `text-unet`."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from mmcourse.diffusion import data, draw, measure, recipe
from mmcourse.diffusion.adherence import asked
from mmcourse.diffusion.generate import Way
from mmcourse.diffusion.measure import (
    gaussian_pictures,
    measure_text_unet,
    measure_unet,
    nearest,
    read_facts,
    text_metrics,
)
from mmcourse.diffusion.recipe import BANDS, PIXEL_RECIPES, TEXT_RECIPES, Recipe
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.diffusion.train import Plan
from mmcourse.diffusion.unet import PixelUNet
from mmcourse.hub import read_card
from mmcourse.storyworld import caption, render_bytes, sample_scene
from mmcourse.storyworld.judge.network import Judge
from mmcourse.vqgan.latents import LatentAutoencoder

from .conftest import small_unet

HASH = "0" * 12


class Halved:
    """An autoencoder that loses nearly nothing: the picture at half size, a channel twice."""

    def encode(self, x):
        small = F.avg_pool2d(x, 2)
        return torch.cat([small, small[:, :1]], 1)

    def decode(self, z):
        return F.interpolate(z[:, :3], scale_factor=2.0, mode="bilinear").clamp(-1, 1)


def few_steps(monkeypatch):
    """Two steps and two hundred alike take two."""
    levels = TextUNet.forward
    monkeypatch.setattr(measure, "GUIDED", Way(steps=1, guidance=2.0))
    monkeypatch.setattr(measure, "replace", lambda way, **changed: dataclasses.replace(
        way, **{**changed, "steps": 2}))  # fmt: skip
    return levels


@pytest.fixture(scope="module")
def judge():
    return Judge.from_pretrained("judge").eval()


def pictures(n, size=64, split="test"):
    return render_bytes([sample_scene(split, i) for i in range(n)], size)


def test_true_pictures_are_read_as_they_were_asked_for(judge):
    wanted = asked([sample_scene("test", i) for i in range(12)])
    facts = read_facts(judge, pictures(12))
    right = sum(len(a.facts & seen) for a, seen in zip(wanted, facts))
    assert right / sum(len(a.facts) for a in wanted) > 0.95


def test_every_metric_stands_beside_oracle_ceiling_and_chance(reader, judge, monkeypatch):
    few_steps(monkeypatch)
    model = small_unet(shape=(4, 32, 32))
    found = text_metrics(model, Halved(), reader, judge, 6, size=64)
    assert found["oracle_attributes"]["value"] > 0.9
    assert 0.5 < found["round_trip_attributes"]["value"] <= 1
    assert found["drawn_attributes"]["value"] < 0.6
    assert found["drawn_attributes"]["chance"] < found["oracle_attributes"]["value"]
    ratio = found["drawn_species"]["value"] / found["round_trip_species"]["value"]
    assert found["relative_species"]["value"] == pytest.approx(ratio)
    assert {"drawn_pairs", "oracle_pairs", "round_trip_pairs", "frechet"} <= found.keys()
    assert {"steps_1_scene", "steps_200_scene", "unguided_attributes"} <= found.keys()
    assert found["oracle_pairs"]["value"] > 0.8
    assert all(name.split("_")[0] in BANDS for name in found)
    assert found["frechet"]["value"] > found["frechet"]["chance"]


def test_gaussian_pictures_have_mean_and_covariance_of_the_true_ones():
    true = pictures(60, 16)
    drawn = gaussian_pictures(true, 600)
    assert drawn.shape == (600, 16, 16, 3)
    a, b = true.float(), drawn.float()
    assert (a.mean(0) - b.mean(0)).abs().mean() < 5
    assert float((b.std(0) / a.std(0)).mean()) == pytest.approx(1, abs=0.15)


def test_copies_are_found():
    train, others = pictures(20, 16, "train"), pictures(20, 16, "val")
    assert not nearest(train[7:9], (others, train)).any()
    away = nearest(train[7:9], (others,))
    assert torch.equal(away, nearest(train[7:9], others.split(8)))
    assert float(away.min()) > 10


def tiny_pixels():
    torch.manual_seed(0)
    return PixelUNet(size=16, widths=(16, 32), looking=())


def test_a_pixel_run_leaves_a_model_and_its_card(monkeypatch, tmp_path):
    monkeypatch.setitem(PIXEL_RECIPES, "smoke", Recipe(8, Plan(3, 4), measured=3))
    monkeypatch.setattr(recipe, "build_unet", tiny_pixels)
    monkeypatch.setattr(measure, "FREELY", Way(steps=2, guidance=1.0))
    recipe.train_unet(tmp_path, "smoke", seed=2)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train unet --tier smoke --seed 2 --precision no"
    assert card["data"] == "StoryWorld train, 8 scenes at 16 pixels, seed 2"
    assert set(card["metrics"]) == {
        "frechet", "frechet_gaussian", "readable", "readable_true", "nearest",
    }  # fmt: skip
    assert len(card["history"]["loss"]) == 3
    assert not list(tmp_path.glob("checkpoint*"))
    again = measure_unet(PixelUNet.from_pretrained(tmp_path), 3)
    for name, m in again.items():
        assert m["value"] == pytest.approx(card["metrics"][name]["value"])
    with pytest.raises(ValueError, match="precision is 'half'"):
        recipe.train_unet(tmp_path, "smoke", precision="half")
    with pytest.raises(ValueError, match="at least 2"):
        measure_unet(tiny_pixels(), 1)


@pytest.fixture
def tiny_companions(monkeypatch, reader):
    """A small autoencoder and tower in the place of the shipped ones."""
    torch.manual_seed(0)
    model = LatentAutoencoder(dim=4, widths=(16,), depths=(1,), half_width=16).eval()
    monkeypatch.setattr(LatentAutoencoder, "from_pretrained", lambda *a, **k: model)
    monkeypatch.setattr(TextReader, "of_joint", lambda *a, **k: reader)
    for module in (data, draw, recipe):
        monkeypatch.setattr(module, "weights_hash", lambda *a: HASH)
    monkeypatch.setattr(reader, "name", HASH)
    monkeypatch.setitem(TEXT_RECIPES, "smoke", Recipe(4, Plan(2, 2), measured=2))
    monkeypatch.setattr(
        recipe,
        "build_text_unet",
        lambda tower, latents: small_unet(
            shape=(4, 32, 32), widths=(32, 32, 32), looking=(2,), tower=tower, latents=latents
        ),  # which looks at 8 x 8 places, as many as `features` has squares
    )


def test_a_text_run_leaves_a_model_and_its_card(tiny_companions, monkeypatch, tmp_path):
    few_steps(monkeypatch)
    recipe.train_text_unet(tmp_path, "smoke", seed=1)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train text-unet --tier smoke --seed 1 --precision no"
    assert HASH in card["data"]
    model = TextUNet.from_pretrained(tmp_path)
    assert (model.tower, model.latents) == (HASH, HASH)
    assert card["metrics"]["drawn_attributes"]["band"] == BANDS["drawn"]
    monkeypatch.setattr(draw, "weights_hash", lambda *a: "1" * 12)
    with pytest.raises(ValueError, match=r"latents-128 0{12}, here is 1{12}"):
        measure_text_unet(model, 2)
    with pytest.raises(ValueError, match="at least 2"):
        measure_text_unet(model, 1)


def test_latents_are_those_of_the_split_in_half_precision(tiny_companions):
    found = data.cached_latents(3, size=32, split="val", seed=4)
    assert found.dtype == torch.float16
    model = LatentAutoencoder.from_pretrained()
    scenes = [sample_scene("val", i, 4) for i in range(3)]
    expected = data.encoded(model, render_bytes(scenes, 32))
    torch.testing.assert_close(found, expected.half())


def test_complete_captions_come_first_and_each_step_has_another(reader):
    told = data.tell(reader, steps=200, seed=3)
    scene = sample_scene("train", 5, 3)
    assert len({told.caption(5, step) for step in range(28)}) > 20
    for step in (0, 1, 100, 169):
        assert told.caption(5, step) == caption(scene, step + 5, complete=True)
    late = [told.caption(5, step) for step in (170, 171)]
    assert late == [caption(scene, 175, complete=False), caption(scene, 176, complete=True)]


def test_every_tier_has_a_recipe_and_smoke_is_small():
    for recipes in (PIXEL_RECIPES, TEXT_RECIPES):
        assert set(recipes) == {"smoke", "cpu", "gpu", "full"}
        assert recipes["smoke"].plan.steps < 10
        assert all(r.plan.batch_size <= r.pictures for r in recipes.values())
