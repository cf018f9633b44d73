"""What a critic and what it judges want: pure functions of logits."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def hinge_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Real patches above 1, drawn ones below -1; whatever is beyond costs nothing.

    Source: Lim & Ye, Geometric GAN, 2017; Miyato et al., 2018, equations 16 and 17.

    Args:
        real: logits of pictures of the data, any shape.
        fake: logits of drawn ones, any shape. Give the critic detached pictures: this is its own
            step.

    Returns:
        A scalar, the sum of both means.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator_loss(fake: Tensor) -> Tensor:
    """Whoever draws wants high logits, without a limit.

    Source: as `hinge_discriminator_loss`.

    Args:
        fake: logits of drawn pictures, any shape, with their graph.
    """
    return -fake.mean()


def logistic_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of telling real from drawn: -log s(real) - log(1 - s(fake)), s the sigmoid.

    Source and arguments: Goodfellow et al., Generative Adversarial Nets, 2014, equation 1; as
    `hinge_discriminator_loss`.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def non_saturating_generator_loss(fake: Tensor) -> Tensor:
    """-log s(fake): a gradient that is largest where the critic is sure that it was drawn.

    log(1 - s(fake)), the game's own, is flat there, where help is needed most.

    Source: Goodfellow et al., 2014, section 3.

    Args:
        fake: logits of drawn pictures, any shape, with their graph.
    """
    return F.softplus(-fake).mean()


def lecam_regulariser(
    real: Tensor, fake: Tensor, usual_real: Tensor | float, usual_fake: Tensor | float
) -> Tensor:
    """Keep the two kinds of logits from running away from each other: each is drawn to what the
    other usually is.

    Source: Tseng et al., Regularizing Generative Adversarial Networks under Limited Data, 2021.

    Args:
        real: logits of pictures of the data, any shape.
        fake: logits of drawn ones.
        usual_real: the running mean of the real ones' mean, a constant.
        usual_fake: of the drawn ones'.

    Returns:
        A scalar, the sum of both mean squares.
    """
    return (real - usual_fake).square().mean() + (fake - usual_real).square().mean()
