"""Residual codes: each level rounds what is left, and one level is chapter 2's quantizer."""

import pytest
import torch
from vector_quantize_pytorch import ResidualVQ

from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.residual import ResidualQuantizer
from mmcourse.vqvae import EMAVectorQuantizer, VectorQuantizer, nearest_codes

OPTIONS = {"num_codes": 16, "dim": 4}


def vectors(seed: int = 0, n: int = 3) -> torch.Tensor:
    return torch.randn(n, 4, 5, 6, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def quantizer() -> ResidualQuantizer:
    torch.manual_seed(0)
    made = ResidualQuantizer(3, "vq", OPTIONS)
    made.start_from(vectors(), torch.Generator().manual_seed(0))
    return made


def test_each_level_takes_the_code_nearest_to_what_is_left(quantizer) -> None:
    z = vectors(1)
    found = quantizer(z)
    assert found.indices.shape == (3, 5, 6, 3)
    left = z.movedim(1, -1).reshape(-1, 4)
    for i in range(3):
        codebook = quantizer.level(i).codebook.detach()
        index = nearest_codes(left, codebook)
        assert torch.equal(found.indices[..., i].flatten(), index)
        left = left - codebook[index]
    codes = found.codes.detach().movedim(1, -1).reshape(-1, 4)
    torch.testing.assert_close(codes, z.movedim(1, -1).reshape(-1, 4) - left)
    torch.testing.assert_close(quantizer.lookup(found.indices), found.codes.detach())


def test_it_chooses_as_the_library_does(quantizer) -> None:
    peer = ResidualVQ(dim=4, num_quantizers=3, codebook_size=16).eval()
    for i, layer in enumerate(peer.layers):
        layer._codebook.embed.data.copy_(quantizer.level(i).codebook.detach()[None])
        layer._codebook.initted.fill_(True)
    z = vectors(1)
    codes, indices, _ = peer(z.movedim(1, -1).reshape(1, -1, 4))
    found = quantizer.eval()(z)
    assert torch.equal(found.indices.reshape(1, -1, 3), indices)
    torch.testing.assert_close(found.codes.movedim(1, -1).reshape(1, -1, 4), codes)


def test_gradients_go_straight_through_and_each_codebook_has_its_own(quantizer) -> None:
    z = vectors(1).requires_grad_()
    found = quantizer(z)
    told = vectors(2)
    (to_z,) = torch.autograd.grad((found.codes * told).sum(), z, retain_graph=True)
    torch.testing.assert_close(to_z, told)
    books = [quantizer.level(i).codebook for i in range(3)]
    to_z, *to_books = torch.autograd.grad(found.loss, (z, *books))
    assert all(g.abs().sum() > 0 for g in (to_z, *to_books))
    first = quantizer.level(0)(z.detach())
    torch.testing.assert_close(to_books[0], torch.autograd.grad(first.loss, books[0])[0])


def test_one_level_is_the_quantizer_of_chapter_2() -> None:
    torch.manual_seed(0)
    made = ResidualQuantizer(1, "vq", OPTIONS)
    alone = VectorQuantizer(**OPTIONS)
    alone.load_state_dict(made.level(0).state_dict())
    mine, its = made(vectors()), alone(vectors())
    torch.testing.assert_close(mine.codes, its.codes)
    assert torch.equal(mine.indices[..., 0], its.indices)
    torch.testing.assert_close(mine.loss, its.loss)


def test_with_each_level_less_is_left(quantizer) -> None:
    z = vectors()
    indices = quantizer(z).indices
    left = [(z - quantizer.lookup(indices[..., :i])).square().mean().item() for i in (1, 2, 3)]
    assert left[0] > left[1] > left[2]


def test_levels_follow_in_training_alone_and_restart_by_draws_of_their_own() -> None:
    torch.manual_seed(0)
    made = ResidualQuantizer(2, "ema", {**OPTIONS, "restart_below": 0.5})
    assert [made.level(i).seed for i in range(2)] == [0, 1]
    made.start_from(vectors(), torch.Generator().manual_seed(0))
    before = [made.level(i).codebook.clone() for i in range(2)]
    made.eval()(vectors(1))
    assert all(torch.equal(made.level(i).codebook, before[i]) for i in range(2))
    made.train()(vectors(1))
    assert not any(torch.equal(made.level(i).codebook, before[i]) for i in range(2))
    assert isinstance(made.level(0), EMAVectorQuantizer)


@pytest.mark.parametrize("levels", [1, 4])
def test_a_picture_becomes_codes_and_comes_back_whether_one_or_four_a_place(levels: int) -> None:
    torch.manual_seed(0)
    model = VQGAN(levels, "ema", OPTIONS, widths=(8, 16), half_width=8).eval()
    x = torch.rand(2, 3, 32, 16) * 2 - 1
    indices = model.encode(x)
    assert indices.shape == (2, 4, 2, levels)
    drawn, found = model(x)
    assert drawn.shape == x.shape
    assert torch.equal(found.indices, indices)
    torch.testing.assert_close(model.decode(indices), drawn.detach().clamp(-1, 1))
    assert model.decode(indices[..., :1]).shape == x.shape


def test_the_last_layer_is_the_one_that_makes_the_pixels() -> None:
    model = VQGAN(1, "vq", OPTIONS, widths=(8, 16), half_width=8)
    drawn, _ = model(torch.rand(1, 3, 16, 16))
    names = [name for name, p in model.named_parameters() if p is model.last]
    assert names == ["decoder.out.conv.weight"]
    assert model.last.shape[0] == 3 * 4  # four pixels of three colours
    assert torch.autograd.grad(drawn.sum(), model.last)[0].abs().sum() > 0


def test_it_is_saved_and_loaded(tmp_path) -> None:
    torch.manual_seed(0)
    model = VQGAN(2, "ema", OPTIONS, widths=(8, 16), half_width=8).eval()
    model.save_pretrained(tmp_path)
    again = VQGAN.from_pretrained(tmp_path)
    x = torch.rand(1, 3, 16, 16)
    assert torch.equal(again.encode(x), model.encode(x))


def test_what_does_not_fit_is_named(quantizer) -> None:
    with pytest.raises(ValueError, match=r"must be \(B, 4, ...\)"):
        quantizer(torch.zeros(1, 5, 2, 2))
    with pytest.raises(ValueError, match="L from 1 to 3"):
        quantizer.lookup(torch.zeros(1, 2, 2, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="levels must be at least 1, got 0"):
        ResidualQuantizer(0)
    with pytest.raises(ValueError, match="one depth for each width"):
        VQGAN(widths=(8, 16), depths=(1,))
    model = VQGAN(2, "vq", OPTIONS, widths=(8, 16), half_width=8)
    with pytest.raises(ValueError, match="factor 8 does not divide 12 x 16"):
        model(torch.zeros(1, 3, 12, 16))
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\), got \(1, 1, 16, 16\)"):
        model(torch.zeros(1, 1, 16, 16))
    with pytest.raises(ValueError, match=r"\(B, h, w, levels\)"):
        model.decode(torch.zeros(1, 2, 2, dtype=torch.int64))
