"""One turn of the game: whose parameters move, by which loss, and what each mistake would do."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.vqgan.adaptive import adaptive_weight
from mmcourse.vqgan.discriminator import PatchDiscriminator
from mmcourse.vqgan.game import Objective, UsualLogits, critic_step, gan_step
from mmcourse.vqgan.losses import hinge_discriminator_loss, hinge_generator_loss


class Draws(nn.Module):
    """A tiny autoencoder with a loss of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = self.first(x).tanh()
        return self.out(h), 0.1 * h.square().mean()


class Table:
    """Both players, their optimisers and a batch."""

    def __init__(self, lr: float = 0.05, **objective) -> None:
        torch.manual_seed(0)
        self.generator = Draws()
        self.critic = PatchDiscriminator(width=2, strided=1, spectral=False)
        with torch.no_grad():
            for p in self.critic.parameters():
                p.mul_(10)  # gradients that are worth looking at
        self.x = torch.rand(3, 3, 8, 8) * 2 - 1
        self.ours = torch.optim.SGD(self.generator.parameters(), lr=lr)
        self.its = torch.optim.SGD(self.critic.parameters(), lr=lr)
        self.objective = Objective(clip=1e9, **objective)

    def turn(self, heard: float = 1.0):
        return gan_step(
            self.x, self.generator, self.critic, self.ours, self.its, self.objective, heard
        )


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def moved(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


def test_a_turn_moves_every_parameter_of_both() -> None:
    table = Table()
    ours, its = state(table.generator), state(table.critic)
    told = table.turn()
    assert moved(table.generator, ours) == set(ours)
    assert moved(table.critic, its) == set(its)
    assert {"loss", "weight", "adversarial", "critic", "real", "fake"} == set(told)


def test_the_critics_step_touches_nothing_of_whoever_draws() -> None:
    table = Table()
    drawn, _ = table.generator(table.x)
    critic_step(table.x, drawn, table.critic, table.its, table.objective)
    assert all(p.grad is None for p in table.generator.parameters())
    assert all(p.grad is not None for p in table.critic.parameters())


def test_whoever_draws_is_moved_by_its_own_loss_through_a_critic_that_is_not() -> None:
    table, twin = Table(), Table()
    twin_drawn, own = twin.generator(twin.x)
    loss = F.l1_loss(twin_drawn, twin.x) + own
    loss = loss + 0.1 * hinge_generator_loss(twin.critic(twin_drawn))
    expected = torch.autograd.grad(loss, list(twin.generator.parameters()))
    before = [p.clone() for p in table.generator.parameters()]
    table.turn()
    for was, now, gradient in zip(before, table.generator.parameters(), expected, strict=True):
        torch.testing.assert_close(was - now, 0.05 * gradient)


def test_the_critic_is_moved_by_its_own_loss_alone() -> None:
    """No gradients of the other's turn are left in it, and it sees what was drawn before that."""
    table, twin = Table(), Table()
    drawn = twin.generator(twin.x)[0].detach()
    loss = hinge_discriminator_loss(twin.critic(twin.x), twin.critic(drawn))
    expected = torch.autograd.grad(loss, list(twin.critic.parameters()))
    before = [p.clone() for p in table.critic.parameters()]
    table.turn()
    for was, now, gradient in zip(before, table.critic.parameters(), expected, strict=True):
        torch.testing.assert_close(was - now, 0.05 * gradient, atol=1e-6, rtol=1e-4)


def test_gradients_that_lie_around_count_in_neither_step() -> None:
    table, twin = Table(), Table()
    for p in (*table.generator.parameters(), *table.critic.parameters()):
        p.grad = torch.full_like(p, 100.0)
    table.turn(), twin.turn()
    for a, b in ((table.generator, twin.generator), (table.critic, twin.critic)):
        for name, value in a.state_dict().items():
            torch.testing.assert_close(value, b.state_dict()[name])


def test_before_it_is_heard_the_critic_neither_speaks_nor_moves() -> None:
    table, alone = Table(), Table()
    its = state(table.critic)
    assert set(table.turn(heard=0.0)) == {"loss"}
    assert not moved(table.critic, its)
    drawn, own = alone.generator(alone.x)
    (F.l1_loss(drawn, alone.x) + own).backward()
    alone.ours.step()
    for name, value in table.generator.state_dict().items():
        torch.testing.assert_close(value, alone.generator.state_dict()[name])
    assert all(p.requires_grad for p in table.critic.parameters())


def test_it_is_heard_as_much_as_is_said_and_as_the_adaptive_weight_says() -> None:
    half, twin = Table(), Table()
    half.objective.last = half.generator.out.weight
    drawn, own = twin.generator(twin.x)
    rec, opinion = F.l1_loss(drawn, twin.x), hinge_generator_loss(twin.critic(drawn))
    weight = adaptive_weight(rec, opinion, twin.generator.out.weight)
    expected = torch.autograd.grad(
        rec + own + 0.5 * 0.1 * weight * opinion, list(twin.generator.parameters())
    )
    before = [p.clone() for p in half.generator.parameters()]
    told = half.turn(heard=0.5)
    assert told["weight"] == pytest.approx(weight.item())
    for was, now, gradient in zip(before, half.generator.parameters(), expected, strict=True):
        torch.testing.assert_close(was - now, 0.05 * gradient)


def test_long_gradients_of_whoever_draws_are_cut() -> None:
    table = Table(lr=1.0)
    table.objective.clip = 1e-3
    before = [p.clone() for p in table.generator.parameters()]
    table.turn()
    step = torch.cat([(a - b).flatten() for a, b in zip(before, table.generator.parameters())])
    assert step.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_a_critic_that_trains_tells_real_from_drawn_and_lecam_holds_it() -> None:
    def apart(lecam: float) -> float:
        table = Table(lecam=lecam)
        with torch.no_grad():
            drawn = table.generator(table.x)[0]
        for _ in range(60):
            told = critic_step(table.x, drawn, table.critic, table.its, table.objective)
        return told["real"] - told["fake"]

    assert apart(0.0) > 1
    assert apart(1.0) < apart(0.0) / 2


def test_usual_logits_are_running_means_and_saved() -> None:
    usual = UsualLogits(decay=0.9)
    usual.follow(torch.tensor([1.0, 3.0]), torch.tensor([-4.0]))
    usual.follow(torch.tensor([2.0]), torch.tensor([-4.0]))
    assert usual.real.item() == pytest.approx(0.9 * 0.2 + 0.2)
    assert usual.fake.item() == pytest.approx(-0.76)
    assert set(usual.state_dict()) == {"real", "fake"}
