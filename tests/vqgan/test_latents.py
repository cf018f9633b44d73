"""The continuous autoencoder: its latents' scale, what each plan trains, resuming, baseline."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from mmcourse.vqgan.features import Features
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.latents_data import encode_bytes
from mmcourse.vqgan.latents_measure import best_linear, decode_bytes, tiles, untiled
from mmcourse.vqgan.latents_recipe import RECIPES, SOURCES
from mmcourse.vqgan.latents_train import NOISE, Plan, Reconstruct, cropped, noisy, train
from mmcourse.vqgan.perceptual import PerceptualLoss


def small() -> LatentAutoencoder:
    torch.manual_seed(0)
    return LatentAutoencoder(4, widths=(16, 16), depths=(1, 1), half_width=8)


@pytest.fixture(scope="module")
def perceptual():
    torch.manual_seed(1)
    return PerceptualLoss(Features(channels=(8, 8, 8, 8)))


@pytest.fixture(scope="module")
def pictures():
    dice = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, 3, 4, 4, generator=dice)
    fine = torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear")
    return (255 * fine).movedim(1, -1).to(torch.uint8)


def test_there_and_back_keeps_the_shape():
    model = small().eval()
    z = model.encode(torch.zeros(2, 3, 32, 64))
    assert z.shape == (2, 4, 4, 8)
    assert model.decode(z).shape == (2, 3, 32, 64)
    assert model.decode(100 * z).abs().max() <= 1


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(1, 1, 32, 32), r"must be \(B, 3, H, W\)"),
        (torch.zeros(1, 3, 36, 32), "8 does not divide 36 x 32"),
        (torch.full((1, 3, 32, 32), torch.nan), "NaN"),
    ],
)
def test_other_pictures_are_refused(x, words):
    with pytest.raises(ValueError, match=words):
        small().encode(x)


def test_other_latents_are_refused():
    with pytest.raises(ValueError, match=r"must be \(B, 4, h, w\)"):
        small().decode(torch.zeros(1, 8, 4, 4))
    with pytest.raises(ValueError, match="NaN or infinity"):
        small().decode(torch.full((1, 4, 4, 4), torch.inf))


def test_settled_latents_have_mean_0_and_deviation_1():
    model = small()
    with torch.no_grad():
        model.encoder.out[-1].weight.mul_(7)
        model.encoder.out[-1].bias.add_(3)
    x = torch.randn(6, 3, 32, 32)
    model.settle([x[:2], x[2:]])
    z = model.encode(x)
    assert torch.allclose(z.mean((0, 2, 3)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(z.std((0, 2, 3)), torch.ones(4), atol=1e-2)


def test_crops_are_parts_of_their_pictures():
    x = torch.arange(2 * 3 * 8 * 8.0).view(2, 3, 8, 8)
    parts = cropped(x, 4, torch.Generator().manual_seed(0))
    assert parts.shape == (2, 3, 4, 4)
    for one, part in zip(x, parts):
        windows = one.unfold(1, 4, 1).unfold(2, 4, 1).movedim(0, 2).flatten(0, 1)
        assert (windows == part).flatten(1).all(1).any()


def test_noise_has_the_stated_size():
    z = torch.zeros(4, 8, 32, 32)
    assert noisy(z, torch.Generator().manual_seed(0)).std().item() == pytest.approx(NOISE, rel=0.02)


def test_half_of_the_size_is_decoded_from_latents_averaged_by_twos():
    model = small().eval()
    x = torch.randn(1, 3, 32, 32)
    drawn = Reconstruct(model)(x, torch.Generator().manual_seed(0), half=True)
    assert drawn.shape == (1, 3, 16, 16)


def test_the_plans_train_what_they_should(pictures, perceptual):
    model = small()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    rows = list(train(model, pictures, Plan(4, 4, 16), perceptual))
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert {k.split(".")[0] for k in moved} == {"encoder", "norm", "decoder"}
    assert "critic" not in rows[0]
    before = {k: v.clone() for k, v in model.state_dict().items()}
    rows = list(train(model, pictures, Plan(2, 2, critic=True), perceptual))
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert {k.split(".")[0] for k in moved} == {"decoder"}
    assert all(0 < row["weight"] <= 10 and row["critic"] > 0 for row in rows)
    assert all(p.grad is None for p in perceptual.network.parameters())


def test_pictures_are_learnt(pictures, perceptual):
    rows = list(train(small(), pictures, Plan(60, 8, lr=4e-3), perceptual))
    full = [row["psnr"] for row in rows]
    assert sum(full[-4:]) / 4 > full[0] + 2.5


@pytest.mark.parametrize("critic", [False, True])
def test_a_killed_run_ends_with_the_same_weights(
    pictures, perceptual, tmp_path, monkeypatch, critic
):
    monkeypatch.setattr("mmcourse.vqgan.latents_train.SAVE_EVERY", 2)
    plan = Plan(5, 3, 16, critic=critic)
    whole = small()
    list(train(whole, pictures, plan, perceptual))
    loop = train(small(), pictures, plan, perceptual, checkpoint=tmp_path / "run.pt")
    for _ in range(3):
        next(loop)
    loop.close()
    again = small()
    torch.manual_seed(123)  # nothing may hang on the global state
    rows = list(train(again, pictures, plan, perceptual, checkpoint=tmp_path / "run.pt"))
    assert [row["step"] for row in rows] == [3, 4, 5]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_baseline_is_the_best_linear_one(pictures):
    side, dim = 8, 3
    rows = tiles(pictures, side).flatten(0, 2).numpy()
    pca = PCA(dim).fit(rows)
    expected = pca.inverse_transform(pca.transform(rows)).round().clip(0, 255).astype(np.uint8)
    found = tiles(best_linear(pictures, pictures, side, dim), side).flatten(0, 2).numpy()
    assert np.abs(found - expected).max() <= 1
    assert torch.equal(untiled(tiles(pictures, side), side), pictures)


def test_bytes_go_there_and_back_in_parts(pictures):
    model = small().eval()
    z = encode_bytes(model, pictures)
    assert z.shape == (8, 4, 4, 4)
    assert decode_bytes(model, z).shape == pictures.shape


def test_the_recipe_goes_from_crops_to_the_critic():
    assert [*RECIPES["full"].plans()] == ["crops", "whole", "critic"]
    assert RECIPES["full"].critic.critic
    assert RECIPES["full"].crops.crop == 64
    assert {"mmcourse.vqgan.latents", "mmcourse.vqgan.perceptual"} <= set(SOURCES)


@pytest.mark.parametrize("x", [torch.zeros(1, 3, 8, 8), torch.full((2, 3, 16, 16), torch.nan)])
def test_what_has_no_variance_does_not_settle(x):
    model = small()
    with pytest.raises(ValueError, match=r"has no variance|NaN or infinity"):
        model.settle([x])
    assert model.norm.running_var.isfinite().all()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_in_another_precision_there_and_back(kind):
    model = small().eval().to(kind)
    x = torch.rand(1, 3, 16, 16, dtype=kind)
    assert model.decode(model.encode(x)).dtype == kind
    model.settle([x])


@pytest.mark.parametrize(
    ("change", "plan", "told"),
    [
        (lambda x: x.movedim(-1, 1), Plan(1, 2), "channels come last"),
        (lambda x: x.float(), Plan(1, 2), "got torch.float32"),
        (lambda x: x, Plan(1, 2, crop=64), "a crop of 64 pixels"),
    ],
)
def test_what_cannot_be_learnt_from_is_named(pictures, perceptual, change, plan, told):
    with pytest.raises(ValueError, match=told):
        next(train(small(), change(pictures), plan, perceptual))


@pytest.mark.parametrize("critic", [False, True])
def test_a_loss_that_is_no_number_is_not_taken(pictures, perceptual, critic, monkeypatch):
    monkeypatch.setattr(
        "mmcourse.vqgan.latents_train.reconstruction_loss",
        lambda drawn, x, _: torch.nan * drawn.mean(),
    )
    model = small()
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(ValueError, match="the loss of step 1 is nan"):
        next(train(model, pictures, Plan(2, 2, critic=critic), perceptual))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))
