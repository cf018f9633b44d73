"""The critic: what a logit sees, how it starts, and what its weights may do."""

import pytest
import torch
from torch import nn

from mmcourse.vqgan.discriminator import PatchDiscriminator, receptive_field


def seen_by_the_middle(model: nn.Module, side: int) -> torch.Tensor:
    """Where a change of the picture changes the middle logit: rows and columns (n, 2)."""
    x = torch.zeros(1, 3, side, side).requires_grad_()
    logits = model(x)[0, 0]
    middle = logits[logits.shape[0] // 2, logits.shape[1] // 2]
    gradient = torch.autograd.grad(middle, x)[0][0].abs().sum(0)
    return gradient.nonzero()


@pytest.mark.parametrize(("strided", "field"), [(1, 16), (2, 34), (3, 70)])
@pytest.mark.parametrize("spectral", [False, True])
def test_the_receptive_field_by_rule_is_what_gradients_reach(strided, field, spectral) -> None:
    torch.manual_seed(0)
    model = PatchDiscriminator(width=4, strided=strided, spectral=spectral).eval()
    assert receptive_field(model) == field
    where = seen_by_the_middle(model, 2 * field)
    size = where.amax(0) - where.amin(0) + 1
    assert size.tolist() == [field, field]


def test_the_rule_takes_plain_layers() -> None:
    assert receptive_field([]) == 1
    assert receptive_field([(3, 1), (3, 1)]) == 5
    assert receptive_field([(3, 2), (3, 1)]) == 7  # the second steps over two pixels
    assert receptive_field([(7, 2), (3, 2), (3, 1)]) == 7 + 2 * 2 + 2 * 4


def test_pictures_of_64_have_a_map_of_logits_and_no_picture_sees_another() -> None:
    torch.manual_seed(0)
    model = PatchDiscriminator(width=8)
    x = torch.rand(3, 3, 64, 64) * 2 - 1
    assert model(x).shape == (3, 1, 14, 14)
    model.eval()
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]))


def test_weights_start_as_in_the_paper() -> None:
    torch.manual_seed(0)
    model = PatchDiscriminator(width=48, spectral=False)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert not layer.bias.any()


def test_with_spectral_norm_no_layer_stretches() -> None:
    torch.manual_seed(0)
    model = PatchDiscriminator(width=4).train()
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    for _ in range(50):  # power iteration goes on with every step
        model(x)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item()
            assert largest == pytest.approx(1, abs=0.02)


def test_it_is_saved_and_loaded(tmp_path) -> None:
    torch.manual_seed(0)
    model = PatchDiscriminator(width=4)
    model.save_pretrained(tmp_path)
    again = PatchDiscriminator.from_pretrained(tmp_path)
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(again(x), model.eval()(x))


@pytest.mark.parametrize("shape", [(1, 1, 64, 64), (3, 64, 64), (1, 3, 8, 64)])
def test_pictures_that_do_not_fit_are_named(shape) -> None:
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\) with sides of at least 12"):
        PatchDiscriminator(width=4)(torch.zeros(shape))
    with pytest.raises(ValueError, match="strided must be at least 1, got 0"):
        PatchDiscriminator(strided=0)
