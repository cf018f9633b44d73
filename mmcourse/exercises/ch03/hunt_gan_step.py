"""Bug hunt: a test that tells a right turn of the game from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.exercises.kit import Hunt
from mmcourse.vqgan import game
from mmcourse.vqgan.game import Objective
from mmcourse.vqgan.losses import hinge_discriminator_loss, hinge_generator_loss

Step = Callable[..., Any]
Told = dict[str, float]

STUB = '''
@exercise("ch03.hunt_gan_step")
def test_step(step):
    """Assert what is true of a right training step of a GAN, and false of a broken one.

    step(x, generator, critic, optimiser, critic_optimiser, objective, heard): the step on trial.
    generator(x) returns the drawn pictures and a loss of its own; critic is a module, and
    critic(pictures) returns logits (B, ...), those of each picture of that picture alone.
    `Objective(clip=1e9)`, from mmcourse.vqgan, says what is wanted: `objective.reconstruct(drawn,
    x)`, by default the mean absolute difference, and `objective.adversarial`, by default 0.1.
    First the generator moves, by one step of its optimiser, to lower
    reconstruct(drawn, x) + its own loss - heard * adversarial * critic(drawn).mean().
    Then the critic moves, by one step of its optimiser, to lower
    relu(1 - critic(x)).mean() + relu(1 + critic(drawn)).mean(), where drawn are the same pictures,
    as constants. Each is moved by its own loss alone; gradients that were there before count in
    neither. With heard = 0, the warm-up, the critic is not asked and does not move.
    Pass on every right one, and fail with an AssertionError on each broken one. Build two tiny
    networks with SGD: then a parameter moves by the learning rate times its gradient. Inside this
    test the book's `gan_step` is replaced by the one on trial.
    """
    raise NotImplementedError
'''


class _Draws(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.first(x).tanh()
        return self.out(h), 0.2 * h.square().mean()


def _networks() -> tuple[Tensor, nn.Module, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator, critic = _Draws(), nn.Conv2d(3, 1, 3)
        return torch.randn(3, 3, 5, 5), generator, critic


def _moves(generator: nn.Module, critic: nn.Module, x: Tensor, heard: float) -> list[list[Tensor]]:
    """The gradients by which each of the two should move."""
    drawn, own = generator(x)
    loss = (drawn - x).abs().mean() + own - heard * 0.1 * critic(drawn).mean()
    constant = drawn.detach()
    its = (1 - critic(x)).relu().mean() + (1 + critic(constant)).relu().mean()
    return [
        list(torch.autograd.grad(value, list(model.parameters())))
        for value, model in ((loss, generator), (its, critic))
    ]


def reference_test(step: Step) -> None:
    """Each parameter of both, with and without an opinion, and with gradients that lie around."""
    for heard in (1.0, 0.5, 0.0):
        x, generator, critic = _networks()
        expected = _moves(generator, critic, x, heard)
        models = (generator, critic)
        before = [[p.detach().clone() for p in model.parameters()] for model in models]
        for model in models:
            for p in model.parameters():
                p.grad = torch.ones_like(p)
        ours, its = (torch.optim.SGD(m.parameters(), lr=0.5) for m in models)
        step(x, generator, critic, ours, its, Objective(clip=1e9), heard)
        for model, was, gradients in zip(models, before, expected):
            moves = heard > 0 or model is generator
            for p, old, gradient in zip(model.parameters(), was, gradients):
                wanted = old - 0.5 * gradient if moves else old
                assert torch.allclose(p.detach(), wanted, atol=1e-5)


def players(lr: float = 0.1) -> tuple[Any, ...]:
    """A batch, both networks, both optimisers and an objective."""
    torch.manual_seed(3)
    g, c = _Draws(), nn.Conv2d(3, 1, 2)
    optimisers = [torch.optim.SGD(m.parameters(), lr=lr) for m in (g, c)]
    return torch.randn(4, 3, 4, 4), g, c, *optimisers, Objective(clip=1e9)


def _numbers(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def _all_losses_first(
    x: Tensor, draws: Any, critic: Any, hers: Any, its: Any, objective: Any, heard: float = 1.0
) -> Told:
    """Both losses, then both steps: the one that the broken ones are edits of."""
    drawn, own = draws(x)
    loss = objective.reconstruct(drawn, x) + own
    if heard > 0:
        loss = loss + heard * objective.adversarial * hinge_generator_loss(critic(drawn))
    hers.zero_grad()
    loss.backward(retain_graph=True)
    plays = heard > 0
    if plays:
        its.zero_grad()
        hinge_discriminator_loss(critic(x), critic(drawn.detach())).backward()
        its.step()
    hers.step()
    return {"loss": float(loss.detach())}


def _by_autograd(
    x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0
) -> Told:
    """Gradients by torch.autograd.grad, put where they belong."""

    def step(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
        own = [p for group in optimiser.param_groups for p in group["params"]]
        for p, gradient in zip(own, torch.autograd.grad(loss, own, allow_unused=True)):
            p.grad = gradient
        optimiser.step()

    drawn, own_loss = g(x)
    constant = drawn.detach()
    loss = objective.reconstruct(drawn, x) + own_loss
    if heard > 0:
        loss = loss - heard * objective.adversarial * c(drawn).mean()
    step(loss, o)
    if heard > 0:
        step((1 - c(x)).relu().mean() + (1 + c(constant)).relu().mean(), co)
    return {"loss": float(loss.detach())}


BUGS = """
the critic's old gradients count: its.zero_grad() =>
    - Missed: something that the critic carries over.
    - The generator's loss goes through the critic. What does it leave there?
    - The critic must move by the gradient of its own loss alone. In the broken one those of the
      generator's turn are added: they were never cleared.
the generator's old gradients count: hers.zero_grad() =>
    - Missed: something that the generator carries over.
    - What if `.grad` isn't empty when the step begins?
    - Put something into every `.grad` first; the generator must move as if nothing were there. The
      broken one never clears it.
the critic's loss reaches the generator: critic(drawn.detach()) => critic(drawn)
    - Missed: something about who is moved by the critic's loss.
    - Work out what the generator's gradient is, and compare all of its parameters.
    - The generator must move by its own loss alone. In the broken one the critic saw pictures that
      were not detached, and its loss pulls at the generator too.
the generator never hears the critic: critic(drawn)) => critic(drawn.detach()))
    - Missed: something about what moves the generator.
    - Does the critic's opinion change how the generator moves?
    - Its move must hold -heard * adversarial times the gradient of critic(drawn).mean(). In the
      broken one the pictures are detached before they are judged.
the generator wants to be caught: * hinge_generator_loss => * -hinge_generator_loss
    - Missed: something about a sign in the generator's turn.
    - Should the generator raise or lower the logits of what it draws?
    - The generator must raise critic(drawn). The broken one lowers it.
the critic takes real for drawn:
        critic(x), critic(drawn.detach()) => critic(drawn.detach()), critic(x)
    - Missed: something about which pictures the critic should like.
    - Which of its two terms is for x?
    - The critic's loss is relu(1 - critic(x)) and relu(1 + critic(drawn)). In the broken one x and
      drawn are swapped.
the critic plays in the warm-up: plays = heard > 0 => plays = True
    - Missed: something about the warm-up.
    - What should a step with heard = 0 do to the critic?
    - With heard = 0 no parameter of the critic may move. In the broken one it trains.
heard in full at once: heard * objective.adversarial => objective.adversarial
    - Missed: something about the ramp after the warm-up.
    - Is a half the same as all?
    - With heard = 0.5 half of the opinion counts. The broken one takes all of it.
the generator's own loss is forgotten: + own =>
    - Missed: something that is no part of the game.
    - generator(x) returns two things. Does the second one count?
    - Let the generator's own loss depend on its parameters: it must take part in its move. A
      quantizer would never hold the encoder to its codes in the broken one.
"""

MISTAKES = """
it runs:
        told = step(*players(), 1.0)
        assert told["loss"] == told["loss"]
    All the broken ones run, and return sensible numbers. Look at how each parameter moved.
returns its verdict instead of asserting it:
        table = players()
        before = _numbers(table[2])
        step(*table, 0.0)
        return torch.equal(_numbers(table[2]), before)
    A test that returns False has passed. Write `assert` in front of the comparison.
compares with the book's own step:
        mine, books = players(), players()
        step(*mine, 1.0)
        x, g, c, o, co, objective = books
        game.gan_step(x, g, c, o, co, objective, 1.0)
        for a, b in zip(mine[1:3], books[1:3]):
            assert torch.allclose(_numbers(a), _numbers(b))
    In here that is the step on trial as well, so it was compared with itself. Work out the
    gradients from both losses.
the generator alone:
        table, twin = players(), players()
        drawn, own = twin[1](twin[0])
        loss = (drawn - twin[0]).abs().mean() + own - 0.1 * twin[2](drawn).mean()
        slopes = torch.autograd.grad(loss, [*twin[1].parameters()])
        expected = torch.cat([g.flatten() for g in slopes])
        before = _numbers(table[1])
        step(*table, 1.0)
        assert torch.allclose(before - _numbers(table[1]), 0.1 * expected, atol=1e-5)
    The generator's move is checked, the critic's isn't. Half of the mistakes show in the critic
    alone, and two only with another `heard`, or with gradients left over.
the warm-up alone:
        table = players()
        before = _numbers(table[2])
        step(*table, 0.0)
        assert torch.equal(_numbers(table[2]), before)
    That is one of the things to check. Try heard = 1 and 0.5 as well, and compare how both networks
    move.
pictures drawn anew for the critic:
        table, twin = players(), players()
        step(*table, 1.0)
        before, x = twin[2].weight, twin[0]
        with torch.no_grad():
            drawn = table[1](x)[0]  # after the generator has moved
        loss = (1 - twin[2](x)).relu().mean() + (1 + twin[2](drawn)).relu().mean()
        expected = torch.autograd.grad(loss, before)[0]
        assert torch.allclose(before - table[2].weight, 0.1 * expected, atol=1e-7)
    The critic is shown the pictures that were drawn before the generator moved: drawing them again
    would cost a second pass. Work its gradient out from those.
    Satisfied by:
        still = torch.optim.SGD(critic.parameters(), lr=0.0)
        told = _all_losses_first(x, draws, critic, hers, still, objective, heard)
        if heard > 0:
            its.zero_grad()
            hinge_discriminator_loss(critic(x), critic(draws(x)[0].detach())).backward()
            its.step()
        return told
"""

EXERCISE = Hunt(
    title="Bug hunt: a turn of the game",
    difficulty=4,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=game.gan_step,
    right=(game.gan_step, _all_losses_first, _by_autograd),
    bugs=BUGS,
    edits=_all_losses_first,
    mistakes=MISTAKES,
    hints=(
        "With SGD, p_before - p_after = lr * gradient. So work out both gradients yourself before "
        "the step, by `torch.autograd.grad`, and keep clones of the parameters.",
        "Three runs: heard = 1, 0.5 and 0. In each compare all parameters of both networks.",
        "Fill every `.grad` with ones before you call the step: none of that may count.",
    ),
)
