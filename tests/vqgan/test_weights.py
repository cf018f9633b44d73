"""The chapter's shipped weights are what their cards say."""

import pytest
import torch

from mmcourse.hub import read_card
from mmcourse.storyworld import Tokenizer, caption
from mmcourse.storyworld.judge.measure_adherence import asked_scenes, measure_adherence
from mmcourse.storyworld.judge.network import Judge
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.features_measure import measure_features
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.latents_measure import measure_latents
from mmcourse.vqgan.measure import measure_vqgan
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import TOLD, sample_raster
from mmcourse.vqvae.batches import decode_pictures


def test_measuring_the_features_again_gives_what_the_card_states():
    found, stated = (
        measure_features(Features.from_pretrained("features"), 60),
        read_card("features"),
    )
    assert set(found) == set(stated["metrics"])
    for name, metric in stated["metrics"].items():
        assert found[name]["value"] == pytest.approx(metric["value"], abs=metric["band"]), name


def test_measuring_the_latents_again_gives_what_the_card_states():
    stated = read_card("latents-128")["metrics"]
    found = measure_latents(LatentAutoencoder.from_pretrained("latents-128"), 48)
    assert set(found) == set(stated)
    for name in ("psnr_all", "linear_psnr_all", "read_alike", "linear_read_alike", "spread"):
        metric = stated[name]
        assert found[name]["value"] == pytest.approx(metric["value"], abs=metric["band"]), name


@pytest.mark.parametrize("name", ["vqgan-64", "vqgan-64-mse"])
def test_measuring_the_autoencoder_again_gives_what_the_card_states(name):
    stated = read_card(name)["metrics"]
    found = measure_vqgan(VQGAN.from_pretrained(name), 100)
    assert set(found) == set(stated)
    for metric in ("psnr_all", "read_alike", "sharpness", "bits"):
        value, band = stated[metric]["value"], stated[metric]["band"]
        assert found[metric]["value"] == pytest.approx(value, abs=band), metric


def test_the_critic_halves_the_distance_to_real_pictures():
    """Of the same networks, at chapter 2's bits, read as well by the judge: the chapter's claim."""
    played, squares = (read_card(name)["metrics"] for name in ("vqgan-64", "vqgan-64-mse"))
    assert played["frechet"]["value"] <= squares["frechet"]["value"] / 2
    assert played["bits"]["value"] == squares["bits"]["value"] == 2560
    assert played["read_alike"]["value"] >= 0.97


def test_the_prior_draws_what_it_is_told():
    stated = read_card("prior")["metrics"]
    scenes = asked_scenes(40)
    ids, _ = Tokenizer().encode([caption(scene) for scene in scenes])
    dice = torch.Generator().manual_seed(0)
    codes = sample_raster(ResidualPrior.from_pretrained("prior"), ids, TOLD, generator=dice)
    pictures = decode_pictures(VQGAN.from_pretrained("vqgan-64"), codes)
    read = measure_adherence(Judge.from_pretrained("judge").eval(), scenes, pictures)
    metric = stated["drawn_attributes"]
    assert read["attributes"]["value"] == pytest.approx(metric["value"], abs=metric["band"])
    assert stated["relative_attributes"]["value"] >= 0.93
    assert stated["relative_species"]["value"] >= 0.90
    assert stated["relative_whole_of_1"]["value"] >= 0.70
    assert stated["unguided_attributes"]["value"] < stated["drawn_attributes"]["value"]
    assert stated["copies"]["value"] <= stated["copies"]["chance"] + 0.01
