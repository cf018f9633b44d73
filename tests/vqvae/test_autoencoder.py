"""The autoencoder: a public round trip, any quantizer, and training that can be cut short."""

import pytest
import torch

from mmcourse.vqvae import VQVAE, perplexity, psnr, usage
from mmcourse.vqvae.train import train

QUANTIZERS = {
    "vq": {"num_codes": 32, "dim": 8},
    "ema": {"num_codes": 32, "dim": 8},
    "cosine": {"num_codes": 32, "dim": 8},
    "fsq": {"levels": [4, 4, 3]},
    "simvq": {"num_codes": 32, "dim": 8},
}


def small(quantizer: str = "ema", **arguments) -> VQVAE:
    torch.manual_seed(0)
    options = QUANTIZERS[quantizer]
    return VQVAE(quantizer, options, **{"width": 16, "depth": 1, **arguments})


def pictures(n: int = 2, size: int = 16, channels: int = 3) -> torch.Tensor:
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_picture_becomes_indices_and_comes_back(quantizer: str, factor: int) -> None:
    model = small(quantizer, factor=factor)
    x = pictures(size=32)
    indices = model.encode(x)
    assert indices.shape == (2, 32 // factor, 32 // factor)
    model.eval()
    drawn, found = model(x)
    assert drawn.shape == x.shape
    assert torch.equal(indices, found.indices)
    torch.testing.assert_close(model.decode(indices), drawn.detach().clamp(-1, 1))


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_it_is_saved_and_loaded_whole(quantizer: str, tmp_path) -> None:
    model = small(quantizer)
    list(train(model, bytes_of(8), steps=2, batch_size=4))
    model.save_pretrained(tmp_path)
    again = VQVAE.from_pretrained(tmp_path)
    x = pictures()
    assert torch.equal(again.encode(x), model.encode(x))
    assert torch.equal(again.decode(again.encode(x)), model.decode(model.encode(x)))


def test_encoding_leaves_training_as_it_was() -> None:
    model = small().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.decode(model.encode(pictures()))
    assert model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_sides_need_not_be_equal() -> None:
    x = torch.zeros(1, 1, 8, 24)
    model = small(channels=1)
    assert model.encode(x).shape == (1, 2, 6)
    assert model.decode(model.encode(x)).shape == x.shape


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (torch.zeros(1, 3, 18, 16), "factor 4 does not divide 18 x 16"),
        (torch.zeros(1, 1, 16, 16), r"\(B, 3, H, W\), got \(1, 1, 16, 16\)"),
        (torch.zeros(3, 16, 16), r"\(B, 3, H, W\)"),
        (torch.full((1, 3, 16, 16), torch.nan), "NaN"),
    ],
)
def test_pictures_that_do_not_fit_are_named(wrong: torch.Tensor, words: str) -> None:
    for use in (small(), small().encode):
        with pytest.raises(ValueError, match=words):
            use(wrong)


def test_indices_that_do_not_fit_are_named() -> None:
    model = small()
    for wrong, words in (
        (torch.full((1, 4, 4), 32), "0 to 31, got 32 to 32"),
        (torch.zeros(4, 4, dtype=torch.int64), r"\(B, h, w\)"),
        (torch.zeros(1, 4, 4), "int64"),
    ):
        with pytest.raises(ValueError, match=words):
            model.decode(wrong)


def test_arguments_that_do_not_exist_are_named() -> None:
    with pytest.raises(ValueError, match=r"'emma'.*'ema'"):
        VQVAE("emma")
    for factor in (0, 1, 3, 12):
        with pytest.raises(ValueError, match=f"2, 4, 8, 16.*{factor}"):
            small(factor=factor)


def bytes_of(n: int) -> torch.Tensor:
    dice = torch.Generator().manual_seed(3)
    flat = torch.randint(256, (n, 1, 1, 3), dtype=torch.uint8, generator=dice)
    return flat.expand(n, 16, 16, 3).clone()


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_one_batch_is_learnt(quantizer: str) -> None:
    model = small(quantizer)
    seen = list(train(model, bytes_of(8), steps=150, batch_size=8, lr=3e-3))
    assert seen[-1]["psnr"] > seen[0]["psnr"] + 6
    assert seen[-1]["step"] == 150


@pytest.mark.parametrize("quantizer", ["vq", "ema"])
def test_a_run_that_was_killed_ends_with_the_same_weights(
    quantizer: str, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("mmcourse.vqvae.train.SAVE_EVERY", 2)
    options = {"steps": 6, "batch_size": 3, "lr": 1e-3, "seed": 5}
    whole, cut, resumed = small(quantizer), small(quantizer), small(quantizer)
    list(train(whole, bytes_of(9), **options))
    file = tmp_path / "run.pt"
    for x in train(cut, bytes_of(9), checkpoint=file, **options):
        if x["step"] == 5:
            break
    rest = list(train(resumed, bytes_of(9), checkpoint=file, **options))
    assert [x["step"] for x in rest] == [5, 6]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_closed_forms_of_usage() -> None:
    assert perplexity(torch.arange(16), 16).item() == pytest.approx(16)
    assert perplexity(torch.zeros(9, dtype=torch.int64), 16).item() == pytest.approx(1)
    assert perplexity(torch.tensor([0, 0, 1, 1]), 99).item() == pytest.approx(2)
    assert usage(torch.tensor([[0, 3], [3, 0]]), 8) == 0.25
    with pytest.raises(ValueError, match="no indices"):
        perplexity(torch.zeros(0, dtype=torch.int64), 4)


def test_psnr_is_of_each_picture() -> None:
    x = torch.zeros(3, 3, 4, 4)
    y = torch.tensor([0.2, 2.0, 0.0])[:, None, None, None].expand(3, 3, 4, 4)
    assert psnr(x, y).tolist() == pytest.approx([20.0, 0.0, float("inf")])
