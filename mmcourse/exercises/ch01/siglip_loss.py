"""Stretch: the sigmoid loss, which judges every pair on its own."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, gives, normalised, raw, unchanged, unit
from mmcourse.joint import losses

STUB = '''
@exercise("ch01.siglip_loss")
def siglip_loss(text_emb, image_emb, logit_scale, logit_bias):
    """Judge every text with every picture on its own: do these two belong together?

    text_emb, image_emb: (B, D), rows of length 1; text i belongs to picture i.
    logit_scale: multiplied onto the cosines.  logit_bias: added after that.
    Returns a scalar tensor in the inputs' dtype: -log sigmoid(logit) for each of the B pairs,
    -log sigmoid(-logit) for each of the B² - B negatives, all summed and divided by B.
    It stays finite in float32 for scales up to 100.
    """
    raise NotImplementedError
'''


def by_hand(text_emb: Tensor, image_emb: Tensor, logit_scale: Any, logit_bias: Any) -> Tensor:
    """Pair by pair: log(1 + exp(-±logit))."""
    total = torch.zeros((), dtype=text_emb.dtype)
    for i, text in enumerate(text_emb):
        for j, image in enumerate(image_emb):
            logit = logit_scale * (text * image).sum() + logit_bias
            total = total + F.softplus(-logit if i == j else logit)
    return total / len(text_emb)


one_pair = gives(
    "one pair with cosine 1, scale 2, bias -1: the loss is log(1 + 1/e) = 0.3133",
    ((torch.eye(1), torch.eye(1), 2.0, -1.0), math.log(1 + math.exp(-1))),
)
two_pairs = gives(
    "two pairs at right angles, scale 1, bias 0: each costs 0.3133, each stranger log 2",
    ((torch.eye(2), torch.eye(2), 1.0, 0.0), math.log(1 + math.exp(-1)) + math.log(2)),
)
symmetric = unchanged(
    "texts and pictures can swap roles",
    lambda: (unit(3, 2, seed=4), unit(3, 2, seed=5), 4.0, -2.0),
    lambda text, image, scale, bias: (image, text, scale, bias),
    "Swapped, the loss is another.",
)


def _pairs(b: int, d: int, scale: float, bias: float, *more: Any) -> tuple[Any, ...]:
    numbers = (torch.tensor(x, dtype=torch.float64) for x in (scale, bias))
    return raw(b, d, seed=b + 5), raw(b, d, seed=b + 6), *(more or numbers)


def _cases() -> list[tuple[Any, ...]]:
    return [
        _pairs(1, 2, 2.0, -1.0, 2.0, -1.0),
        _pairs(2, 2, 2.0, -1.0, 2.0, -1.0),
        _pairs(5, 4, 10.0, -10.0),
        _pairs(4, 4, 4.0, 0.5),
        _pairs(3, 4, 3.0, -1.0),
    ]


def _ends() -> list[tuple[Any, ...]]:
    """Pairs that are opposites, negatives that are equal, both at once; biases of either sign."""
    text, one = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    found = [
        (text, -text, 100.0, -10.0),
        (one, one, 30.0, -10.0),
        (one, one, 100.0, -10.0),
        (one, -one, 100.0, 0.0),
        (text, text, 100.0, 100.0),
        (text, text, 100.0, -100.0),
    ]
    return [x for t, i, *rest in found for x in ((t, i, *rest), (t, i, *map(torch.tensor, rest)))]


def _probes() -> list[tuple[Any, ...]]:
    far = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    large = torch.tensor(100.0), torch.tensor(-10.0)
    return [_cases()[-1], _pairs(4, 3, 3.0, -1.0), (far, -far, *large)]


def _parts(
    text_emb: Tensor, image_emb: Tensor, logit_scale: Any, logit_bias: Any
) -> tuple[Tensor, Tensor]:
    logits = logit_scale * text_emb @ image_emb.T + logit_bias
    sign = 2 * torch.eye(len(logits), dtype=logits.dtype, device=logits.device) - 1
    return logits, sign


MISTAKES = """
mean over all B² pairs:
        logits, sign = _parts(text_emb, image_emb, logit_scale, logit_bias)
        return -F.logsigmoid(sign * logits).mean()
    Divide by B, not by B². With B², each picture's share of the gradient shrinks as the batch
    grows, and the one pair drowns among B - 1 negatives.
sum without dividing:
        logits, sign = _parts(text_emb, image_emb, logit_scale, logit_bias)
        return -F.logsigmoid(sign * logits).sum()
    The loss grows with the batch. Divide the sum by B.
no bias: losses.siglip_loss(text_emb, image_emb, logit_scale, 0.0)
    `logit_bias` is never added. In a batch almost all pairs are negatives; the bias lets the loss
    start there, rather than spend the first steps learning to say no.
the bias is scaled too:
        losses.siglip_loss(text_emb, image_emb, logit_scale, logit_scale * logit_bias)
    This is scale * (cosine + bias). The bias is added after scaling: scale * cosine + bias.
labels 1 and 0 instead of 1 and -1:
        logits, sign = _parts(text_emb, image_emb, logit_scale, logit_bias)
        return -F.logsigmoid(sign.clamp(min=0) * logits).sum() / len(logits)
    With label 0 the logit is multiplied away, and every stranger costs log 2 whatever it does. The
    sign is +1 for a pair and -1 for negatives.
pairs only, no negatives:
        logits, _ = _parts(text_emb, image_emb, logit_scale, logit_bias)
        return -F.logsigmoid(logits.diagonal()).mean()
    Only the diagonal was used. With nothing to push away, everything can collapse to one point. The
    other B² - B entries count too, with the sign turned.
signs the wrong way round:
        logits, sign = _parts(text_emb, image_emb, logit_scale, logit_bias)
        return -F.logsigmoid(-sign * logits).sum() / len(logits)
    Pairs are pushed apart and negatives pulled together. It is +1 on the diagonal.
the softmax loss: losses.clip_loss(text_emb, image_emb, logit_scale) + 0 * logit_bias
    This is the loss of the exercise before: rows and columns compete through a softmax. Here no
    pair knows of any other; each is a yes-or-no question with its own sigmoid.
log of a sigmoid:
        logits, sign = _parts(text_emb, image_emb, logit_scale, logit_bias)
        return -(sign * logits).sigmoid().log().sum() / len(logits)
    The formula is right, but sigmoid(-110) is 0 in float32 and its logarithm infinite.
    `F.logsigmoid` or `F.softplus` takes both in one step.
"""

EXERCISE = Task(
    title="The sigmoid loss",
    level="stretch",
    difficulty=3,
    minutes=15,
    stub=STUB,
    reference=losses.siglip_loss,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    through=normalised,
    probe=calls(_probes, through=normalised),
    mistakes=MISTAKES,
    hints=(
        "Start as for the other loss, with a (B, B) matrix of logits, and add the bias.",
        "Make a (B, B) matrix of signs: +1 on the diagonal, -1 elsewhere. Multiply it onto the "
        "logits, and every entry asks the same question.",
        "`F.logsigmoid(sign * logits)`, summed over everything, divided by B, negated. "
        "`2 * torch.eye(B) - 1` is the sign matrix; mind its device and dtype.",
    ),
)
