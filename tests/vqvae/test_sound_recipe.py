"""The recipe of the VQ-VAE of sounds, and what its card states."""

import math

import pytest
import torch

from mmcourse.hub import read_card
from mmcourse.vqvae import sound_recipe
from mmcourse.vqvae.sound_model import SoundVQVAE, spectral_distance
from mmcourse.vqvae.sound_recipe import (
    BANDS,
    RECIPES,
    TEST_SEED,
    Recipe,
    measure_sound,
    train_vqvae_sound,
)
from mmcourse.vqvae.sounds import sample_sounds


def small() -> SoundVQVAE:
    torch.manual_seed(0)
    return SoundVQVAE("ema", {"num_codes": 16, "dim": 4}, width=16, factor=32, depth=1)


def test_a_run_leaves_a_model_and_a_card_that_tells_how_it_was_made(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(RECIPES, "smoke", Recipe(4, 2, batch_size=2))
    monkeypatch.setattr(sound_recipe, "build", small)
    train_vqvae_sound(tmp_path, "smoke", seed=1)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train vqvae-sound --tier smoke --seed 1 --precision no"
    assert card["data"] == "4 made sounds of a second, seed 2"
    assert {m["band"] for m in card["metrics"].values()} == set(BANDS.values())
    assert SoundVQVAE.from_pretrained(tmp_path).quantizer.num_codes == 16


def test_what_is_measured_was_never_trained_on() -> None:
    test = sample_sounds(20, seed=TEST_SEED)[0]
    for seed in range(3):
        shown = sample_sounds(20, seed=2 * seed)[0]
        assert not any(torch.equal(a, b) for a in test for b in shown)


def test_the_distance_is_that_of_the_round_trip_beside_silence() -> None:
    model = small().eval()
    found = measure_sound(model, 3)
    sounds = sample_sounds(3, seed=TEST_SEED)[0]
    back = model.decode(model.encode(sounds))
    assert found["distance"]["value"] == pytest.approx(spectral_distance(back, sounds).item())
    silence = spectral_distance(torch.zeros_like(sounds), sounds).item()
    assert found["distance"]["chance"] == pytest.approx(silence)
    assert found["bits_a_second"]["value"] == pytest.approx(8000 / 32 * math.log2(16))
    assert found["bits_a_second"]["chance"] == 128_000
    with pytest.raises(ValueError, match="at least 1"):
        measure_sound(model, 0)
