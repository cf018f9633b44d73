"""The shipped VQ-VAEs and the prior are what their cards say."""

import json
from pathlib import Path

import pytest

from mmcourse.hub import read_card, weights_hash
from mmcourse.storyworld import Tokenizer
from mmcourse.vqvae import VQVAE, CodePrior, prior_measure
from mmcourse.vqvae.measure import measure_vqvae
from mmcourse.vqvae.prior_measure import ASKED, measure_prior
from mmcourse.vqvae.sound_model import SoundVQVAE
from mmcourse.vqvae.sound_recipe import measure_sound


def test_the_prior_speaks_the_codes_and_the_words_that_are_shipped():
    assert weights_hash("vqvae") in read_card("vqvae-prior")["data"]
    assert CodePrior.from_pretrained("vqvae-prior").vocabulary == Tokenizer().fingerprint


def agree(found, card, names):
    for name in names:
        stated = card["metrics"][name]
        assert found[name]["value"] == pytest.approx(stated["value"], abs=stated["band"]), name


def test_measuring_pictures_again_gives_what_the_card_states():
    found = measure_vqvae(VQVAE.from_pretrained("vqvae"), 120)
    assert set(found) == set(read_card("vqvae")["metrics"])
    agree(found, read_card("vqvae"), found)


def test_measuring_the_prior_again_gives_what_the_card_states(monkeypatch):
    """The bits, of 40 pictures. Pictures take a second each to draw, so only one is drawn."""
    draw = prior_measure.drawn_from_captions

    def one(prior, model, texts, *options):
        return draw(prior, model, texts[:1], *options).expand(len(texts), -1, -1, -1)

    monkeypatch.setattr(prior_measure, "drawn_from_captions", one)
    found = measure_prior(CodePrior.from_pretrained("vqvae-prior"), 40)
    assert found["drawn_place"]["n"] == 40
    assert set(found) == set(read_card("vqvae-prior")["metrics"])
    agree(found, read_card("vqvae-prior"), [name for name in found if name.startswith("bits")])


def test_measuring_sounds_again_gives_what_the_card_states():
    found = measure_sound(SoundVQVAE.from_pretrained("vqvae-sound"))
    assert set(found) == set(read_card("vqvae-sound")["metrics"])
    agree(found, read_card("vqvae-sound"), found)


PSNR = {"flat": 24.0, "watercolour": 24.0, "neon": 23.0, "sketch": 24.8}
"""What ten bits a tile carry, in dB; experiments/vqvae_bits.json says what more bits would."""
BITS = json.loads(Path("experiments/vqvae_bits.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("style", PSNR)
def test_reconstructions_are_as_near_as_they_should_be(style):
    assert read_card("vqvae")["metrics"][f"psnr_{style}"]["value"] >= PSNR[style]


@pytest.mark.parametrize("style", PSNR)
def test_codes_are_better_than_the_mean_colours_of_tiles(style):
    value = {name: m["value"] for name, m in read_card("vqvae")["metrics"].items()}
    assert value[f"psnr_{style}"] >= value[f"tiles_{style}"] + 2


def test_the_codebook_is_in_use():
    assert read_card("vqvae")["metrics"]["usage"]["n"] >= 1000
    assert read_card("vqvae")["metrics"]["usage"]["value"] >= 0.95


def test_the_judge_reads_nearly_as_before():
    assert read_card("vqvae")["metrics"]["read_alike"]["value"] >= 0.955


def test_codes_are_better_than_the_nearest_of_as_many_tiles():
    cheap, shipped = BITS["k_means"], BITS["shipped"]  # ten bits a tile both, on the same scenes
    assert shipped["psnr"] >= cheap["psnr"] + 2
    assert shipped["read_alike"] >= cheap["read_alike"] + 0.03


def test_what_holds_them_back_is_the_bits_and_not_the_networks():
    psnr = [level["psnr"] for level in BITS["levels"]]
    assert psnr == sorted(psnr)
    assert BITS["unrounded"]["psnr"] >= BITS["shipped"]["psnr"] + 5
    assert BITS["unrounded"]["read_alike"] >= 0.99 > BITS["shipped"]["read_alike"]


def test_the_judge_reads_more_in_codes_than_in_the_mean_colours_of_tiles():
    metrics = read_card("vqvae")["metrics"]
    assert metrics["read_alike"]["n"] >= 1000
    assert metrics["read_alike"]["value"] >= metrics["tiles_read_alike"]["value"] + 0.1


def test_a_prior_costs_less_than_frequencies_and_a_caption_saves_more():
    bits = {k: m["value"] for k, m in read_card("vqvae-prior")["metrics"].items() if "bits" in k}
    table = read_card("vqvae-prior")["metrics"]["bits_prior"]["chance"]
    assert table == 2560
    told = max(bits["bits_prior_brief"], bits["bits_prior_caption"])
    assert told < bits["bits_prior"] < bits["bits_frequencies"] < table


@pytest.mark.parametrize("attribute", ASKED)
def test_what_is_drawn_follows_its_caption(attribute):
    drawn = read_card("vqvae-prior")["metrics"][f"drawn_{attribute}"]
    assert drawn["n"] >= 200
    assert drawn["value"] >= drawn["chance"] + 0.1


def test_guidance_follows_captions_more_closely():
    found = {name: m["value"] for name, m in read_card("vqvae-prior")["metrics"].items()}
    gain = {a: found[f"drawn_{a}"] - found[f"unguided_{a}"] for a in ASKED}
    assert min(gain["place"], gain["species"]) > 0.1  # what the words alone decide
    assert min(gain.values()) > -0.05


def test_sounds_come_back_nearer_than_silence():
    distance = read_card("vqvae-sound")["metrics"]["distance"]
    assert distance["value"] < 0.6 * distance["chance"]
    assert read_card("vqvae-sound")["metrics"]["usage"]["value"] >= 0.5
