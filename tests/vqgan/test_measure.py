"""What is measured of reconstructions, on pictures whose answers are known."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.pictures import to_bytes
from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.judge.network import Judge
from mmcourse.vqgan import VQGAN
from mmcourse.vqgan.measure import judged_distance, measure_vqgan, sharpness
from mmcourse.vqvae.measure import held_out


@pytest.fixture(scope="module")
def model() -> VQGAN:
    torch.manual_seed(0)
    return VQGAN(2, "vq", {"num_codes": 16, "dim": 4}, widths=(8, 8), half_width=8).eval()


def blurred(pictures: torch.Tensor) -> torch.Tensor:
    small = F.avg_pool2d(from_bytes(pictures), 4)
    return to_bytes(F.interpolate(small, scale_factor=4, mode="bilinear")).movedim(1, -1)


def test_every_metric_of_the_card(model: VQGAN) -> None:
    found = measure_vqgan(model, 12)
    kinds = {"psnr", "frechet", "read", "sharpness", "usage", "perplexity", "bits"}
    assert {name.split("_")[0] for name in found} == kinds
    assert found["bits"]["value"] == 8 * 8 * 2 * 4  # two of 16 codes at each of 64 places
    assert found["frechet"]["value"] > 3 * found["frechet"]["chance"]
    assert 0 < found["usage_1"]["value"] <= 1
    assert found["perplexity_0"]["value"] <= 16
    assert all(m["n"] == 12 for name, m in found.items() if not name.startswith("psnr_"))
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        measure_vqgan(model, 1)


def test_blur_is_less_sharp_and_farther_away() -> None:
    judge = Judge.from_pretrained("judge").eval()
    _, pictures = held_out(12)
    assert sharpness(pictures, pictures) == pytest.approx(1)
    assert sharpness(blurred(pictures), pictures) < 0.5
    assert judged_distance(judge, pictures, pictures) == pytest.approx(0, abs=1e-6)
    assert judged_distance(judge, blurred(pictures), pictures) > 1
