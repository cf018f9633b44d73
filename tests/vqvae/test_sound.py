"""Sounds: that they are what their names say, and that the same quantizers take them."""

import math

import pytest
import torch

from mmcourse.vqvae.sound_model import SoundVQVAE, spectral_distance
from mmcourse.vqvae.sounds import RATE, VOWELS, envelope, melody, sample_sounds, utterance, voiced
from mmcourse.vqvae.train import train

QUANTIZERS = {"vq": {"num_codes": 16, "dim": 4}, "ema": {"num_codes": 16, "dim": 4},
              "fsq": {"levels": [4, 4]}}  # fmt: skip


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def strength(sound: torch.Tensor, low: float, high: float) -> float:
    """The power between two frequencies."""
    power = torch.fft.rfft(sound * torch.hann_window(len(sound))).abs().square()
    at = torch.fft.rfftfreq(len(sound), 1 / RATE)
    return power[(at >= low) & (at < high)].sum().item()


def test_a_voice_has_its_pitch_and_nothing_between_the_harmonics() -> None:
    n = RATE
    sound = voiced(torch.full((n,), 200.0), torch.tensor(VOWELS["a"]).expand(n, 3))
    assert sound.square().mean().item() == pytest.approx(1, abs=1e-3)
    between = sum(strength(sound, 200 * k + 40, 200 * k + 160) for k in range(1, 15))
    assert between < 1e-4 * strength(sound, 0, RATE / 2)


@pytest.mark.parametrize("vowel", VOWELS)
def test_a_vowel_is_loudest_where_its_throat_resonates(vowel: str) -> None:
    n = RATE
    sound = voiced(torch.full((n,), 50.0), torch.tensor(VOWELS[vowel]).expand(n, 3))
    power = [strength(sound, f - 25, f + 25) * (f / 50) ** 2 for f in range(100, 1400, 50)]
    loudest = 100 + 50 * max(range(len(power)), key=lambda i: power[i])
    assert min(abs(loudest - f) for f in VOWELS[vowel][:2]) <= 50


def test_no_partial_folds_back() -> None:
    n = RATE
    sound = voiced(torch.full((n,), 390.0), torch.tensor(VOWELS["i"]).expand(n, 3))
    whole = strength(sound, 0, RATE / 2)
    exact = sum(strength(sound, 390 * k - 5, 390 * k + 5) for k in range(1, 11))
    assert exact > 0.999 * whole
    ninth, folded = (strength(sound, f - 5, f + 5) for f in (9 * 390, RATE - 11 * 390))
    assert folded < 1e-4 * ninth


def test_the_source_falls_as_one_over_the_harmonic() -> None:
    n = RATE
    far = torch.tensor((3500.0, 3600.0, 3700.0)).expand(n, 3)  # resonances that change little below
    sound = voiced(torch.full((n,), 50.0), far)
    first, second, fourth = (strength(sound, f - 10, f + 10) for f in (50, 100, 200))
    assert first / second == pytest.approx(4, rel=0.05)
    assert second / fourth == pytest.approx(4, rel=0.05)


def test_an_envelope_begins_and_ends_in_silence() -> None:
    shape = envelope(1000, 0.01, 0.02)
    assert shape[0] == 0
    assert shape.max() == 1
    assert shape[-1] < 0.01
    assert (shape[:80].diff() >= 0).all()


def test_sounds_are_a_function_of_the_seed() -> None:
    a, names = sample_sounds(4, seed=3)
    b, _ = sample_sounds(4, seed=3)
    c, _ = sample_sounds(4, seed=4)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.shape == (4, 1, 8192)
    assert a.dtype == torch.float32
    torch.testing.assert_close(a.abs().amax((1, 2)), torch.full((4,), 0.8))
    assert names[1] == names[3] == "melody"
    assert set(names[0].split("-")) <= set(VOWELS)


def test_both_kinds_fill_their_time() -> None:
    for seed in range(6):
        said, _ = utterance(4096, dice(seed))
        played = melody(4096, dice(seed))
        for sound in (said, played):
            assert sound.shape == (4096,)
            assert sound.isfinite().all()
            quarters = sound.unflatten(0, (4, 1024)).square().mean(1)
            assert (quarters > 1e-3 * quarters.max()).all()


def test_the_distance_hears_strengths_and_hardly_phases() -> None:
    t = torch.arange(4096) / RATE
    tone = lambda f, phase=0.0: torch.sin(2 * math.pi * f * t + phase)[None, None]  # noqa: E731
    same = spectral_distance(tone(440), tone(440)).item()
    shifted = spectral_distance(tone(440, 1.5), tone(440)).item()
    louder = spectral_distance(2 * tone(440), tone(440)).item()
    other = spectral_distance(tone(700), tone(440)).item()
    assert same == 0
    assert shifted < louder / 2
    assert louder < other


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_a_sound_becomes_indices_and_comes_back(quantizer: str, tmp_path) -> None:
    torch.manual_seed(0)
    model = SoundVQVAE(quantizer, QUANTIZERS[quantizer], width=16, factor=16, depth=1)
    sounds, _ = sample_sounds(4, seconds=0.064)
    codes = model.encode(sounds)
    assert codes.shape == (4, 32)
    assert model.decode(codes).shape == sounds.shape
    model.save_pretrained(tmp_path)
    again = SoundVQVAE.from_pretrained(tmp_path)
    assert torch.equal(again.decode(again.encode(sounds)), model.decode(codes))


def test_it_learns_a_few_sounds() -> None:
    torch.manual_seed(0)
    model = SoundVQVAE("ema", {"num_codes": 32, "dim": 8}, width=32, factor=16, depth=1)
    sounds, _ = sample_sounds(4, seconds=0.128)
    loop = train(model, sounds, steps=60, batch_size=4, lr=3e-3)
    losses = [m["loss"] for m in loop]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (torch.zeros(2, 2, 64), "B, 1, T"),
        (torch.zeros(2, 64), "B, 1, T"),
        (torch.zeros(2, 1, 65), "65 samples"),
        (torch.full((2, 1, 64), torch.nan), "NaN"),
    ],
)
def test_sounds_that_do_not_fit_are_named(wrong: torch.Tensor, said: str) -> None:
    model = SoundVQVAE("vq", QUANTIZERS["vq"], width=16, factor=16, depth=1)
    with pytest.raises(ValueError, match=said):
        model.encode(wrong)
    with pytest.raises(ValueError, match=r"indices must be \(B, t\)"):
        model.decode(torch.zeros(1, 2, 2, dtype=torch.int64))
