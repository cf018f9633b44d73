"""What the card states: distances in decibels by style, the baseline, and what the judge reads."""

import math

import pytest
import torch

from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.judge import Judge
from mmcourse.vqvae import VQVAE
from mmcourse.vqvae.measure import (
    held_out,
    measure_vqvae,
    psnr_by_style,
    read_alike,
    through,
    tile_means,
)


def small() -> VQVAE:
    torch.manual_seed(0)
    return VQVAE("ema", {"num_codes": 24, "dim": 4}, width=16, depth=1).eval()


def test_a_known_error_has_its_decibels_and_styles_are_kept_apart() -> None:
    scenes, pictures = held_out(12)
    pictures = pictures.clamp(max=240)
    off = pictures.clone()
    flat = torch.tensor([s.style == "flat" for s in scenes])
    off[flat] += 1  # of 255
    off[~flat] += 2
    found = psnr_by_style(scenes, off, pictures)
    one = 20 * math.log10(255)
    assert found["flat"] == pytest.approx(one, abs=1e-3)
    others = [v for k, v in found.items() if k not in ("flat", "all")]
    assert others == [pytest.approx(one - 20 * math.log10(2), abs=1e-3)] * len(others)
    share = flat.double().mean().item()
    mixed = share * one + (1 - share) * (one - 20 * math.log10(2))
    assert found["all"] == pytest.approx(mixed, abs=1e-3)


def test_the_baseline_keeps_the_mean_of_each_tile() -> None:
    _, pictures = held_out(2)
    flat = tile_means(pictures, 4)
    assert flat.shape == pictures.shape
    assert flat.dtype == torch.uint8
    tile = flat[1, 8:12, 20:24]
    assert (tile == tile[0, 0]).all()
    mean = pictures[1, 8:12, 20:24].float().mean((0, 1))
    assert (tile[0, 0].float() - mean).abs().max() <= 1


def test_pictures_go_through_as_the_model_encodes_and_decodes_them() -> None:
    model, (_, pictures) = small(), held_out(5)
    codes, drawn = through(model, pictures, batch_size=2)
    assert torch.equal(codes, model.encode(from_bytes(pictures)))
    shown = model.decode(codes)
    assert (from_bytes(drawn) - shown).abs().max() <= 1 / 255 + 1e-6


def test_the_judge_reads_the_same_from_the_same_and_less_from_others() -> None:
    judge = Judge.from_pretrained("judge").eval()
    scenes, pictures = held_out(12)
    assert read_alike(judge, scenes, pictures, pictures) == 1
    assert read_alike(judge, scenes, pictures.roll(1, 0), pictures) < 0.8
    assert read_alike(judge, scenes, torch.zeros_like(pictures), pictures) < 0.8


def test_every_metric_has_its_sample_size() -> None:
    found = measure_vqvae(small(), 12)
    kinds = ("all", "flat", "watercolour", "neon", "sketch")
    names = {f"{what}_{kind}" for what in ("psnr", "tiles") for kind in kinds}
    names |= {"usage", "perplexity", "read_alike", "tiles_read_alike"}
    assert found.keys() <= names
    assert {"psnr_all", "tiles_all", "psnr_flat", "usage", "read_alike"} <= found.keys()
    assert found["psnr_all"]["n"] == found["read_alike"]["n"] == 12
    by_style = sum(m["n"] for k, m in found.items() if k.startswith("psnr") and k != "psnr_all")
    assert by_style == 12
    assert 0 < found["usage"]["value"] <= 1 <= found["perplexity"]["value"] <= 24
    with pytest.raises(ValueError, match="at least 1"):
        measure_vqvae(small(), 0)
