"""GAN training steps with a bug each: the suspects of a bug hunt."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.vqgan.losses import hinge_discriminator_loss, hinge_generator_loss

Step = dict[str, float]


def _asked(critic: nn.Module, drawn: Tensor, freeze: bool = True) -> Tensor:
    """The critic's opinion of drawn pictures, its own parameters kept out of it."""
    if freeze:
        critic.requires_grad_(False)
    opinion = hinge_generator_loss(critic(drawn))
    critic.requires_grad_(True)
    return opinion


def assemble(
    players: tuple[Any, ...],
    heard: float,
    *,
    opinion: Any = _asked,
    weight: Any = lambda objective, heard: heard * objective.adversarial,
    swapped: bool = False,
    plays: Any = lambda heard: heard > 0,
    own_counts: bool = True,
    clears: tuple[bool, bool] = (True, True),
) -> Step:
    """A step of which one part may be broken."""
    x, generator, critic, optimiser, critic_optimiser, objective = players
    drawn, own = generator(x)
    loss = objective.reconstruct(drawn, x)
    if own_counts:
        loss = loss + own
    if clears[0]:
        optimiser.zero_grad()
    if clears[1]:
        critic_optimiser.zero_grad()
    if heard > 0:
        loss = loss + weight(objective, heard) * opinion(critic, drawn)
    loss.backward()
    optimiser.step()
    if plays(heard):
        real, fake = critic(x), critic(drawn.detach())
        if swapped:
            real, fake = fake, real
        its = hinge_discriminator_loss(real, fake)
        its.backward()
        critic_optimiser.step()
    return {"loss": float(loss.detach())}


def stale(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """The critic's gradients of the generator's turn are still there in its own."""

    def asked(critic: nn.Module, drawn: Tensor) -> Tensor:
        return _asked(critic, drawn, freeze=False)

    return assemble((x, g, c, o, co, objective), heard, opinion=asked)


def leftovers(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """The generator's gradients of the step before are not cleared."""
    return assemble((x, g, c, o, co, objective), heard, clears=(False, True))


def reaches_generator(
    x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0
) -> Step:
    """The critic's loss, of pictures that are not detached, pulls at the generator too."""
    drawn, own = g(x)
    loss = objective.reconstruct(drawn, x) + own
    o.zero_grad()
    co.zero_grad()
    if heard > 0:
        loss = loss + heard * objective.adversarial * _asked(c, drawn)
        its = hinge_discriminator_loss(c(x), c(drawn))
        its.backward(retain_graph=True)
    loss.backward()
    o.step()
    if heard > 0:
        co.step()
    return {"loss": float(loss.detach())}


def deaf(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """The generator asks for the critic's opinion of detached pictures."""
    return assemble(
        (x, g, c, o, co, objective), heard, opinion=lambda critic, d: _asked(critic, d.detach())
    )


def wants_to_be_caught(
    x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0
) -> Step:
    """The generator lowers its logits."""
    return assemble(
        (x, g, c, o, co, objective), heard, opinion=lambda critic, d: -_asked(critic, d)
    )


def swapped(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """The critic takes real pictures for drawn ones."""
    return assemble((x, g, c, o, co, objective), heard, swapped=True)


def before_its_time(
    x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0
) -> Step:
    """The critic trains in the warm-up already."""
    return assemble((x, g, c, o, co, objective), heard, plays=lambda heard: True)


def at_once(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """The critic's opinion counts in full as soon as it counts at all."""
    return assemble(
        (x, g, c, o, co, objective), heard, weight=lambda objective, heard: objective.adversarial
    )


def no_codes(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """The generator's loss of its own is forgotten."""
    return assemble((x, g, c, o, co, objective), heard, own_counts=False)


def in_two_calls(
    x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0
) -> Step:
    """A right one: the critic frozen, then asked for both kinds in two calls."""
    return assemble((x, g, c, o, co, objective), heard)


def by_autograd(
    x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0
) -> Step:
    """A right one: gradients by torch.autograd.grad, put where they belong."""

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


def drawn_anew(x: Any, g: Any, c: Any, o: Any, co: Any, objective: Any, heard: float = 1.0) -> Step:
    """Not what is asked for: the critic sees pictures that were drawn after the generator moved."""
    told = in_two_calls(x, g, c, o, torch.optim.SGD(c.parameters(), lr=0.0),
                        objective, heard)  # fmt: skip
    if heard > 0:
        with torch.no_grad():
            drawn = g(x)[0]
        loss = hinge_discriminator_loss(c(x), c(drawn))
        co.zero_grad()
        loss.backward()
        co.step()
    return told
