"""What the card states: distances in decibels by style, the baseline, and what the judge reads."""

import math

import pytest
import torch

from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import FIELDS, targets
from mmcourse.vqvae import VQVAE, batches, measure
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
    dice = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (2, 16, 24, 3), dtype=torch.uint8, generator=dice)
    flat = tile_means(pictures, 4)
    assert flat.shape == pictures.shape
    assert flat.dtype == torch.uint8
    tile = flat[1, 8:12, 16:20]
    assert (tile == tile[0, 0]).all()
    mean = pictures[1, 8:12, 16:20].float().mean((0, 1))
    assert (tile[0, 0].float() - mean).abs().max() <= 1


def test_pictures_go_through_as_the_model_encodes_and_decodes_them(monkeypatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    model, (_, pictures) = small(), held_out(5)
    codes, drawn = through(model, pictures)
    assert torch.equal(codes, model.encode(from_bytes(pictures)))
    shown = model.decode(codes)
    assert (from_bytes(drawn) - shown).abs().max() <= 1 / 255 + 1e-6


def test_the_judge_reads_the_same_from_the_same_and_less_from_others() -> None:
    judge = Judge.from_pretrained("judge").eval()
    scenes, pictures = held_out(12)
    assert read_alike(judge, scenes, pictures, pictures) == 1
    assert read_alike(judge, scenes, pictures.roll(1, 0), pictures) < 0.8
    assert read_alike(judge, scenes, torch.zeros_like(pictures), pictures) < 0.8


def test_only_what_arises_in_a_scene_is_asked(monkeypatch) -> None:
    scenes, pictures = held_out(3)
    asked = torch.tensor([targets(s) for s in scenes]) >= 0
    assert not asked.all()

    def sees(changed: torch.Tensor):
        """Logits that say answer 0, or answer 1 where `changed` (N, fields) is True."""
        return {
            f: torch.nn.functional.one_hot(changed[:, i].long(), len(FIELDS[f])).float()
            for i, f in enumerate(FIELDS)
        }

    def alike(changed: torch.Tensor) -> float:
        seen = iter([sees(torch.zeros_like(asked)), sees(changed)])
        monkeypatch.setattr(measure, "observe", lambda judge, shown: (next(seen), None, None))
        return read_alike(None, scenes, pictures, pictures)

    assert alike(~asked) == 1
    one = torch.zeros_like(asked)
    first = asked.nonzero()[0].tolist()
    one[first[0], first[1]] = True
    assert alike(one) == pytest.approx(1 - 1 / asked.sum().item())
    assert alike(asked) == 0


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
