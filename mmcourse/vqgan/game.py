"""One turn of the game: whoever draws moves, then the critic, each by its own loss alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.processes import means, total, world
from mmcourse.training import check_finite
from mmcourse.vqgan.adaptive import adaptive_weight
from mmcourse.vqgan.losses import (
    hinge_discriminator_loss,
    hinge_generator_loss,
    lecam_regulariser,
)

if TYPE_CHECKING:
    from accelerate import Accelerator

Turn = dict[str, float]


class UsualLogits(nn.Module):
    """Running means of the critic's logits of real and of drawn pictures, for `lecam_regulariser`.

    Args:
        decay: share of the old that is kept at each turn.
    """

    real: Tensor
    fake: Tensor

    def __init__(self, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("real", torch.zeros(()))
        self.register_buffer("fake", torch.zeros(()))

    @torch.no_grad()
    def follow(self, real: Tensor, fake: Tensor) -> None:
        """Move both means towards those of a batch, which may be shared by processes."""
        self.real.lerp_(total(real.mean()) / world(), 1 - self.decay)
        self.fake.lerp_(total(fake.mean()) / world(), 1 - self.decay)


@dataclass
class Objective:
    """What the players want.

    Args:
        reconstruct: of drawn pictures and true ones, a scalar: pixels, features, or both.
        adversarial: weight of the critic's opinion in the loss of whoever draws.
        last: the decoder's last weight, by whose gradients the opinion is scaled as well (see
            `adaptive_weight`); None: it is not.
        lecam: weight of the critic's regulariser.
        clip: the longest gradient of whoever draws.
    """

    reconstruct: Callable[[Tensor, Tensor], Tensor] = F.l1_loss
    adversarial: float = 0.1
    last: Tensor | None = None
    lecam: float = 0.0
    clip: float = 1.0
    usual: UsualLogits = field(default_factory=UsualLogits)


def gan_step(
    x: Tensor,
    generator: Callable[[Tensor], tuple[Tensor, Tensor]],
    critic: nn.Module,
    optimiser: torch.optim.Optimizer,
    critic_optimiser: torch.optim.Optimizer,
    objective: Objective,
    heard: float = 1.0,
    accelerator: Accelerator | None = None,
) -> Turn:
    """One optimiser step of both players on one batch.

    While whoever draws moves, the critic is frozen: it passes gradients on and keeps none. In the
    critic's turn the drawn pictures are constants. So each step changes one player.

    Args:
        x: pictures (B, C, H, W) in [-1, 1].
        generator: pictures to reconstructions and a loss of its own, such as a quantizer's.
        critic: pictures to logits.
        optimiser: of the generator's parameters.
        critic_optimiser: of the critic's.
        objective: see there.
        heard: how much of the critic's opinion counts, from 0 to 1. At 0, the warm-up, the critic
            does not move either.
        accelerator: of a larger run; it then scales, clips and gathers gradients.

    Returns:
        Numbers of this turn: "loss" (without the critic's part), and if it was heard "weight"
        (the adaptive one), "adversarial", "critic", "real" and "fake" (mean logits).

    Raises:
        ValueError: a loss that is not finite; who has it takes no step.
    """
    drawn, own = generator(x)
    reconstruction = objective.reconstruct(drawn, x)
    loss = reconstruction + own
    turn = means({"loss": loss})
    if heard > 0:
        critic.requires_grad_(False)
        opinion = hinge_generator_loss(_alone(critic, accelerator)(drawn).float())
        weight = drawn.new_ones(())
        if objective.last is not None:
            weight = adaptive_weight(reconstruction, opinion, objective.last)
        turn |= means({"weight": weight, "adversarial": opinion})
        loss = loss + heard * objective.adversarial * weight * opinion
        critic.requires_grad_(True)
    check_finite(loss)
    optimiser.zero_grad()
    _backward(loss, accelerator)
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    if accelerator is not None:  # its own clipping would unscale the critic's old gradients too
        accelerator.unscale_gradients(optimiser)
    nn.utils.clip_grad_norm_(parameters, objective.clip)
    optimiser.step()
    if heard > 0:
        turn |= critic_step(x, drawn, critic, critic_optimiser, objective, accelerator)
    return turn


def critic_step(
    x: Tensor,
    drawn: Tensor,
    critic: nn.Module,
    optimiser: torch.optim.Optimizer,
    objective: Objective,
    accelerator: Accelerator | None = None,
) -> Turn:
    """The critic's turn; arguments and what it returns as in `gan_step`."""
    logits = critic(torch.cat([x, drawn.detach()])).float()  # (2 B, 1, h, w)
    real, fake = logits.chunk(2)
    usual = objective.usual
    usual.follow(real, fake)
    loss = hinge_discriminator_loss(real, fake)
    if objective.lecam > 0:
        loss = loss + objective.lecam * lecam_regulariser(real, fake, usual.real, usual.fake)
    check_finite(loss)
    optimiser.zero_grad()
    _backward(loss, accelerator)
    optimiser.step()
    return means({"critic": loss, "real": real.mean(), "fake": fake.mean()})


def _alone(critic: nn.Module, accelerator: Accelerator | None) -> Any:
    """The critic without what gathers its gradients from several processes: here it has none."""
    return critic if accelerator is None else accelerator.unwrap_model(critic)


def _backward(loss: Tensor, accelerator: Accelerator | None) -> None:
    if accelerator is None:
        loss.backward()
    else:
        accelerator.backward(loss)
