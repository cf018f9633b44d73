"""Bug hunt: a test that tells a right turn of the game from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.exercises.ch03 import weak_tests_of_gan_steps as weak
from mmcourse.exercises.ch03 import wrong_gan_steps as wrong
from mmcourse.exercises.definition import Hunt, Mutant, Suspect
from mmcourse.vqgan import game
from mmcourse.vqgan.game import Objective

Step = Callable[..., Any]

STUB = '''
@exercise("ch03.hunt_gan_step")
def test_step(step):
    """Assert what is true of a right training step of a GAN, and false of a broken one.

    step(x, generator, critic, optimiser, critic_optimiser, objective, heard): the step on trial.
    generator(x) returns the drawn pictures and a loss of its own; critic(pictures) returns logits.
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


EXERCISE = Hunt(
    id="ch03.hunt_gan_step",
    title="Bug hunt: a turn of the game",
    level="bug hunt",
    difficulty=4,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=game.gan_step,
    right=(game.gan_step, wrong.in_two_calls, wrong.by_autograd),
    suspects=(
        Suspect(
            "the critic's old gradients count",
            wrong.stale,
            (
                "Missed: something that the critic carries over.",
                "The generator's loss goes through the critic. What does it leave there?",
                "The critic must move by the gradient of its own loss alone. In the broken one "
                "those of the generator's turn are added: they were never cleared.",
            ),
        ),
        Suspect(
            "the generator's old gradients count",
            wrong.leftovers,
            (
                "Missed: something that the generator carries over.",
                "What if `.grad` isn't empty when the step begins?",
                "Put something into every `.grad` first; the generator must move as if nothing "
                "were there. The broken one never clears it.",
            ),
        ),
        Suspect(
            "the critic's loss reaches the generator",
            wrong.reaches_generator,
            (
                "Missed: something about who is moved by the critic's loss.",
                "Work out what the generator's gradient is, and compare all of its parameters.",
                "The generator must move by its own loss alone. In the broken one the critic saw "
                "pictures that were not detached, and its loss pulls at the generator too.",
            ),
        ),
        Suspect(
            "the generator never hears the critic",
            wrong.deaf,
            (
                "Missed: something about what moves the generator.",
                "Does the critic's opinion change how the generator moves?",
                "Its move must hold -heard * adversarial times the gradient of critic(drawn)."
                "mean(). In the broken one the pictures are detached before they are judged.",
            ),
        ),
        Suspect(
            "the generator wants to be caught",
            wrong.wants_to_be_caught,
            (
                "Missed: something about a sign in the generator's turn.",
                "Should the generator raise or lower the logits of what it draws?",
                "The generator must raise critic(drawn). The broken one lowers it.",
            ),
        ),
        Suspect(
            "the critic takes real for drawn",
            wrong.swapped,
            (
                "Missed: something about which pictures the critic should like.",
                "Which of its two terms is for x?",
                "The critic's loss is relu(1 - critic(x)) and relu(1 + critic(drawn)). In the "
                "broken one x and drawn are swapped.",
            ),
        ),
        Suspect(
            "the critic plays in the warm-up",
            wrong.before_its_time,
            (
                "Missed: something about the warm-up.",
                "What should a step with heard = 0 do to the critic?",
                "With heard = 0 no parameter of the critic may move. In the broken one it trains.",
            ),
        ),
        Suspect(
            "heard in full at once",
            wrong.at_once,
            (
                "Missed: something about the ramp after the warm-up.",
                "Is a half the same as all?",
                "With heard = 0.5 half of the opinion counts. The broken one takes all of it.",
            ),
        ),
        Suspect(
            "the generator's own loss is forgotten",
            wrong.no_codes,
            (
                "Missed: something that is no part of the game.",
                "generator(x) returns two things. Does the second one count?",
                "Let the generator's own loss depend on its parameters: it must take part in its "
                "move. A quantizer would never hold the encoder to its codes in the broken one.",
            ),
        ),
    ),
    mutants=(
        Mutant(
            "it runs",
            weak.runs,
            "All the broken ones run, and return sensible numbers. Look at how each parameter "
            "moved.",
        ),
        Mutant(
            "returns its verdict instead of asserting it",
            weak.returns,
            "A test that returns False has passed. Write `assert` in front of the comparison.",
        ),
        Mutant(
            "compares with the book's own step",
            weak.leans,
            "In here that is the step on trial as well, so it was compared with itself. Work out "
            "the gradients from both losses.",
        ),
        Mutant(
            "the generator alone",
            weak.generator_alone,
            "The generator's move is checked, the critic's isn't. Half of the mistakes show in "
            "the critic alone, and two only with another `heard`, or with gradients left over.",
        ),
        Mutant(
            "the warm-up alone",
            weak.warm_up_alone,
            "That is one of the things to check. Try heard = 1 and 0.5 as well, and compare how "
            "both networks move.",
        ),
        Mutant(
            "pictures drawn anew for the critic",
            weak.drawn_anew,
            "The critic is shown the pictures that were drawn before the generator moved: drawing "
            "them again would cost a second pass. Work its gradient out from those.",
            satisfied_by=wrong.drawn_anew,
        ),
    ),
    hints=(
        "With SGD, p_before - p_after = lr * gradient. So work out both gradients yourself before "
        "the step, by `torch.autograd.grad`, and keep clones of the parameters.",
        "Three runs: heard = 1, 0.5 and 0. In each compare all parameters of both networks.",
        "Fill every `.grad` with ones before you call the step: none of that may count.",
    ),
)
