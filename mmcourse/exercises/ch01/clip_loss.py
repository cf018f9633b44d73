"""Core: the symmetric contrastive loss."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, gives, normalised, raw, unchanged, unit
from mmcourse.joint import losses

STUB = '''
@exercise("ch01.clip_loss")
def clip_loss(text_emb, image_emb, logit_scale):
    """Symmetric contrastive loss over a batch of pairs.

    text_emb, image_emb: (B, D), rows of length 1; text i belongs to picture i.
    logit_scale: 1 / temperature, multiplied onto the cosines; a number or a scalar tensor.
    Returns a scalar tensor in the inputs' dtype: the mean of the text-to-image and the
    image-to-text cross-entropy. It stays finite in float32 for scales up to 100.
    """
    raise NotImplementedError
'''


def by_hand(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    """Pair by pair: minus the logarithm of the probability of the right partner."""
    size = len(text_emb)
    logit = [[logit_scale * (t * i).sum() for i in image_emb] for t in text_emb]
    total = torch.zeros((), dtype=text_emb.dtype)
    for k in range(size):
        row = torch.stack([logit[k][j] for j in range(size)])
        column = torch.stack([logit[j][k] for j in range(size)])
        total = total + row.logsumexp(0) - logit[k][k] + column.logsumexp(0) - logit[k][k]
    return total / (2 * size)


two_pairs = gives(
    "two pairs at right angles cost log(1 + e^-scale): 0.3133 at scale 1, 0.1269 at scale 2",
    *(((torch.eye(2), torch.eye(2), s), math.log(1 + math.exp(-s))) for s in (1.0, 2.0)),
)
one_pair = gives(
    "a batch of one has nothing to tell apart: the loss is 0",
    ((unit(1, 3, seed=1), unit(1, 3, seed=2), 5.0), 0.0),
)
all_the_same = gives(
    "where all vectors are the same, it is a guess among B: the loss is log B",
    ((unit(1, 3, seed=3).expand(4, 3).clone(), unit(1, 3, seed=3).expand(4, 3).clone(), 10.0),
     math.log(4)),
)  # fmt: skip
symmetric = unchanged(
    "texts and pictures can swap roles",
    lambda: (unit(3, 2, seed=4), unit(3, 2, seed=5), 4.0),
    lambda text, image, scale: (image, text, scale),
    "Swapped, the loss is another.",
)
order = unchanged(
    "the order of the pairs does not matter",
    lambda: (unit(3, 2, seed=6), unit(3, 2, seed=7), 4.0),
    lambda text, image, scale: (text[[2, 0, 1]], image[[2, 0, 1]], scale),
    "In another order, the same pairs have another loss.",
)


def _cases() -> list[tuple[Any, ...]]:
    sizes = ((1, 3, 2.0), (2, 2, 2.0), (5, 4, 1 / 0.07), (3, 4, 3.0))
    pairs = [(raw(b, d, seed=b), raw(b, d, seed=b + 10), s) for b, d, s in sizes]
    return [*pairs, (*pairs[-1][:2], torch.tensor(3.0, dtype=torch.float64))]


def _ends() -> list[tuple[Any, ...]]:
    """At scale 100: all wrong, all right, both pictures beside one text, one far from all."""
    text = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    near = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    far = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    pairs = (text, -text), (text, text), (text, near), (near, text), (far, far.roll(1, 0))
    return [(*pair, scale) for pair in pairs for scale in (100.0, torch.tensor(100.0))]


def _probes() -> list[tuple[Any, ...]]:
    far = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    scale = torch.tensor(2.0, dtype=torch.float64)
    return [
        (raw(2, 3, seed=10), raw(2, 3, seed=11), scale),
        (raw(4, 3, seed=12), raw(4, 3, seed=13), 2 * scale),
        (far, -far, torch.tensor(100.0)),
        (far, far, torch.tensor(100.0)),
    ]


MISTAKES = """
text-to-image only: + F.cross_entropy(logits.T, target)) / 2 => )
    Each text picks its picture, but no picture picks its text: a picture that every text likes goes
    unpunished. Add the cross-entropy of the transposed logits, and halve.
image-to-text only:
        F.cross_entropy(logits, target) + =>
        / 2 =>
    Each picture picks its text, but no text picks its picture. Add the cross-entropy of the logits
    the other way round, and halve.
divides by the scale: logit_scale * text_emb => text_emb / logit_scale
    `logit_scale` is 1 / temperature already, so it is multiplied. Divided, the logits shrink where
    they should grow: the softmax is nearly flat, and nothing is learned.
exponentiates the scale again: logit_scale * => torch.as_tensor(logit_scale).exp() *
    The model stores a logarithm, but hands over `logit_scale.exp()`. Taking exp here applies the
    temperature twice.
ignores the scale: logit_scale * =>
    Cosines lie in [-1, 1], so without the scale the best probability among B is only about e² / B.
    Multiply the cosines by `logit_scale`.
adds the two directions without halving: / 2 =>
    The loss is the mean of the two directions, so that it is comparable with a single cross-entropy
    (log B for guessing). Divide by 2.
averaged logits:
        (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2 =>
            F.cross_entropy((logits + logits.T) / 2, target)
    The two directions were averaged before the softmax. Each has a cross-entropy of its own, and
    the two losses are averaged.
pair by pair:
        logits = logit_scale * text_emb @ image_emb.T
        return F.binary_cross_entropy_with_logits(logits, torch.eye(len(logits)).to(logits))
    Each pair was asked about by itself, by a sigmoid: that is another loss (SigLIP's is of that
    kind). Here each text chooses among all pictures, by a softmax over its row.
sums over the batch: / 2 => / 2 * len(logits)
    The loss grows with the batch, and so does the step. Average over the pairs: `reduction='mean'`,
    which is cross_entropy's default.
every text belongs to picture 0: torch.arange( => 0 * torch.arange(
    The targets are all zero. Text i belongs to picture i, so the right class of row i is i:
    `torch.arange(B)`.
softmax before cross_entropy:
        (logits, => (logits.softmax(1),
        (logits.T, => (logits.T.softmax(1),
    `F.cross_entropy` takes logits and applies the softmax itself. Given probabilities, it flattens
    them once more, and the loss can't fall below a floor.
pulls pairs together and pushes nothing apart: (1 - F.cosine_similarity(text_emb, image_emb)).mean()
    Without the other pictures of the batch, the cheapest solution is to map everything to one
    point. The negatives are the off-diagonal entries of the matrix.
no gradient to the pictures: image_emb.T => image_emb.detach().T
    The value is right, but the pictures were detached, so their tower would never learn. Both
    towers are trained by this loss.
log of a softmax:
        logits = logit_scale * text_emb @ image_emb.T
        rows, columns = logits.softmax(1).diagonal(), logits.softmax(0).diagonal()
        return -(rows.log().mean() + columns.log().mean()) / 2
    The formula is right, but exp and log are taken one after the other. At scale 100 a logit of
    -100 has probability e^-200, which float32 rounds to 0, and log(0) is infinite. Let
    `F.cross_entropy`, `log_softmax` or `logsumexp` do both in one step.
bare exponentials:
        powers = (logit_scale * text_emb @ image_emb.T).exp()
        rows, columns = powers.diagonal() / powers.sum(1), powers.diagonal() / powers.sum(0)
        return -(rows.log().mean() + columns.log().mean()) / 2
    The formula is right, but exp and log are taken one after the other. At scale 100 a logit of
    -100 has probability e^-200, which float32 rounds to 0, and log(0) is infinite. Let
    `F.cross_entropy`, `log_softmax` or `logsumexp` do both in one step.
"""

EXERCISE = Task(
    title="The contrastive loss",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=losses.clip_loss,
    formula=by_hand,
    cases=_cases,
    ends=_ends,
    through=normalised,
    probe=calls(_probes, through=normalised),
    mistakes=MISTAKES,
    hints=(
        "All B by B cosines at once are one matrix product. Which entry of row i is the right one?",
        "Row i is a classification among B pictures whose right class is i. Column j is a "
        "classification among B texts. What is the target vector of both?",
        "logits = logit_scale * text_emb @ image_emb.T; `F.cross_entropy` of the logits and of "
        "their transpose, each with `torch.arange(B)` on the right device; the mean of the two.",
    ),
)
