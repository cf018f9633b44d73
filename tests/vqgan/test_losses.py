"""Adversarial losses by hand and by their gradients, and the weight between two losses."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.vqgan.adaptive import adaptive_weight
from mmcourse.vqgan.losses import (
    hinge_discriminator_loss,
    hinge_generator_loss,
    lecam_regulariser,
    logistic_discriminator_loss,
    non_saturating_generator_loss,
)

REAL, FAKE = torch.tensor([[2.0, 0.5]]), torch.tensor([[-3.0, 0.0], [0.25, -1.0]])


def test_hinge_by_hand() -> None:
    assert hinge_discriminator_loss(REAL, FAKE).item() == pytest.approx(0.25 + 2.25 / 4)
    assert hinge_generator_loss(FAKE).item() == pytest.approx(3.75 / 4)


def test_patches_beyond_the_margin_are_left_alone() -> None:
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    hinge_discriminator_loss(real, fake).backward()
    assert real.grad.tolist() == [[0.0, -0.5]]
    assert fake.grad.tolist() == [[0.0, 0.25], [0.25, 0.0]]


def test_whoever_draws_is_pulled_by_every_patch_alike() -> None:
    fake = FAKE.clone().requires_grad_()
    hinge_generator_loss(fake).backward()
    assert torch.equal(fake.grad, torch.full((2, 2), -0.25))


def test_the_logistic_losses_are_cross_entropies() -> None:
    ones, zeros = torch.ones_like(REAL), torch.zeros_like(FAKE)
    expected = F.binary_cross_entropy_with_logits(REAL, ones)
    expected = expected + F.binary_cross_entropy_with_logits(FAKE, zeros)
    torch.testing.assert_close(logistic_discriminator_loss(REAL, FAKE), expected)
    torch.testing.assert_close(
        non_saturating_generator_loss(FAKE),
        F.binary_cross_entropy_with_logits(FAKE, torch.ones_like(FAKE)),
    )


def test_where_the_critic_is_sure_the_game_is_flat_and_its_cure_is_not() -> None:
    fake = torch.tensor([-20.0], requires_grad=True)
    (cure,) = torch.autograd.grad(non_saturating_generator_loss(fake), fake)
    (game,) = torch.autograd.grad(-F.softplus(fake).mean(), fake)
    assert cure.item() == pytest.approx(-1, abs=1e-6)
    assert abs(game.item()) < 1e-8
    for loss in (non_saturating_generator_loss, hinge_generator_loss):
        assert loss(torch.tensor([500.0, -500.0])).isfinite()


def test_lecam_draws_each_kind_to_the_other() -> None:
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    loss = lecam_regulariser(real, fake, 1.5, -0.5)
    expected = (2.5**2 + 1.0**2) / 2 + (4.5**2 + 1.5**2 + 1.25**2 + 2.5**2) / 4
    assert loss.item() == pytest.approx(expected)
    loss.backward()
    assert (real.grad > 0).all()  # downhill is towards -0.5
    assert (fake.grad < 0).all()  # towards 1.5


class Two(nn.Module):
    """A hidden and a last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.first(x).tanh())


def two_losses() -> tuple[Two, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    net = Two()
    drawn = net(torch.randn(5, 3))
    return net, drawn.square().mean(), -drawn.sum()


def test_the_weight_makes_both_gradients_of_the_last_layer_equally_long() -> None:
    net, first, second = two_losses()
    weight = adaptive_weight(first, second, net.out.weight)
    lengths = [
        torch.autograd.grad(loss, net.out.weight, retain_graph=True)[0].norm()
        for loss in (first, weight * second)
    ]
    assert lengths[0].item() == pytest.approx(lengths[1].item(), rel=1e-3)
    assert weight.item() == pytest.approx(
        lengths[0].item() / (lengths[1].item() / weight.item() + 1e-4), rel=1e-5
    )


def test_the_weight_follows_the_scale_of_either_loss() -> None:
    net, first, second = two_losses()
    one = adaptive_weight(first, second, net.out.weight)
    assert adaptive_weight(3 * first, second, net.out.weight).item() == pytest.approx(3 * one)
    thirdly = adaptive_weight(first, 3 * second, net.out.weight)
    assert thirdly.item() == pytest.approx(one.item() / 3, rel=1e-3)


def test_the_weight_is_a_constant_leaves_no_gradients_and_has_a_limit() -> None:
    net, first, second = two_losses()
    weight = adaptive_weight(first, second, net.out.weight)
    assert not weight.requires_grad
    assert all(p.grad is None for p in net.parameters())
    assert adaptive_weight(1e6 * first, second, net.out.weight).item() == 10
    assert adaptive_weight(first, 0 * second, net.out.weight, limit=math.inf).item() > 100
    (first + weight * second).backward()  # the graph is still there


def test_a_layer_that_has_no_part_in_a_loss_is_an_error() -> None:
    _, first, second = two_losses()
    with pytest.raises(RuntimeError):
        adaptive_weight(first, second, Two().out.weight)
